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
}

extension AgentDirectory {
    /// Carries what came of a change out of the transaction that is rolled back.
    private struct DryRun: Error {
        var guarded: GuardedChange
    }

    /// The guard's standing, before anything is imported.
    func forecast() async throws(PQError) -> GuardForecast {
        let policy = GuardPolicy()
        let read = try await pool.pipeline([GuardStatements.recent(policy.window), GuardStatements.fleet])
        let fleet = try read[1][0].column("count", as: Int64.self)
        return GuardForecast(recent: try read[0][0].column("count", as: Int64.self), limit: policy.limit(fleet: fleet))
    }

    /// Does a portion of an import and takes it back, so that what the guard says to it is the truth.
    ///
    /// As long as an import's own portion takes, it keeps clock events waiting, and no longer.
    ///
    /// `passed`: instances of which earlier portions would have something else desired.
    /// Returns what would wait, and of how many instances something else would be desired: by all of it, and by what passes.
    func preview(
        _ specs: [AgentSpec],
        passed: Int64,
        author: String
    ) async throws -> (held: HeldParts, changing: Int64, passing: Int64) {
        do {
            return try await retryingConflicts {
                try await pool.withTransaction { transaction in
                    var ticket = GuardTicket()
                    ticket.isDry = true
                    let map = try await AgentMap.read(specs, rules: rules, in: transaction)
                    try await GuardGate().note(passed, by: author, in: transaction)
                    let guarded = try await applyGuarded(
                        specs,
                        map: map,
                        caller: nil,
                        author: author,
                        origin: .listing(ticket),
                        in: transaction
                    )
                    throw DryRun(guarded: guarded)
                }
            }
        } catch let dry as DryRun {
            return (dry.guarded.held, dry.guarded.changing, dry.guarded.passing)
        }
    }
}
