import Domain
import LibPQ
import Logging

/// Brings a replica's setting of what a break does into force for everybody, through the guard.
///
/// What is in force is read from the database with everything that is decided on (`break_action` of the views), so all replicas
/// act on the same whatever they were started with. A replica whose setting is another asks for it once every living replica was
/// started with the same; what that would change for those on break is judged as one change.
struct SettingDesk: Sendable {
    let pool: PQPool
    let policy: ReconcilePolicy
    let clock: DatabaseClock
    let wakes: any WakeBell
    let logger: Logger

    /// How long after a change those on break are looked through once more: longer than any transaction that began before it.
    static let settling: Duration = .seconds(120)

    /// What the table says.
    private struct Standing {
        var inForce: String
        var asked: AskedSetting?
        var change: Int64?
        var isAgreed: Bool
        var isRecent: Bool
    }

    init(_ directory: AgentDirectory, logger: Logger) {
        pool = directory.pool
        policy = directory.policy
        clock = directory.clock
        wakes = directory.wakes
        self.logger = logger
    }

    private var own: String { policy.breakAction.rawValue }
    /// Who asks.
    private var author: String { "ROLLCALL_BREAK_ACTION=\(own)" }

    /// Makes the setting the one in force where there is none yet, unless replicas of an earlier release may have another.
    static func begin(_ policy: ReconcilePolicy, pool: PQPool) async throws(PQError) {
        _ = try await pool.execute(SettingStatements.begin(policy.breakAction.rawValue))
    }

    /// Does what is to be done about the setting.
    ///
    /// `before`: what the look before found, some seconds ago; `nil` without one, or when it failed.
    ///
    /// - Returns: how it stands afterwards, and whether that may change any moment.
    func tend(after before: SettingStep?) async throws -> (step: SettingStep, mayChange: Bool) {
        guard var standing = try await begun() else { return (.unsettled, true) }
        let found = step(standing)
        if found.needsSecondLook, found == before {
            standing = try await retryingConflicts {
                try await pool.withTransaction { transaction in try await ask(in: transaction) } ?? standing
            }
        }
        if standing.isRecent { try await rederive() }
        let step = step(standing)
        let isAsked = step == .inForce && standing.asked != nil
        return (step, isAsked || step == .disagreed || step.needsSecondLook)
    }

    /// How it stands, once one is in force.
    private func begun() async throws(PQError) -> Standing? {
        let read = { (statement: PQStatement) async throws(PQError) in try await pool.query(statement) }
        if let standing = try await standing(read) { return standing }
        try await Self.begin(policy, pool: pool)
        return try await standing(read)
    }

    /// Asks for the setting, or takes back what another asked for, if that is still to be done.
    private func ask(in transaction: PQTransaction) async throws(PQError) -> Standing? {
        // Nobody is in the middle of an append then: who decides later reads what comes into force here.
        try await transaction.run([AdvisoryLocks.map, SettingStatements.lock])
        let read = { (statement: PQStatement) async throws(PQError) in try await transaction.query(statement) }
        guard let standing = try await standing(read) else { return nil }
        let step = step(standing)
        guard step == .ask || step == .withdraw else { return standing }
        if let change = standing.change, standing.asked?.isHeld == true {
            try await transaction.run(SettingStatements.end(change, as: .superseded, by: author))
        }
        if step == .withdraw {
            try await transaction.run([SettingStatements.forget])
        } else {
            try await judge(in: transaction)
        }
        return try await self.standing(read)
    }

    /// Brings the setting into force, or has it wait.
    private func judge(in transaction: PQTransaction) async throws(PQError) {
        let gate = GuardGate()
        let sessions = try await count(own, in: transaction)
        let verdict = try await gate.weigh(sessions, in: transaction)
        guard verdict.isTooMuch else {
            try await transaction.run(SettingStatements.apply(own, by: author, sessions: sessions))
            return try await gate.note(sessions, by: author, in: transaction)
        }
        let opened = try await transaction.rows(
            GuardStatements.open(
                kind: .setting,
                reason: .tooMany,
                by: author,
                lifetime: nil,
                affected: verdict.affected,
                fleet: verdict.fleet
            )
        ) { row throws(PQError) in try row.column("change", as: Int64.self) }
        guard let change = opened.first else { return }  // An INSERT … RETURNING has its row.
        try await transaction.run(
            SettingStatements.hold(own, in: change, sessions: sessions)
                + [GuardStatements.audit("guard.hold", of: change, by: author, agents: Int(sessions))]
        )
    }

    /// Decides about a setting that waits, as a whole.
    ///
    /// - Parameters:
    ///   - decision: what is to become of it.
    ///   - change: the change that it waits in.
    ///   - shown: of how many sessions the caller was shown that something else would be desired; `nil` for however many.
    ///   - caller: who decides.
    /// - Returns: of how many sessions something else is desired by it.
    /// - Throws: ``Problem`` `already_decided` when it does not wait any more, `more_waits` when it is about more sessions than
    ///   was shown; ``PQError``.
    func decide(
        _ decision: GuardDecision,
        change: Int64,
        shown: Int64?,
        by caller: Caller
    ) async throws -> Int {
        let sessions = try await retryingConflicts {
            try await pool.withTransaction { transaction in
                try await transaction.run([AdvisoryLocks.map, SettingStatements.lock])
                let asked = try await transaction.rows(
                    """
                    SELECT p.asked
                    FROM guard_changes g
                    JOIN settings_in_force p ON p.change = g.change
                    WHERE g.change = \(change)
                      AND g.state = 'held'
                    """
                ) { row throws(PQError) in try row.column("asked", as: String.self) }
                guard let value = asked.first else { throw Problem(.alreadyDecided) }
                let sessions = try await count(value, in: transaction)
                try GuardChoice.check(Int(sessions), shown: shown)
                var statements = SettingStatements.end(change, as: decision.state, by: caller.name)
                switch decision {
                case .approve: statements += SettingStatements.apply(value, by: caller.name, sessions: sessions)
                case .refuse: statements.append(SettingStatements.refuse)
                }
                let deed = "guard.\(decision.rawValue)"
                statements.append(GuardStatements.audit(deed, of: change, by: caller.name, agents: Int(sessions)))
                try await transaction.run(statements)
                return sessions
            }
        }
        if decision == .approve {
            do {
                try await rederive()
            } catch {
                // It is decided and in force, and who asks again is told so: the rest is any replica's next look.
                logger.warning(
                    "the setting is in force, but those on break are not all derived anew yet",
                    metadata: [LogKeys.error: "\(error)"]
                )
            }
        }
        return Int(sessions)
    }

    /// Derives what is desired anew for those on break of whom it is not what is in force.
    ///
    /// In portions; who breaks off leaves the rest to any replica's next ``tend(after:)``.
    private func rederive() async throws {
        var after: Int64 = 0
        while true {
            let agents = try await pool.rows(SettingStatements.outdated(after: after)) { row throws(PQError) in
                try row.column("agent", as: Int64.self)
            }
            guard let last = agents.last else { return }
            let found = try await retryingConflicts {
                try await pool.withTransaction { transaction in
                    try await AgentStates.recompute(agents, in: transaction, policy: policy, now: clock.now())
                }
            }
            wakes.ring(found)
            after = last
        }
    }

    private func step(_ standing: Standing) -> SettingStep {
        settingStep(own: own, inForce: standing.inForce, isAgreed: standing.isAgreed, asked: standing.asked)
    }

    private func standing(
        _ read: (PQStatement) async throws(PQError) -> PQResult
    ) async throws(PQError) -> Standing? {
        guard let row = try await read(SettingStatements.standing(own: own, settling: Self.settling)).first else {
            return nil
        }
        let state = try row.column("state", as: String?.self)
        let isRefused = try row.column("is_refused", as: Bool.self)
        return Standing(
            inForce: try row.column("value", as: String.self),
            asked: try row.column("asked", as: String?.self).map {
                AskedSetting(value: $0, isHeld: state == HeldState.held.rawValue, isRefused: isRefused)
            },
            change: try row.column("change", as: Int64?.self),
            isAgreed: try row.column("is_agreed", as: Bool.self),
            isRecent: try row.column("is_recent", as: Bool.self)
        )
    }

    private func count(_ value: String, in transaction: PQTransaction) async throws(PQError) -> Int64 {
        try await transaction.query(SettingStatements.count(value))[0].column("count", as: Int64.self)
    }
}
