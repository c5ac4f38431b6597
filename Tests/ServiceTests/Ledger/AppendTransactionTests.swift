import Domain
import FoundationEssentials
import LibPQ
import Testing

@testable import Service

/// Agents whose ledgers a batch has to read whole.
@Suite("AppendTransaction", .timeLimit(.minutes(2)))
struct AppendTransactionTests {
    private static let agents = (1...20).map { "a\($0)" }

    private func transaction(_ pool: PQPool) async throws -> AppendTransaction {
        let clock = DatabaseClock()
        try await clock.measure(pool)
        return AppendTransaction(
            pool: pool,
            leases: LeaseBook(),
            policy: ReconcilePolicy(),
            clock: clock,
            timeout: .seconds(20)
        )
    }

    private func events(_ kind: PunchKind, at instant: Timestamp) -> [IncomingEvent] {
        Self.agents.map { agent in
            IncomingEvent(
                dedupe: UUID(),
                sourceID: 0,
                externalID: agent,
                matchesAgentID: true,
                kind: kind,
                occurredAt: instant,
                hasOwnTime: true,
                receivedAt: instant,
                effectiveAt: instant,
                eventID: "\(agent) \(kind.rawValue)"
            )
        }
    }

    @Test
    func `more agents than are folded again at a time are all folded`() async throws {
        try await withMigratedDatabase { pool, _ in
            _ = try await pool.query("INSERT INTO agents (agent_id) SELECT unnest(\(Self.agents))")
            _ = try await pool.query("INSERT INTO agent_states (agent) SELECT agent FROM agents")
            let transaction = try await transaction(pool)
            let end = Timestamp(seconds: 1_700_000_000)
            _ = try await transaction.run(events(.clockOut, at: end))
            // Late: only all that was said tells that the clock-outs ended something.
            _ = try await transaction.run(events(.clockIn, at: end - .seconds(3600)))
            let ended = try await pool.query("SELECT agent FROM agent_states WHERE shift = 0 AND shift_since = \(end)")
            #expect(ended.rowCount == Self.agents.count)
            var differences: [LedgerVerifier.Difference] = []
            let compared = try await LedgerVerifier(pool: pool, policy: ReconcilePolicy(), clock: transaction.clock).run
            {
                differences.append($0)
            }
            #expect(compared == Self.agents.count)
            #expect(differences == [])
        }
    }

    private func event(of record: String, by agent: String?, version: Int64, at instant: Timestamp) -> IncomingEvent {
        IncomingEvent(
            dedupe: UUID(),
            sourceID: 0,
            externalID: agent,
            matchesAgentID: true,
            kind: agent == nil ? .void : .clockIn,
            occurredAt: instant,
            hasOwnTime: true,
            receivedAt: instant,
            effectiveAt: instant,
            eventID: "\(record) \(version)",
            record: record,
            version: version,
            report: agent == nil ? nil : UUID()
        )
    }

    /// `successor`: who has the record afterwards; `nil` where it is withdrawn.
    @Test(arguments: [nil, "a2"])
    func `two batches that are the first to speak of a record, each of somebody else, fold both`(
        successor: String?
    ) async throws {
        try await withMigratedDatabase { pool, _ in
            _ = try await pool.query("INSERT INTO agents (agent_id) SELECT unnest(\(["a1", "a2"]))")
            _ = try await pool.query("INSERT INTO agent_states (agent) SELECT agent FROM agents")
            _ = try await pool.query(
                """
                CREATE FUNCTION wait_for_the_other() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    PERFORM pg_advisory_xact_lock(77);
                    RETURN NEW;
                END
                $$
                """
            )
            _ = try await pool.query(
                """
                CREATE TRIGGER wait_for_the_other BEFORE UPDATE ON agent_states
                FOR EACH ROW EXECUTE FUNCTION wait_for_the_other()
                """
            )
            let transaction = try await transaction(pool)
            let eight = Timestamp(seconds: 1_700_000_000)
            let first = event(of: "r", by: "a1", version: 1, at: eight)
            let second = event(of: "r", by: successor, version: 2, at: eight)
            let wait = LockWait()
            let tasks = try await pool.withTransaction { gate in
                try await gate.run(["SELECT pg_advisory_xact_lock(77)"])
                let one = Task { _ = try await transaction.run([first]) }
                try await wait.until(1, in: gate)
                let other = wait.task { _ = try await transaction.run([second]) }
                try await wait.until(2, in: gate)
                return [one, other]
            }
            for task in tasks { try await task.value }
            #expect(try await pool.query("SELECT sequence FROM clock_events").rowCount == 2)
            let present = try await pool.rows(
                "SELECT a.agent_id FROM agents a JOIN agent_states s ON s.agent = a.agent WHERE s.shift <> 0"
            ) { row throws(PQError) in try row.column("agent_id", as: String.self) }
            #expect(present == [successor].compactMap { $0 })
            var differences: [LedgerVerifier.Difference] = []
            _ = try await LedgerVerifier(pool: pool, policy: ReconcilePolicy(), clock: transaction.clock).run {
                differences.append($0)
            }
            #expect(differences == [])
        }
    }

    @Test
    func `portions grow while there is little to read, and shrink down to one agent`() {
        var portion = RefoldPortion()
        var sizes = [portion.size]
        for rows in [0, RefoldPortion.rows / 2, RefoldPortion.rows, RefoldPortion.rows + 1] {
            portion.read(rows: rows)
            sizes.append(portion.size)
        }
        #expect(sizes == [4, 8, 16, 16, 8])
        #expect(portion.isTooLarge)
        for _ in 0..<9 { portion.read(rows: .max) }
        #expect(portion.size == 1)
        for _ in 0..<9 { portion.read(rows: 1) }
        #expect(portion.size == RefoldPortion.most)
        #expect(!portion.isTooLarge)
    }
}
