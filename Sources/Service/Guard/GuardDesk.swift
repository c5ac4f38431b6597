import Domain
import LibPQ
package import Logging

/// What a person decides about a held change.
package enum GuardDecision: String, Sendable, CaseIterable {
    case approve, refuse

    /// The state of a part afterwards.
    var state: HeldState {
        switch self {
        case .approve: .approved
        case .refuse: .refused
        }
    }
}

/// Approves and refuses what the guard holds, and carries out what was approved.
///
/// A decision is committed first, with who made it; carrying out follows, and whoever it is (this request, or any replica's
/// ``GuardKeeper``) goes on where another left off.
package struct GuardDesk: Sendable {
    let pool: PQPool
    let directory: AgentDirectory
    let orders: AgentOrders
    let settings: SettingDesk
    let wakes: any WakeBell
    private let logger: Logger

    /// Parts carried out at a time.
    static let portion: Int64 = 500
    /// How long who carries parts out keeps others from them.
    static let claim: Duration = .seconds(60)
    /// How long claiming a portion may take: who stops meanwhile waits for it.
    static let claimTimeout: Duration = .seconds(2)
    /// Portions in a row: 50,000 parts; what is left is done by the keeper.
    private static let portionLimit = 100

    /// `freshness`: how long a look proves that a session is stopped.
    package init(_ directory: AgentDirectory, freshness: FreshnessBook, logger: Logger) {
        pool = directory.pool
        self.directory = directory
        orders = AgentOrders(
            pool: directory.pool,
            policy: directory.policy,
            rules: directory.rules,
            clock: directory.clock,
            wakes: directory.wakes,
            freshness: freshness
        )
        settings = SettingDesk(directory, logger: logger)
        wakes = directory.wakes
        self.logger = logger
    }

    /// Decides about a change, or about the parts of some agents; those that are left go on waiting.
    ///
    /// `agentIDs`: whose parts; `nil` for all that the caller sees.
    /// Returns how many parts were decided.
    /// Throws ``Problem`` `not_found` without such a change or parts that the caller sees, `already_decided` when nothing of
    /// it waits any more; ``PQError``.
    package func decide(
        _ decision: GuardDecision,
        change: Int64,
        agentIDs: [String]?,
        by caller: Caller
    ) async throws -> Int {
        if try await isSetting(change) {
            guard caller.teams == nil else { throw Problem(.outsideTeam, "A setting is about everybody's breaks.") }
            guard agentIDs == nil else { throw Problem.invalid("agents", "A setting is decided on as a whole.") }
            return try await settings.decide(decision, change: change, by: caller)
        }
        let (count, rings) = try await retryingConflicts {
            try await pool.withTransaction { transaction in
                let found = try await transaction.rows(
                    "SELECT kind FROM guard_changes WHERE change = \(change) FOR UPDATE"
                ) { row throws(PQError) in try row.column("kind", as: String.self) }
                guard let kind = found.first else { throw Problem(.notFound) }
                let choice = GuardChoice(
                    decision: decision,
                    change: change,
                    agentIDs: agentIDs,
                    teams: caller.teams?.sorted(),
                    author: caller.name
                )
                let isListing = kind == HeldKind.listing.rawValue
                let rings = isListing ? try await decideListing(choice, in: transaction) : []
                var count = rings.count
                if !isListing { count = try await transaction.execute(choice.parts) }
                guard count > 0 else {
                    let isVisible = try await transaction.query(choice.isVisible)[0].column("is_visible", as: Bool.self)
                    guard isVisible else { throw Problem(.notFound) }
                    throw Problem(.alreadyDecided)
                }
                try await transaction.run([
                    GuardStatements.audit("guard.\(decision.rawValue)", of: change, by: caller.name, agents: count),
                    GuardStatements.close(by: caller.name),
                ])
                return (count, decision == .approve ? rings : [])
            }
        }
        wakes.ring(rings)
        if decision == .approve {
            do {
                try await carryOut()
            } catch {
                // It is decided, and who asks again is told so: any replica's keeper goes on.
                logger.warning("approved, but not all carried out yet", metadata: [LogKeys.error: "\(error)"])
            }
        }
        return count
    }

    /// Whether a change is one of a setting.
    ///
    /// Index: `guard_changes_pkey`.
    private func isSetting(_ change: Int64) async throws(PQError) -> Bool {
        let found = try await pool.query(
            "SELECT 1 AS one FROM guard_changes WHERE change = \(change) AND kind = 'setting'"
        )
        return !found.isEmpty
    }

    /// Lets the stops that follow from a listing happen, or says for good that they do not follow from it.
    private func decideListing(_ choice: GuardChoice, in transaction: PQTransaction) async throws(PQError) -> [Wake] {
        let found = try await transaction.rows(choice.listed) { row throws(PQError) in
            Wake(
                instance: try row.column("instance", as: Int64.self),
                account: try row.column("account", as: Int32.self)
            )
        }
        guard !found.isEmpty else { return [] }
        switch choice.decision {
        case .approve:
            try await transaction.run([
                "UPDATE instances SET listed_by = NULL WHERE instance = ANY (\(found.map(\.instance)))",
                AgentStates.enqueue(found, at: directory.clock.now()),
            ])
        case .refuse:
            // The sessions stay marked: no stop follows until somebody says something of the agent.
            try await transaction.run(choice.refuseListing)
        }
        return found
    }

    /// Carries out what was approved, by whomever, until nothing is left or others are at the rest.
    ///
    /// Whoever is cancelled leaves to others at once what is not carried out yet.
    package func carryOut() async throws {
        for _ in 0..<Self.portionLimit {
            try Task.checkCancellation()
            // Whoever is cancelled while the claim is made would not know of it, and could not give it back.
            let due = try await BackgroundTasks.toTheEnd { try await claimPortion() }
            guard !due.isEmpty else { return }
            var outcomes: [Int64: String] = [:]
            do {
                try await carryOut(due, &outcomes)
            } catch {
                // What is cut short once more ends with the claim.
                try? await write(outcomes, of: due)
                throw error
            }
            try await write(outcomes, of: due)
            if due.count < Int(Self.portion) { return }
        }
    }

    private func claimPortion() async throws(PQError) -> [DuePart] {
        try await pool.rows(GuardDueStatements.claim, timeout: Self.claimTimeout, DuePart.init)
    }

    /// Carries out a portion; `outcomes` has what came of each part, also of those before one that throws.
    private func carryOut(_ due: [DuePart], _ outcomes: inout [Int64: String]) async throws {
        let map = due.filter { $0.what?.slot != .order }
        for (author, parts) in Dictionary(grouping: map, by: \.author) {
            outcomes.merge(try await put(parts, author: author)) { first, _ in first }
        }
        for part in due where part.what?.slot == .order { outcomes[part.item] = try await order(part) }
    }

    /// Writes down what came of a portion, and frees the rest of it if this task is cancelled.
    ///
    /// Of what failed otherwise the claim goes on, so that it is not tried again right away.
    private func write(_ outcomes: [Int64: String], of due: [DuePart]) async throws {
        var statements: [PQStatement] = []
        if !outcomes.isEmpty { statements.append(GuardDueStatements.complete(outcomes)) }
        let rest = due.filter { outcomes[$0.item] == nil }
        if Task.isCancelled, !rest.isEmpty { statements.append(GuardDueStatements.release(rest)) }
        let written = statements
        _ = try await BackgroundTasks.toTheEnd { try await pool.pipeline(written) }
    }

    /// Gives sessions and events to agents as they were asked for.
    private func put(_ parts: [DuePart], author: String) async throws -> [Int64: String] {
        var specs: [AgentSpec] = []
        let byAgent = Dictionary(grouping: parts, by: \.agentID)
        for (agentID, parts) in byAgent.sorted(by: { $0.key < $1.key }) {
            var spec = AgentSpec(agentID: agentID)
            for part in parts {
                if case .instance(let session) = part.what { spec.instance = session.map { .set($0) } ?? .remove }
            }
            specs.append(spec)
        }
        let outcomes = try await directory.put(specs, caller: nil, author: author, origin: .approved).outcomes
        var words: [Int64: String] = [:]
        for (spec, outcome) in zip(specs, outcomes) {
            var word = "done"
            if case .refused(let problem) = outcome { word = problem.code.rawValue }
            for part in byAgent[spec.agentID] ?? [] { words[part.item] = word }
        }
        return words
    }

    private func order(_ part: DuePart) async throws -> String {
        let caller = Caller(keyID: GuardDueStatements.nobody, name: part.author, role: .admin, sourceID: 0)
        do {
            switch part.what {
            case .hold(let hold):
                guard hold.until > directory.clock.now() else { return "over" }
                _ = try await orders.hold(part.agentID, hold, by: caller, origin: .approved)
            case .release: _ = try await orders.release(part.agentID, by: caller, origin: .approved)
            case .removal(let erases):
                _ = try await orders.remove(part.agentID, stop: true, erase: erases, by: caller, origin: .approved)
            case .instance, .events, nil: return "unknown"
            }
            return "done"
        } catch let problem as Problem {
            return problem.code.rawValue
        }
    }
}
