import Domain
import LibPQ

/// What the guard would say to an import.
package struct GuardForecast: Sendable, Hashable {
    /// Instances of which something else would be desired.
    package var changing: Int64 = 0
    /// Instances of which something else became desired within the window before, other than by clock events.
    package var recent: Int64
    /// The most instances of which something else may be desired within the window.
    package var limit: Int64
    /// Agents whose part would wait for somebody, in the file's order, at most 100; and how many there are.
    package var held: [String] = []
    package var heldCount = 0

    /// Whether any of it would wait for somebody.
    package var wouldHold: Bool { heldCount > 0 }

    /// `standing`: before anything is imported; `whole`: what the import weighs, where that is known.
    init(_ standing: GuardWeight, of whole: GuardWeight?) {
        recent = standing.affected
        limit = GuardPolicy().limit(fleet: max(standing.fleet, whole?.fleet ?? 0))
    }
}

extension AgentDirectory {
    /// Carries what came of a change out of the transaction that is rolled back.
    private struct DryRun: Error {
        var guarded: GuardedChange
    }

    /// What a change weighs that does nothing: what passed lately, and how many instances there are.
    func weight() async throws(PQError) -> GuardWeight {
        let read = try await pool.pipeline([GuardStatements.recent(GuardPolicy().window), GuardStatements.fleet])
        return GuardWeight(
            affected: try read[0][0].column("count", as: Int64.self),
            fleet: try read[1][0].column("count", as: Int64.self)
        )
    }

    /// Adds what a portion of an import weighs, by doing it with nothing held and taking it back.
    ///
    /// As long as an import's own portion takes, it keeps clock events waiting, and no longer; one that only brings people and
    /// sessions nobody ever heard of weighs nothing, and is not done. What waits of it already counts, so that the same file
    /// again is no smaller change.
    func weigh(_ specs: [AgentSpec], into weight: inout GuardWeight, author: String) async throws {
        let map = try await AgentMap.read(specs, rules: rules, from: pool)
        let change = AgentMapChange(specs, map: map, caller: nil)
        guard change.mayMatter else { return }
        if change.onlyAdds(to: map), try await isUnheardOf(change) {
            weight.fleet += Int64(change.assigned.count)
            return
        }
        let guarded = try await takingBack { transaction in
            let map = try await AgentMap.read(specs, rules: rules, in: transaction)
            return try await applyGuarded(
                specs,
                map: map,
                caller: nil,
                author: author,
                origin: .approved(marks: false),
                in: transaction
            )
        }
        weight.affected += guarded.changing
        weight.fleet += guarded.adding
    }

    private func isUnheardOf(_ change: AgentMapChange) async throws(PQError) -> Bool {
        let known = try await pool.query(GuardStatements.isKnown(change.touched, sessions: change.assigned))
        return try !known[0].column("is_known", as: Bool.self)
    }

    /// Does a portion of an import and takes it back, so that what the guard says to it is the truth.
    ///
    /// As long as an import's own portion takes, it keeps clock events waiting, and no longer.
    ///
    /// `passed`: instances of which earlier portions would have something else desired.
    /// `whole`: what the import weighs that it is a portion of.
    /// Returns what would wait, and of how many instances something else would be desired: by all of it, and by what passes.
    func preview(
        _ specs: [AgentSpec],
        passed: Int64,
        of whole: GuardWeight?,
        author: String
    ) async throws -> (held: HeldParts, changing: Int64, passing: Int64) {
        let guarded = try await takingBack { transaction in
            var ticket = GuardTicket()
            ticket.whole = whole
            ticket.isDry = true
            let map = try await AgentMap.read(specs, rules: rules, in: transaction)
            try await GuardGate().note(passed, by: author, in: transaction)
            return try await applyGuarded(
                specs,
                map: map,
                caller: nil,
                author: author,
                origin: .listing(ticket),
                in: transaction
            )
        }
        return (guarded.held, guarded.changing, guarded.passing)
    }

    /// Makes a change in a transaction of its own, and rolls it back.
    private func takingBack(_ body: (PQTransaction) async throws -> GuardedChange) async throws -> GuardedChange {
        do {
            return try await retryingConflicts {
                try await pool.withTransaction { transaction in
                    throw DryRun(guarded: try await body(transaction))
                }
            }
        } catch let dry as DryRun {
            return dry.guarded
        }
    }
}
