import Domain
import LibPQ
import Testing

@testable import Service

/// Plans on filled tables, also as prepared statements: what lately came costs the same however much came before.
@Suite("Delivery plans")
struct DeliveryPlanTests {
    @Test(arguments: [true, false])
    func `the list is walked by its indexes and details are found by keys`(isAnalyzed: Bool) async throws {
        try await withMigratedDatabase { pool, _ in
            for statement in Self.fill { _ = try await pool.query(statement, timeout: .seconds(60)) }
            if isAnalyzed { _ = try await pool.query("ANALYZE", timeout: .seconds(60)) }
            let place = DeliveryReads.Position(at: Timestamp(seconds: 1_772_438_400), isRefusal: false, number: 5)
            let statements: [(PQStatement, [String])] = [
                (DeliveryStatements.walk(of: 2, after: place, limit: 21), ["_source_id_received_at_idx"]),
                (DeliveryStatements.walk(of: 2, after: nil, limit: 21), ["_source_id_received_at_idx"]),
                (DeliveryStatements.refusals(of: 2, after: place, limit: 21), ["source_refusals_of_source"]),
                (DeliveryStatements.details([place], bodyLength: 10), ["_pkey"]),
                (DeliveryStatements.events(of: [place], limit: 50), ["_pkey", "clock_events_dedupe_key"]),
            ]
            for (statement, indexes) in statements {
                let plan = try await plan(of: statement, pool)
                for index in indexes { #expect(plan.contains(index), "\(plan)") }
                for table in ["deliveries", "clock_events", "source_refusals"] {
                    #expect(!plan.contains("Seq Scan on \(table)"), "\(plan)")
                }
            }
            let walk = try await plan(of: DeliveryStatements.walk(of: 2, after: nil, limit: 21), pool)
            #expect(!walk.contains("Bitmap"), "\(walk)")
        }
    }

    private static let fill: [PQStatement] = [
        """
        INSERT INTO deliveries (source_id, received_at, headers, body, reading, events, effects)
        SELECT 1 + n % 3, timestamptz '2026-01-01Z' + make_interval(secs => n), '{}', '', '1 punches',
            ARRAY[md5(n::text)::uuid], '{applied}'
        FROM generate_series(1, 30000) n
        """,
        """
        INSERT INTO clock_events (dedupe, source_id, kind, occurred_at, effective_at, received_at)
        SELECT md5(n::text)::uuid, 1, 1, now(), now(), now() FROM generate_series(1, 30000) n
        """,
        "INSERT INTO clock_sources (name) VALUES ('a'), ('b'), ('c')",
        """
        INSERT INTO source_refusals (source_id, refused_at, reason, detail)
        SELECT 1 + n % 3, now(), 'bad_proof', '' FROM generate_series(1, 5000) n
        """,
    ]

    private func plan(of statement: PQStatement, _ pool: PQPool) async throws -> String {
        try await pool.withConnection { connection in
            try await connection.plan(of: statement, settings: "SET jit = off").joined(separator: "\n")
        }
    }
}
