import Domain
import LibPQ
import Testing

@testable import Service

/// What a timeline and the figures are read from is found by an index, however long the history has become.
@Suite("History plans")
struct HistoryPlanTests {
    private static let now = Timestamp(seconds: 1_800_000_000)
    private static let question = StatsReads.Question(teams: nil, from: now - .seconds(86_400), to: now)
    private static let lifetimes = LookLifetimes(ofAccounts: [180], ofOthers: 180)
    private static let statements: [(name: String, statement: PQStatement)] = [
        ("commands", HistoryReads.commands(of: [1], agent: 1, from: now, to: now, limit: 10)),
        ("ownerships", HistoryReads.ownerships(of: 1, from: now, to: now)),
        ("gaps", HistoryReads.gaps(of: 1, from: now, to: now)),
        ("drift", StatsReads.drift(question, lifetimes)),
        ("rest", StatsReads.rest(question, lifetimes)),
    ]

    @Test(arguments: 0..<5)
    func `no table is read as a whole`(number: Int) async throws {
        let (name, statement) = Self.statements[number]
        try await withMigratedDatabase { pool, _ in
            let plan = try await pool.withConnection { connection in
                try await connection.simpleQuery(
                    "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_hashjoin = off"
                )
                let types = try await connection.rows(
                    """
                    SELECT format_type(t.oid::oid, NULL) AS name
                    FROM unnest(\(statement.binds.map { Int64($0.type.oid) })) WITH ORDINALITY AS t (oid, place)
                    ORDER BY t.place
                    """
                ) { row throws(PQError) in try row.column("name", as: String.self) }
                let nulls = types.map { _ in "NULL" }.joined(separator: ", ")
                try await connection.simpleQuery("PREPARE w (\(types.joined(separator: ", "))) AS \(statement.text)")
                try await connection.simpleQuery("CREATE TEMP TABLE x (line text)")
                try await connection.simpleQuery(
                    """
                    DO $$ DECLARE line text; BEGIN
                        FOR line IN EXECUTE 'EXPLAIN (COSTS off) EXECUTE w (\(nulls))' LOOP
                            INSERT INTO x VALUES (line);
                        END LOOP;
                    END $$
                    """
                )
                return try await connection.rows("SELECT line FROM x") { row throws(PQError) in
                    try row.column("line", as: String.self)
                }
            }
            #expect(plan.contains { $0.contains("Index Cond: ") }, "\(name): \(plan.joined(separator: "\n"))")
            #expect(!plan.contains { $0.contains("Seq Scan") }, "\(name): \(plan.joined(separator: "\n"))")
        }
    }
}
