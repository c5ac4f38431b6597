package import Domain
package import LibPQ

/// Rewrites agents' states from the ledger.
package struct LedgerRebuilder: Sendable {
    /// What would change is more than may without somebody's word (``GuardPolicy``); nothing was changed.
    package struct NeedsApproval: Error, Sendable, Hashable {
        /// Sessions of which something else would be desired.
        package var changing: Int64
        /// How many may change so within five minutes.
        package var limit: Int64
    }

    private let pool: PQPool
    private let policy: ReconcilePolicy
    private let clock: DatabaseClock

    package init(pool: PQPool, policy: ReconcilePolicy, clock: DatabaseClock) {
        self.pool = pool
        self.policy = policy
        self.clock = clock
    }

    /// Folds every agent again, a page at a time, and puts instances in line.
    ///
    /// - Parameter approvedBy: who stands for a change of what is desired of many; goes into the audit.
    /// - Returns: how many agents were folded.
    /// - Throws: ``NeedsApproval`` where nobody does; ``PQError``.
    package func run(approvedBy: String? = nil) async throws -> Int {
        try await guardDesired(approvedBy: approvedBy)
        var position: Int64 = 0
        var count = 0
        while true {
            let agents = try await pool.rows(
                """
                SELECT agent
                FROM agent_states
                WHERE agent > \(position)
                ORDER BY agent
                LIMIT \(LedgerVerifier.pageSize)
                """
            ) { row throws(PQError) in try row.column("agent", as: Int64.self) }
            guard let last = agents.last else { return count }
            try await retryingConflicts {
                try await pool.withTransaction { transaction in
                    // As an append does: they may get what they left out so far.
                    _ = try await transaction.run([LedgerStatements.holdMap])
                    _ = try await AgentStates.refold(agents, in: transaction, policy: policy, now: clock.now())
                }
            }
            count += agents.count
            position = last
        }
    }

    /// Weighs what a rebuild would change before it does, and notes it for whoever changes something after it.
    private func guardDesired(approvedBy: String?) async throws {
        var differing: [String] = []
        _ = try await LedgerVerifier(pool: pool, policy: policy, clock: clock).run { difference in
            if difference.fields.contains("desired") { differing.append(difference.agentID) }
        }
        guard !differing.isEmpty else { return }
        let agentIDs = differing
        let gate = GuardGate()
        // Judged and noted under one lock, so that this and another change cannot both just fit.
        try await pool.withTransaction { transaction in
            let counted = try await transaction.query(
                """
                SELECT count(*) AS count
                FROM agents a
                JOIN instances i ON i.agent = a.agent
                WHERE a.agent_id = ANY (\(agentIDs))
                """
            )
            let changing = try counted[0].column("count", as: Int64.self)
            let weight = try await gate.weigh(changing, in: transaction)
            if weight.isTooMuch, approvedBy == nil {
                throw NeedsApproval(changing: changing, limit: gate.policy.limit(fleet: weight.fleet))
            }
            try await gate.note(changing, by: approvedBy ?? "rollcall rebuild", in: transaction)
            guard let actor = approvedBy else { return }
            try await transaction.run([
                """
                INSERT INTO audit (actor, deed, subject, detail)
                VALUES (\(actor), 'ledger.rebuild', 'all agents', jsonb_build_object('instances', \(changing)))
                """
            ])
        }
    }
}
