import Domain
import LibPQ

/// What a person orders about one agent: a hold, a fresh try, a reboot, the end.
///
/// Everything goes through the agent's row; nothing here talks to an engine.
struct AgentOrders: Sendable {
    let pool: PQPool
    let policy: ReconcilePolicy
    let rules: MatchingRules
    let clock: DatabaseClock
    let wakes: any WakeBell
    /// How long a look proves that a session is stopped.
    let freshness: FreshnessBook

    /// Sets a hold, in place of the one there is.
    ///
    /// - Returns: the change that waits for somebody, if the guard holds it.
    /// - Throws: ``Problem`` `not_found`, `no_instance`; ``PQError``.
    func hold(
        _ agentID: String,
        _ hold: Hold,
        by caller: Caller,
        origin: GuardOrigin = .edit
    ) async throws -> Int64? {
        try await change(agentID, by: caller) { subject, transaction, now in
            guard subject.subject != nil else { throw Problem(.noInstance) }
            var after = subject.facts
            after.hold = hold
            let order = GuardedOrder(agentID: agentID, what: .hold(hold), after: after, origin: origin)
            if let change = try await guarded(order, subject, by: caller, in: transaction, now: now) {
                return (change, [])
            }
            try await transaction.run([
                Self.endHolds(subject.agent, by: caller.name, at: now),
                """
                INSERT INTO holds (agent, state, until, reason, author, created_at)
                VALUES (\(subject.agent), \(hold.state.code), \(hold.until), \(hold.reason), \(hold.author), \(now))
                """,
                """
                UPDATE agent_states
                SET hold_state = \(hold.state.code),
                    hold_until = \(hold.until),
                    hold_reason = \(hold.reason),
                    hold_author = \(hold.author)
                WHERE agent = \(subject.agent)
                """,
                Self.audit(caller, "agent.hold", agentID),
            ])
            return (nil, try await AgentStates.recompute([subject.agent], in: transaction, policy: policy, now: now))
        }
    }

    /// Ends the hold; nothing happens when there is none.
    ///
    /// - Returns: the change that waits for somebody, if the guard holds it.
    func release(_ agentID: String, by caller: Caller, origin: GuardOrigin = .edit) async throws -> Int64? {
        try await change(agentID, by: caller) { subject, transaction, now in
            var after = subject.facts
            after.hold = nil
            let order = GuardedOrder(agentID: agentID, what: .release, after: after, origin: origin)
            if let change = try await guarded(order, subject, by: caller, in: transaction, now: now) {
                return (change, [])
            }
            guard subject.facts.hold != nil else { return (nil, []) }
            try await transaction.run([
                Self.endHolds(subject.agent, by: caller.name, at: now),
                """
                UPDATE agent_states
                SET hold_state = NULL,
                    hold_until = NULL,
                    hold_reason = NULL,
                    hold_author = NULL
                WHERE agent = \(subject.agent)
                """,
                Self.audit(caller, "agent.release", agentID),
            ])
            return (nil, try await AgentStates.recompute([subject.agent], in: transaction, policy: policy, now: now))
        }
    }

    /// Has the instance looked at now; with a fresh restart budget, unless it got one within the restart window.
    ///
    /// - Throws: ``Problem`` `not_found`, `no_instance`, `held`; ``PQError``.
    func reconcile(_ agentID: String, by caller: Caller) async throws {
        try await change(agentID, by: caller) { subject, transaction, now in
            guard let instance = subject.subject else { throw Problem(.noInstance) }
            guard !subject.isHeld(at: now) else { throw Problem(.held) }
            let wake = Wake(instance: instance.instance, account: instance.account)
            try await transaction.run([
                AgentStates.enqueue([wake], at: now),
                Self.freshBudget(instance.instance, now: now, window: policy.restartWindow),
                Self.audit(caller, "agent.reconcile", agentID),
            ])
            return [wake]
        }
    }

    /// Has the instance looked at now, without anything else that an order of a person does.
    ///
    /// - Throws: ``Problem`` `not_found`; ``PQError``.
    func lookOnce(_ agentID: String, by caller: Caller) async throws {
        try await change(agentID, by: caller) { subject, transaction, now in
            guard let instance = subject.subject else { return [] }
            let wake = Wake(instance: instance.instance, account: instance.account)
            try await transaction.run([AgentStates.enqueue([wake], at: now)])
            return [wake]
        }
    }

    /// What became of the wish to remove an agent.
    enum Removal: Sendable, Equatable {
        case gone
        /// The instance is being stopped; the agent goes once that is proved.
        case stopping
        /// The guard holds it, as this change.
        case held(Int64)
    }

    /// Removes an agent whose session is proved stopped, or who has none.
    ///
    /// `stop`: otherwise stop the session first.
    /// `erase`: has it noted that the person is to be erased when the agent's row is deleted, whoever does that; the rest is done
    /// by ``ErasureTraces``.
    /// Throws ``Problem`` `not_found`, `instance_running`; ``PQError``.
    func remove(
        _ agentID: String,
        stop: Bool,
        erase: Bool = false,
        by caller: Caller,
        origin: GuardOrigin = .edit
    ) async throws -> Removal {
        // Before the transaction, which has a connection of its own.
        let table = try await freshness.table()
        return try await change(agentID, by: caller, changingMap: true) { subject, transaction, now in
            let isStopped =
                subject.subject.map {
                    !table[$0.account].isStale(readAt: $0.evidence.readAt, desired: subject.facts.desired, now: now)
                        && needsNoStop($0.evidence, now: now)
                } ?? true
            let wish = erase ? [ErasureStatements.ask(subject.agent, rules: rules, now: now)] : []
            if isStopped {
                if case .part(let part) = origin { try await take(part, in: transaction) }
                let entry =
                    erase
                    ? ErasureStatements.audit(caller.name) : Self.audit(caller, "agent.delete", agentID)
                try await transaction.run(wish + Self.delete(subject) + [entry])
                return (.gone, [])
            }
            guard stop else { throw Problem(.instanceRunning) }
            var after = subject.facts
            after.isLeaving = true
            let order = GuardedOrder(agentID: agentID, what: .removal(erases: erase), after: after, origin: origin)
            if let change = try await guarded(order, subject, by: caller, in: transaction, now: now) {
                return (.held(change), [])
            }
            let entry = erase ? ErasureStatements.audit(caller.name) : Self.audit(caller, "agent.remove", agentID)
            try await transaction.run(
                wish + [
                    "UPDATE agents SET removal_asked_at = coalesce(removal_asked_at, \(now)) WHERE agent = \(subject.agent)",
                    entry,
                ] + GuardStatements.forget(agentID, by: caller.name)
            )
            let wakes = try await AgentStates.recompute([subject.agent], in: transaction, policy: policy, now: now)
            return (.stopping, wakes)
        }
    }

    /// Whether nothing would be done to the session if it had to be stopped.
    private func needsNoStop(_ evidence: Evidence, now: Timestamp) -> Bool {
        let stopped = DesiredState(run: .stopped, rule: .default)
        let decision = decide(stopped, evidence: evidence, isAccountRefused: false, policy: policy, now: now)
        return decision.action == nil && decision.condition == .converged
    }
}

/// An agent, locked, with what is known of the session.
struct LockedAgent: Sendable {
    var agent: Int64
    var facts: AgentFacts
    var subject: Subject?

    /// Whether a hold is in force.
    func isHeld(at now: Timestamp) -> Bool {
        facts.hold.map { $0.until > now } ?? false
    }
}

extension AgentOrders {
    /// Locks an agent, runs the body, commits, and rings the wakes that it returned.
    func change(
        _ agentID: String,
        by caller: Caller,
        _ body: (LockedAgent, PQTransaction, Timestamp) async throws -> [Wake]
    ) async throws {
        try await change(agentID, by: caller) { subject, transaction, now in
            ((), try await body(subject, transaction, now))
        }
    }

    /// The same with what the body found beside them.
    ///
    /// `changingMap`: takes the lock on the map of agents first.
    func change<Value>(
        _ agentID: String,
        by caller: Caller,
        changingMap: Bool = false,
        _ body: (LockedAgent, PQTransaction, Timestamp) async throws -> (Value, [Wake])
    ) async throws -> Value {
        let (value, rings) = try await retryingConflicts {
            try await pool.withTransaction { transaction in
                if changingMap { try await transaction.run([AdvisoryLocks.map]) }
                let subject = try await Self.lock(agentID, for: caller, in: transaction)
                return try await body(subject, transaction, clock.now())
            }
        }
        wakes.ring(rings)
        return value
    }

    /// Locks an agent's state and reads it.
    ///
    /// Indexes: `agents_agent_id_key` and the primary keys behind `subjects_by_agent`.
    private static func lock(
        _ agentID: String,
        for caller: Caller,
        in transaction: PQTransaction
    ) async throws -> LockedAgent {
        let results = try await transaction.run([
            """
            SELECT a.agent, a.team
            FROM agents a
            JOIN agent_states s ON s.agent = a.agent
            WHERE a.agent_id = \(agentID)
            FOR NO KEY UPDATE OF s
            """,
            "SELECT v.* FROM agents a JOIN subjects_by_agent v ON v.agent = a.agent WHERE a.agent_id = \(agentID)",
        ])
        guard let row = results[0].first, caller.sees(team: try row.column("team", as: String.self)) else {
            throw Problem(.notFound)
        }
        let rows = try SubjectRows(results[1])
        guard let row = results[1].first, let facts = try rows.agentFacts(row) else { throw Problem(.notFound) }
        return LockedAgent(agent: facts.agent, facts: facts, subject: try rows.subject(row))
    }

    /// Ends the agent's holds in the history.
    ///
    /// Index: `holds_of_agent`.
    private static func endHolds(_ agent: Int64, by author: String, at now: Timestamp) -> PQStatement {
        """
        UPDATE holds
        SET ended_at = \(now),
            ended_by = \(author)
        WHERE agent = \(agent)
          AND ended_at IS NULL
          AND until > \(now)
        """
    }

    /// Forgets restarts and tries, unless that was done within the window.
    private static func freshBudget(_ instance: Int64, now: Timestamp, window: Duration) -> PQStatement {
        """
        WITH g AS (
            INSERT INTO restart_grants AS g (instance, granted_at)
            VALUES (\(instance), \(now))
            ON CONFLICT (instance) DO UPDATE
            SET granted_at = excluded.granted_at
            WHERE g.granted_at <= \(now - window)
            RETURNING g.instance
        )
        UPDATE observed_states AS o
        SET restarts = NULL,
            falls = NULL,
            attempts = 0
        FROM g
        WHERE o.instance = g.instance
        """
    }

    /// Deletes an agent and the session's rows; the ledger and the commands keep theirs.
    private static func delete(_ subject: LockedAgent) -> [PQStatement] {
        var statements: [PQStatement] = []
        if let instance = subject.subject?.instance {
            statements += [
                "DELETE FROM reconcile_queue WHERE instance = \(instance)",
                "DELETE FROM looks WHERE instance = \(instance)",
                "DELETE FROM instances WHERE instance = \(instance)",
            ]
        }
        return statements + [
            UnmatchedStatements.bury(subject.agent), "DELETE FROM agents WHERE agent = \(subject.agent)",
        ]
    }

    static func audit(_ caller: Caller, _ deed: String, _ agentID: String) -> PQStatement {
        "INSERT INTO audit (actor, deed, subject) VALUES (\(caller.name), \(deed), \(agentID))"
    }
}
