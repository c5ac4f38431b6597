import Domain
import LibPQ
import Testing

@testable import Service

/// How names that nobody knows are found among many events: by skipping in the index, never by reading a table.
@Suite("Unmatched plans")
struct UnmatchedPlanTests {
    /// Fills the ledger: 40 names with 500 matched events each, 3 of them with an unmatched one more.
    private func fill(_ pool: PQPool) async throws {
        _ = try await pool.pipeline([
            "INSERT INTO agents (agent_id, name) SELECT 'a' || n, 'Agent ' || n FROM generate_series(1, 5000) AS n",
            """
            INSERT INTO clock_events (dedupe, source_id, kind, occurred_at, effective_at, received_at, event_id, external_id)
            SELECT gen_random_uuid(), s.source_id, 1, now(), now(), now(), n::text, 'E' || n % 40
            FROM clock_sources s, generate_series(1, 20000) AS n
            WHERE s.name = 'api'
            """,
            "INSERT INTO clock_event_matches (sequence, agent) SELECT sequence, 1 FROM clock_events",
            """
            INSERT INTO clock_events (dedupe, source_id, kind, occurred_at, effective_at, received_at, event_id, external_id)
            SELECT gen_random_uuid(), s.source_id, 1, now(), now(), now(), 'new' || n, 'E' || n
            FROM clock_sources s, generate_series(1, 3) AS n
            WHERE s.name = 'api'
            """,
            "ANALYZE",
        ])
    }

    private func plan(of statement: PQStatement, _ pool: PQPool) async throws -> String {
        try await pool.withConnection { connection in
            try await connection.plan(of: statement).joined(separator: "\n")
        }
    }

    private static let someName = UnmatchedName(
        sourceID: 1,
        source: "api",
        externalID: "E1",
        events: 1,
        leftOut: 0,
        firstOccurredAt: Timestamp(seconds: 0),
        lastOccurredAt: Timestamp(seconds: 0),
        kinds: []
    )

    @Test
    func `lists, counts and suggestions read no table from end to end`() async throws {
        try await withMigratedDatabase { pool, _ in
            try await fill(pool)
            let plans = [
                try await plan(of: UnmatchedNameStatements.walk(source: nil, after: .init()), pool),
                try await plan(of: UnmatchedNameStatements.counts, pool),
                try await plan(of: UnmatchedNameStatements.punches([Self.someName]), pool),
                try await plan(of: UnmatchedNameStatements.suggestions([Self.someName]), pool),
                try await plan(of: UnmatchedStatements.candidates(of: [1]), pool),
            ]
            for plan in plans {
                #expect(!plan.contains("Seq Scan on clock_events") && !plan.contains("Seq Scan on agents"), "\(plan)")
            }
        }
    }

    @Test
    func `names whose events are all matched are passed over, and counted as nobody's no more`() async throws {
        try await withMigratedDatabase { pool, _ in
            try await fill(pool)
            let names = UnmatchedNames(pool: pool, policy: ReconcilePolicy(), clock: DatabaseClock())
            let page = try await names.page(source: nil, limit: 100)
            #expect(page.names.map(\.externalID) == ["E1", "E2", "E3"])
            #expect(page.next == nil)
            #expect(try await Array(UnmatchedCount(pool: pool).bySource().values) == [3])
            _ = try await pool.query(
                """
                INSERT INTO agent_aliases (source_id, external_id, agent)
                SELECT s.source_id, 'E1', a.agent FROM clock_sources s, agents a WHERE s.name = 'api' AND a.agent_id = 'a1'
                """
            )
            #expect(try await Array(UnmatchedCount(pool: pool).bySource().values) == [2])
        }
    }

    /// Entries of the unmatched events' index, and rows of the ledger from end to end, that this connection read.
    private static func rowsRead(in transaction: PQTransaction) async throws -> Int64 {
        try await transaction.rows(
            """
            SELECT pg_stat_get_xact_tuples_returned('clock_events_unmatched'::regclass)
                + pg_stat_get_xact_tuples_returned('clock_events'::regclass) AS count
            """
        ) { row throws(PQError) in try row.column("count", as: Int64.self) }[0]
    }

    @Test
    func `of one source its own entries alone are read, whatever lies before and after them`() async throws {
        try await withMigratedDatabase { pool, _ in
            _ = try await pool.query("INSERT INTO clock_sources (name) VALUES ('few'), ('many')")
            try await fill(pool)
            _ = try await pool.pipeline([
                """
                INSERT INTO clock_events (dedupe, source_id, kind, occurred_at, effective_at, received_at, event_id, external_id)
                SELECT gen_random_uuid(), s.source_id, 1, now(), now(), now(), n::text, 'E' || n % 4
                FROM clock_sources s, generate_series(1, 20000) AS n
                WHERE s.name = 'many' OR n <= 4 AND s.name = 'few'
                """,
                "ANALYZE",
            ])
            let sources = try await pool.query("SELECT source_id FROM clock_sources WHERE name = 'few'")
            let few = try sources[0].column("source_id", as: Int32.self)
            try await pool.withTransaction { transaction in
                try await transaction.run(["SET LOCAL plan_cache_mode = force_generic_plan"])
                // What the connection read before is in it until it is told of.
                let before = try await Self.rowsRead(in: transaction)
                let names = try await transaction.rows(
                    UnmatchedNameStatements.walk(source: few, after: .init())
                ) { row throws(PQError) in try row.column("external_id", as: String.self) }
                #expect(names == ["E0", "E1", "E2", "E3"])
                let read = try await Self.rowsRead(in: transaction) - before
                #expect((4..<40).contains(read), "\(read)")
            }
            let names = UnmatchedNames(pool: pool, policy: ReconcilePolicy(), clock: DatabaseClock())
            #expect(try await names.page(source: "few", limit: 2).names.map(\.externalID) == ["E0", "E1"])
            let next = try await names.page(source: "few", limit: 2).next
            let rest = try await names.page(source: "few", after: try #require(next), limit: 100)
            #expect(rest.names.map(\.externalID) == ["E2", "E3"] && rest.next == nil)
        }
    }
}
