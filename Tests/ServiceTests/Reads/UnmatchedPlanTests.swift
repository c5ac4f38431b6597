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

    private func plan(of statement: PQStatement, _ types: String, _ pool: PQPool) async throws -> String {
        try await pool.withConnection { connection in
            try await connection.simpleQuery("PREPARE reading \(types) AS \(statement.text)")
            let nulls = statement.binds.map { _ in "NULL" }.joined(separator: ", ")
            try await connection.simpleQuery("SET plan_cache_mode = force_generic_plan")
            let lines = try await connection.rows(
                PQStatement(
                    stringLiteral: "EXPLAIN (COSTS off) EXECUTE reading" + (nulls.isEmpty ? "" : " (\(nulls))")
                )
            ) { row throws(PQError) in try row.column("QUERY PLAN", as: String.self) }
            return lines.joined(separator: "\n")
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
                try await plan(
                    of: UnmatchedNameStatements.walk(source: nil, after: .init()),
                    "(int, text, text, text, text)",
                    pool
                ),
                try await plan(of: UnmatchedNameStatements.count, "(int, bigint)", pool),
                try await plan(of: UnmatchedNameStatements.punches([Self.someName]), "(int[], text[])", pool),
                try await plan(of: UnmatchedNameStatements.suggestions([Self.someName]), "(int[], text[])", pool),
                try await plan(of: UnmatchedStatements.candidates(of: [1]), "(bigint[])", pool),
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
            let count = try await pool.query(UnmatchedNameStatements.count)
            #expect(try count[0].column("count", as: Int64.self) == 3)
            _ = try await pool.query(
                """
                INSERT INTO agent_aliases (source_id, external_id, agent)
                SELECT s.source_id, 'E1', a.agent FROM clock_sources s, agents a WHERE s.name = 'api' AND a.agent_id = 'a1'
                """
            )
            let fewer = try await pool.query(UnmatchedNameStatements.count)
            #expect(try fewer[0].column("count", as: Int64.self) == 2)
        }
    }
}
