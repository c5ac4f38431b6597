import LibPQ
import Testing

@testable import Service

/// Plans that were made while the queue and the looks were vacuumed and empty, as they are every night, and are kept.
@Suite("Lookup plans")
struct LookupPlanTests {
    @Test(arguments: ["subjects_by_instance WHERE instance", "subjects_by_agent WHERE agent"])
    func `what a decision needs is found by keys, however empty the queue was`(what: String) async throws {
        try await withMigratedDatabase { pool, _ in
            let plan = try await pool.withConnection { connection in
                try await connection.simpleQuery(Self.fleet)
                try await connection.simpleQuery("VACUUM ANALYZE")
                try await connection.simpleQuery(
                    """
                    SET plan_cache_mode = force_generic_plan;
                    SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off;
                    PREPARE facts (bigint[]) AS SELECT * FROM \(what) = ANY ($1)
                    """
                )
                return try await connection.rows("EXPLAIN (COSTS off) EXECUTE facts (NULL)") { row throws(PQError) in
                    try row.column("QUERY PLAN", as: String.self)
                }
            }
            let scans = plan.filter { $0.contains(" Scan using ") || $0.contains("Seq Scan") }
            let lookUps = plan.filter { $0.contains("Index Cond: ") }
            #expect(scans.count >= 6 && lookUps.count == scans.count, "\(plan.joined(separator: "\n"))")
        }
    }

    private static let fleet = """
        INSERT INTO engine_accounts (name) VALUES ('main');
        INSERT INTO agents (agent_id) SELECT 'a' || n FROM generate_series(1, 2000) n;
        INSERT INTO agent_states (agent) SELECT agent FROM agents;
        INSERT INTO instances (account, instance_id, agent)
        SELECT e.account, a.agent_id, a.agent FROM agents a CROSS JOIN engine_accounts e;
        INSERT INTO observed_states (instance) SELECT instance FROM instances
        """
}
