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
    static let portionLimit = 100

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
    /// `agentIDs`: whose parts; `nil` for all that the caller sees. `shown`: how many of these parts the caller was shown as
    /// waiting; `nil` for whatever waits.
    /// Returns how many parts were decided.
    /// Throws ``Problem`` `not_found` without such a change or parts that the caller sees, `already_decided` when nothing of
    /// it waits any more, `more_waits` when more waits than was shown, `outside_team` where only the whole can be decided and the
    /// caller does not see all, `invalid_field` where it can and agents are named; ``PQError``.
    package func decide(
        _ decision: GuardDecision,
        change: Int64,
        agentIDs: [String]?,
        shown: Int64? = nil,
        by caller: Caller
    ) async throws -> Int {
        if try await isSetting(change) {
            guard caller.teams == nil else { throw Problem(.outsideTeam, "A setting is about everybody's breaks.") }
            guard agentIDs == nil else { throw Problem.invalid("agents", "A setting is decided on as a whole.") }
            return try await settings.decide(decision, change: change, shown: shown, by: caller)
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
                try GuardChoice.check(count, shown: shown)
                try await transaction.run(
                    [GuardStatements.audit("guard.\(decision.rawValue)", of: change, by: caller.name, agents: count)]
                        + GuardStatements.close(by: caller.name)
                )
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
    private func decideListing(_ choice: GuardChoice, in transaction: PQTransaction) async throws -> [Wake] {
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
            guard choice.agentIDs == nil else { throw Problem.invalid("agents", "A list is refused as a whole.") }
            let row = try await transaction.query(choice.concernsOthers)[0]
            guard try !row.column("concerns_others", as: Bool.self) else {
                throw Problem(.outsideTeam, "It is refused as a whole, and it is about other teams' sessions too.")
            }
            // The sessions stay marked: no stop follows until somebody says something of the agent.
            try await transaction.run(choice.refuseListing)
        }
        return found
    }
}
