import LibPQ
import Testing

@testable import Service

/// What it costs to find out whom to look at, beside a large account.
@Suite("Stalest plans")
struct StalestPlanTests {
    @Test
    func `the stalest of a small account are found by keys, however large another account is`() async throws {
        try await withMigratedDatabase { pool, _ in
            let statement = PostgresReconcilerStore.stalestStatement(1, after: 0)
            let plan = try await pool.withConnection { connection in
                try await connection.simpleQuery(Self.fleet)
                try await connection.simpleQuery("VACUUM ANALYZE")
                let arguments = ["1", "1", "0", "1000", "1000", "12"]
                return try await connection.plan(of: statement, arguments: arguments).joined(separator: "\n")
            }
            #expect(plan.contains("instances_of_account"), "\(plan)")
            for index in ["observed_states_pkey", "looks_pkey"] { #expect(plan.contains(index), "\(plan)") }
            for table in ["instances", "observed_states", "looks"] {
                #expect(!plan.contains("Seq Scan on \(table)"), "\(plan)")
            }
        }
    }

    /// Five sessions of one account, and after them 20,000 of another.
    private static let fleet = """
        INSERT INTO engine_accounts (name) VALUES ('small'), ('large');
        INSERT INTO agents (agent_id) SELECT 'a' || n FROM generate_series(1, 20005) n;
        INSERT INTO instances (account, instance_id, agent)
        SELECT CASE WHEN a.agent <= 5 THEN 1 ELSE 2 END, a.agent_id, a.agent FROM agents a ORDER BY a.agent;
        INSERT INTO observed_states (instance) SELECT instance FROM instances;
        INSERT INTO looks (instance, looked_at) SELECT instance, now() FROM instances
        """
}
