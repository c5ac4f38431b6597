package import Domain
package import LibPQ

/// An instance about which something may have changed, and the account it belongs to.
package struct Wake: Sendable, Hashable {
    package var instance: Int64
    package var account: Int32

    package init(instance: Int64, account: Int32) {
        self.instance = instance
        self.account = account
    }
}

/// Brings agents' states up to date with what their rows say now: the way in for everything but clock events that changes
/// what is desired.
package enum AgentStates {
    /// Derives what is desired anew for agents whose hold, instance or standing changed in this transaction, and puts their
    /// instances in line.
    ///
    /// Locks the agents' states in order. The caller rings the wakes once the transaction is committed.
    ///
    /// `agents`: surrogate keys; unknown ones are passed over.
    /// `transaction`: where the change was made.
    /// `policy`: what a break does.
    /// `now`: the database's clock.
    package static func recompute(
        _ agents: [Int64],
        in transaction: PQTransaction,
        policy: ReconcilePolicy,
        now: Timestamp
    ) async throws(PQError) -> [Wake] {
        let read = try await transaction.run([lock(agents), facts(agents)])
        return try await store(read[1], folded: [:], in: transaction, policy: policy, now: now)
    }

    /// The same, folding the agents' whole ledger first: for when events got their agent, or a parked event's time came.
    package static func refold(
        _ agents: [Int64],
        in transaction: PQTransaction,
        policy: ReconcilePolicy,
        now: Timestamp
    ) async throws(PQError) -> [Wake] {
        try await settle(agents, in: transaction, policy: policy, now: now).wakes
    }

    /// The same, and says which unmatched events each agent got.
    ///
    /// What the agents left out of their names' events is decided on anew.
    static func settle(
        _ agents: [Int64],
        in transaction: PQTransaction,
        policy: ReconcilePolicy,
        now: Timestamp
    ) async throws(PQError) -> (wakes: [Wake], taken: [Int64: [Int64]]) {
        let read = try await transaction.run([
            lock(agents), facts(agents), LedgerStatements.punches(of: agents),
            UnmatchedStatements.candidates(of: agents), UnmatchedStatements.forget(agents),
        ])
        let settlement = try Settlement(punches: read[2], candidates: read[3], policy: policy, now: now)
        if !settlement.taken.isEmpty { _ = try await transaction.run(settlement.writes) }
        let folded = Dictionary(
            uniqueKeysWithValues: Set(agents).map { ($0, fold(settlement.punches[$0] ?? [], now: now)) }
        )
        let wakes = try await store(read[1], folded: folded, in: transaction, policy: policy, now: now)
        return (wakes, settlement.taken)
    }

    private static func store(
        _ facts: PQResult,
        folded: [Int64: ShiftState],
        in transaction: PQTransaction,
        policy: ReconcilePolicy,
        now: Timestamp
    ) async throws(PQError) -> [Wake] {
        let rows = try SubjectRows(facts)
        var changes: [AgentChange] = []
        var wakes: [Wake] = []
        for row in rows.rows {
            guard let before = try rows.agentFacts(row) else { continue }
            changes.append(rederive(before, state: folded[before.agent], policy: policy, now: now))
            if let subject = try rows.subject(row) {
                wakes.append(Wake(instance: subject.instance, account: subject.account))
            }
        }
        var writes = PlanStatements.all(agents: changes, plans: [], terms: [:], now: now)
        if !wakes.isEmpty { writes.append(enqueue(wakes, at: now)) }
        if !writes.isEmpty { _ = try await transaction.run(writes) }
        return wakes
    }

    /// Puts instances in line at once.
    ///
    /// Also used for retired instances, which have no agent.
    package static func enqueue(_ wakes: [Wake], at now: Timestamp) -> PQStatement {
        """
        INSERT INTO reconcile_queue AS q (instance, account, priority, due_at)
        SELECT n.instance, n.account, \(JobPriority.people.rawValue), \(now)
        FROM unnest(\(wakes.map(\.instance)), \(wakes.map(\.account))) AS n (instance, account)
        ORDER BY n.instance
        ON CONFLICT (instance) DO UPDATE
        SET due_at = least(q.due_at, excluded.due_at),
            priority = excluded.priority,
            wakes = excluded.wakes
        """
    }

    private static func lock(_ agents: [Int64]) -> PQStatement {
        "SELECT agent FROM agent_states WHERE agent = ANY (\(agents)) ORDER BY agent FOR NO KEY UPDATE"
    }

    private static func facts(_ agents: [Int64]) -> PQStatement {
        "SELECT * FROM subjects_by_agent WHERE agent = ANY (\(agents))"
    }
}
