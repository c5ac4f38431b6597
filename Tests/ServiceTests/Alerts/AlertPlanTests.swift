import LibPQ
import Testing

@testable import Service

/// What it costs to find out who cannot work, beside a long history, and what is too old in a long log.
@Suite("Alert plans")
struct AlertPlanTests {
    @Test
    func `when a session last worked is found by its key, of those alone who may have to be told`() async throws {
        try await withMigratedDatabase { pool, _ in
            let plan = try await pool.withConnection { connection in
                try await connection.simpleQuery(Self.fleet)
                try await connection.simpleQuery("VACUUM ANALYZE")
                return try await connection.plan(
                    of: AlertStatements.news(after: .seconds(300), page: 0),
                    settings: "SET jit = off"
                )
            }
            let text = plan.joined(separator: "\n")
            let history = plan.indices.filter { plan[$0].contains(" on session_changes ") }
            #expect(history.count == 3, "\(text)")
            for line in history {
                #expect(plan[line].contains("session_changes_pkey"), "\(text)")
                #expect(plan[line...].prefix(3).contains { $0.contains("Index Cond: ((instance = ") }, "\(text)")
            }
            #expect(plan.contains { $0.contains("session_owners_pkey") }, "\(text)")
            #expect(!plan.contains { $0.contains("Seq Scan on session_") }, "\(text)")
        }
    }

    @Test
    func `what is too old is found by its time`() async throws {
        try await withMigratedDatabase { pool, _ in
            let plan = try await pool.withConnection { connection in
                try await connection.simpleQuery(
                    """
                    INSERT INTO alert_notices (notice, subject, thread, kind, body, created_at)
                    SELECT gen_random_uuid(), n, n, 'agent.cannot_work', '{}', now() - make_interval(mins => n)
                    FROM generate_series(1, 40000) AS n
                    """
                )
                try await connection.simpleQuery("VACUUM ANALYZE")
                return try await connection.plan(of: OldHistory.notices)
            }
            let text = plan.joined(separator: "\n")
            #expect(text.contains("alert_notices_created") && !text.contains("Seq Scan"), "\(text)")
        }
    }

    /// 500 agents with a hundred changes each.
    private static let fleet = """
        INSERT INTO engine_accounts (name) VALUES ('main');
        INSERT INTO agents (agent_id) SELECT 'a' || n FROM generate_series(1, 500) n;
        INSERT INTO agent_states (agent) SELECT agent FROM agents ON CONFLICT DO NOTHING;
        INSERT INTO instances (account, instance_id, agent) SELECT 1, agent_id, agent FROM agents;
        INSERT INTO observed_states (instance, reading, condition, attention)
        SELECT instance, 'FAILED', 'drifted', CASE WHEN instance % 5 = 0 THEN 3 END FROM instances;
        INSERT INTO session_changes (instance, at, recorded_at, reading)
        SELECT x.instance, now() - make_interval(hours => n), now(), CASE WHEN n % 2 = 0 THEN 'WORKING' ELSE 'FAILED' END
        FROM instances x
        CROSS JOIN generate_series(1, 100) n
        """
}
