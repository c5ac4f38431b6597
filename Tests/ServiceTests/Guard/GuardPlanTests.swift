import Domain
import LibPQ
import Testing

@testable import Service

/// What is asked again and again finds its rows by an index, whatever the tables hold.
@Suite("Guard and alert plans")
struct GuardPlanTests {
    private static let statements: [(name: String, statement: PQStatement)] = [
        ("waiting", GuardStatements.waiting(of: ["a"])),
        ("runs", GuardStatements.runs(of: ["a"], instances: [1])),
        ("recent", GuardStatements.recent(.seconds(300))),
        ("supersede", GuardStatements.supersede(["a"], slot: .order, by: "x")),
        ("at rest", GuardDueStatements.isAnything),
        ("due", GuardDueStatements.claim),
        ("news", AlertStatements.news(after: .seconds(300), page: 0)),
        ("take", AlertStatements.take),
        ("alike", AccountStanding.alike(1)),
        ("unattended", AccountWatch.judge(watchedFor: .seconds(60))),
    ]

    @Test(arguments: 0..<10)
    func `no table is read as a whole`(number: Int) async throws {
        let (name, statement) = Self.statements[number]
        try await withMigratedDatabase { pool, _ in
            let plan = try await pool.withConnection { connection in
                try await connection.simpleQuery("VACUUM ANALYZE")
                try await connection.simpleQuery(
                    """
                    SET plan_cache_mode = force_generic_plan;
                    SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off
                    """
                )
                let types = try await connection.rows(
                    """
                    SELECT format_type(t.oid::oid, NULL) AS name
                    FROM unnest(\(statement.binds.map { Int64($0.type.oid) })) WITH ORDINALITY AS t (oid, place)
                    ORDER BY t.place
                    """
                ) { row throws(PQError) in try row.column("name", as: String.self) }
                let list = types.isEmpty ? "" : " (\(types.joined(separator: ", ")))"
                let nulls = types.isEmpty ? "" : " (" + types.map { _ in "NULL" }.joined(separator: ", ") + ")"
                try await connection.simpleQuery("PREPARE w\(list) AS \(statement.text)")
                try await connection.simpleQuery("CREATE TEMP TABLE x (line text)")
                try await connection.simpleQuery(
                    """
                    DO $$ DECLARE line text; BEGIN
                        FOR line IN EXECUTE 'EXPLAIN (COSTS off) EXECUTE w\(nulls)' LOOP
                            INSERT INTO x VALUES (line);
                        END LOOP;
                    END $$
                    """
                )
                return try await connection.rows("SELECT line FROM x") { row throws(PQError) in
                    try row.column("line", as: String.self)
                }
            }
            #expect(!plan.contains { $0.contains("Seq Scan") }, "\(name): \(plan.joined(separator: "\n"))")
        }
    }
}
