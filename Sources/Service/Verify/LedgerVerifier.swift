package import Domain
package import LibPQ

/// Proves that agents' states equal the refolded ledger, or says where they do not.
package struct LedgerVerifier: Sendable {
    /// Agents in one snapshot.
    static let pageSize: Int64 = 500
    /// How long a parked punch may be due without being applied: a running replica takes a second.
    static let overdueLimit: Duration = .seconds(10)

    /// One agent whose state is not what the ledger says.
    package struct Difference: Sendable, Hashable {
        package var agentID: String
        /// What differs: `shift`, `since`, `last`, `records`, `tail`, `parked`, `desired` or `rule`.
        package var fields: [String]
    }

    private let pool: PQPool
    private let policy: ReconcilePolicy
    private let clock: DatabaseClock

    package init(pool: PQPool, policy: ReconcilePolicy, clock: DatabaseClock) {
        self.pool = pool
        self.policy = policy
        self.clock = clock
    }

    /// Compares all agents, a page at a time, each page in one snapshot, so that a running service does not disturb it.
    ///
    /// `found`: told of every difference.
    /// Returns how many agents were compared.
    package func run(_ found: (Difference) -> Void) async throws -> Int {
        var position: Int64 = 0
        var count = 0
        while true {
            let page = try await page(after: position)
            guard let last = page.last else { return count }
            for difference in page.compactMap(\.difference) { found(difference) }
            count += page.count
            position = last.agent
        }
    }

    private struct Compared: Sendable {
        var agent: Int64
        var difference: Difference?
    }

    /// Indexes: `agent_states_pkey` from the last page's end; the ledger's by agent.
    private func page(after position: Int64) async throws -> [Compared] {
        try await pool.withTransaction(isolation: .repeatableRead) { transaction in
            let agents = try await transaction.rows(
                "SELECT agent FROM agent_states WHERE agent > \(position) ORDER BY agent LIMIT \(Self.pageSize)"
            ) { row throws(PQError) in try row.column("agent", as: Int64.self) }
            let read = try await transaction.run([
                """
                SELECT v.*, a.agent_id
                FROM subjects_by_agent v
                JOIN agents a ON a.agent = v.agent
                WHERE v.agent = ANY (\(agents))
                ORDER BY v.agent
                """,
                LedgerStatements.punches(of: agents),
            ])
            let punches = try LedgerStatements.readPunches(read[1])
            let rows = try SubjectRows(read[0])
            let agentID = try read[0].decoder("agent_id", as: String.self)
            let now = clock.now()
            return try rows.rows.compactMap { row in
                guard let stored = try rows.agentFacts(row) else { return nil }
                let fields = differences(stored, punches: punches[stored.agent] ?? [], now: now)
                let difference = Difference(agentID: try agentID[row], fields: fields)
                return Compared(agent: stored.agent, difference: fields.isEmpty ? nil : difference)
            }
        }
    }

    /// A parked punch or a hold whose time has just come is applied within a second; until then the state before counts, for a
    /// punch up to ``overdueLimit``.
    private func differences(_ stored: AgentFacts, punches: [LedgerPunch], now: Timestamp) -> [String] {
        let isPending = stored.state.nextPunchAt.map { now - $0 <= Self.overdueLimit } ?? false
        let asOf = isPending ? min(now, stored.state.nextPunchAt.map { $0 - .microseconds(1) } ?? now) : now
        let folded = fold(punches, now: asOf)
        var before = stored
        before.state = folded
        let desired = before.derived(
            policy: policy,
            now: min(now, stored.hold.map { $0.until - .microseconds(1) } ?? now)
        )
        return [
            (folded.shift != stored.state.shift, "shift"),
            (folded.since != stored.state.since, "since"),
            (folded.last != stored.state.last, "last"),
            (folded.hasRecords != stored.state.hasRecords, "records"),
            // A release that does not know it leaves it out, which costs time and nothing else.
            (stored.state.tail != nil && folded.tail != stored.state.tail, "tail"),
            (folded.nextPunchAt != stored.state.nextPunchAt, "parked"),
            (desired.run != stored.desired, "desired"),
            (desired.rule != stored.rule && stored.generation > 0, "rule"),
        ].compactMap { $0.0 ? $0.1 : nil }
    }
}
