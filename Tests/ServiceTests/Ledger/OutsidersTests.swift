import Domain
import FoundationEssentials
import LibPQ
import Testing

@testable import Service

/// Who among a batch's events is outside what their senders may speak of, as the database says.
@Suite("Outsiders")
struct OutsidersTests {
    private func event(_ externalID: String, teams: [String]?, source: Int32 = 0) -> IncomingEvent {
        let now = Timestamp(seconds: 1_800_000_000)
        return IncomingEvent(
            dedupe: UUID(),
            sourceID: source,
            externalID: externalID,
            matchesAgentID: true,
            kind: .clockIn,
            occurredAt: now,
            hasOwnTime: false,
            receivedAt: now,
            effectiveAt: now,
            eventID: externalID,
            teams: teams
        )
    }

    private static let fill: [PQStatement] = [
        "INSERT INTO clock_sources (name) VALUES ('gate')",
        "INSERT INTO agents (agent_id, team) SELECT 'a' || n, 't' || n % 10 FROM generate_series(1, 5000) n",
        """
        INSERT INTO agent_aliases (source_id, external_id, agent)
        SELECT s.source_id, 'n' || a.agent_id, a.agent FROM agents a, clock_sources s WHERE s.name = 'gate'
        """,
        // What the gate calls a1 is a2.
        """
        INSERT INTO agent_aliases (source_id, external_id, agent)
        SELECT s.source_id, 'a1', a.agent FROM agents a, clock_sources s WHERE s.name = 'gate' AND a.agent_id = 'a2'
        """,
    ]

    @Test
    func `each sender's teams count for its own events, and the alias before the id`() async throws {
        try await withMigratedDatabase { pool, _ in
            for statement in Self.fill { _ = try await pool.query(statement) }
            let sources = try await pool.rows("SELECT source_id FROM clock_sources WHERE name = 'gate'") {
                row throws(PQError) in try row.column("source_id", as: Int32.self)
            }
            let gate = try #require(sources.first)
            let events = [
                event("a1", teams: ["t1"]), event("a1", teams: ["t2"]), event("a1", teams: nil),
                event("a1", teams: ["t1"], source: gate), event("a1", teams: ["t2"], source: gate),
                event("na3", teams: ["t3", "t4"], source: gate), event("na3", teams: ["t3"]),
                event("nobody", teams: ["t1"]),
                event("a1", teams: []), event("a4", teams: ["t3", "t4"]),
            ]
            let bound = events.indices.filter { events[$0].teams != nil }
            let rows = try await pool.rows(LedgerStatements.outsiders(events, at: bound)) { row throws(PQError) in
                try row.column("place", as: Int64.self)
            }
            #expect(rows.sorted() == [1, 3, 6, 7, 8])
        }
    }

    @Test
    func `who speaks of another team costs the batch's others no second try`() async throws {
        try await withMigratedDatabase { pool, _ in
            for statement in Self.fill { _ = try await pool.query(statement) }
            var events = (1...100).map { event("a\($0)", teams: $0.isMultiple(of: 2) ? ["t\($0 % 10)"] : nil) }
            events.insert(event("a1", teams: ["t2"]), at: 30)
            let clock = DatabaseClock()
            try await clock.measure(pool)
            let transaction = AppendTransaction(
                pool: pool,
                leases: LeaseBook(),
                policy: ReconcilePolicy(),
                clock: clock,
                timeout: .seconds(20)
            )
            let outcomes = try await transaction.run(events).outcomes
            let taken = outcomes.map { outcome in if case .receipt = outcome { true } else { false } }
            #expect(taken == events.indices.map { $0 != 30 })
            guard case .outsideTeam = outcomes[30] else { return #expect(Bool(false), "\(outcomes[30])") }
            // What is taken back has used up its numbers.
            let rows = try await pool.rows(
                "SELECT max(sequence) AS last, count(*) AS rows, count(DISTINCT xmin::text) AS transactions FROM clock_events"
            ) { row throws(PQError) in
                try ["last", "rows", "transactions"].map { name throws(PQError) in
                    try row.column(name, as: Int64.self)
                }
            }
            #expect(rows == [[100, 100, 1]])
        }
    }

    @Test
    func `whom they are about is found by keys`() async throws {
        try await withMigratedDatabase { pool, _ in
            for statement in Self.fill { _ = try await pool.query(statement) }
            let statement = LedgerStatements.outsiders([event("a1", teams: ["t1"])], at: [0])
            let plan = try await pool.withConnection { connection in
                try await connection.simpleQuery("ANALYZE")
                // As the pool of writers has it.
                let settings = "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off"
                return try await connection.plan(of: statement, settings: settings)
            }
            .joined(separator: "\n")
            for index in ["agents_pkey", "agents_agent_id_key", "agent_aliases_pkey"] {
                #expect(plan.contains(index), "\(plan)")
            }
            #expect(!plan.contains("Seq Scan"), "\(plan)")
        }
    }
}
