import Domain
import LibPQ
import Testing

@testable import Service

/// Plans on filled tables: a page must cost the same whatever the size of the fleet, also as a prepared statement.
@Suite("Agent list plans")
struct AgentListPlanTests {
    /// 20,000 agents in 20 teams, 90 % converged, each with all its rows.
    private func fill(_ pool: PQPool) async throws {
        let statements: [PQStatement] = [
            "INSERT INTO engine_accounts (name) VALUES ('main')",
            """
            INSERT INTO agents (agent_id, name, team)
            SELECT 'a' || lpad(n::text, 6, '0'), 'Agent ' || n, 'team' || n % 20 FROM generate_series(1, 20000) n
            """,
            "INSERT INTO agent_states (agent) SELECT agent FROM agents",
            """
            INSERT INTO instances (account, instance_id, agent)
            SELECT e.account, 'i' || a.agent, a.agent FROM agents a CROSS JOIN engine_accounts e
            """,
            """
            INSERT INTO observed_states (instance, reading, read_at, condition, reason, attention)
            SELECT instance, 'STOPPED', now(), CASE WHEN instance % 10 = 0 THEN 'drifted' ELSE 'converged' END, 'stopped',
                CASE WHEN instance % 10 = 0 THEN \(Condition.drifted.code) END
            FROM instances
            """,
            "INSERT INTO looks (instance, looked_at) SELECT instance, now() FROM instances",
            """
            INSERT INTO reconcile_queue (instance, account, priority, due_at)
            SELECT instance, account, 0, now() FROM instances
            """,
        ]
        for statement in statements { _ = try await pool.query(statement, timeout: .seconds(60)) }
    }

    @Test(arguments: [true, false], [Agreement?.none, .off, .stuck])
    func `every walk uses its index and looks agents up by their keys`(
        isAnalyzed: Bool,
        agreement: Agreement?
    )
        async throws
    {
        try await withMigratedDatabase { pool, _ in
            try await fill(pool)
            if isAnalyzed { _ = try await pool.query("ANALYZE", timeout: .seconds(60)) }
            let fallback = Freshness(onShift: .seconds(20), offShift: .seconds(60), instances: 0, callsPerSecond: 50)
            var filter = AgentFilter(teams: ["team7"], shift: .out, condition: .converged, search: "agent")
            filter.agreement = agreement
            let filters = AgentListStatements(
                filter: filter,
                freshness: FreshnessTable(accounts: [1: fallback], fallback: fallback),
                breakAction: .keep,
                now: Timestamp(seconds: 946_684_800)
            )
            let walks: [(PQStatement, index: String)] = [
                (filters.ofTeam("team7", after: "", limit: 51), "agents_of_team"),
                (filters.ofAll(after: "a01", limit: 51), "agents_agent_id_key"),
                (filters.ofException(.drifted, after: 0, limit: 51), "observed_states_exceptions"),
                (filters.inLine(after: 0, limit: 51), "reconcile_queue_pkey"),
                (AgentWalkEnds.agents(ofTeam: "team7", after: ""), "agents_of_team"),
                (AgentWalkEnds.agents(ofTeam: nil, after: ""), "agents_agent_id_key"),
                (AgentWalkEnds.exceptions(.drifted, after: 0), "observed_states_exceptions"),
                (AgentWalkEnds.inLine(after: 0), "reconcile_queue_pkey"),
                (AgentListStatements.one("a000007"), "agents_agent_id_key"),
            ]
            for (statement, index) in walks {
                let plan = try await plan(of: statement, pool)
                #expect(plan.contains(index), "\(plan)")
                for table in ["agents", "agent_states", "instances", "observed_states", "looks", "reconcile_queue"] {
                    #expect(!plan.contains("Seq Scan on \(table) "), "\(plan)")
                }
                #expect(!plan.contains("Sort") && !plan.contains("Hash"), "\(plan)")
            }
        }
    }

    @Test
    func `a page reads little more than it shows`() async throws {
        try await withMigratedDatabase { pool, _ in
            try await fill(pool)
            let fallback = Freshness(onShift: .seconds(20), offShift: .seconds(60), instances: 0, callsPerSecond: 50)
            let statements = AgentListStatements(
                filter: AgentFilter(agreement: .off),
                freshness: FreshnessTable(accounts: [1: fallback], fallback: fallback),
                breakAction: .keep,
                now: Timestamp(seconds: 946_684_800)
            )
            for (after, isFull) in [("", true), ("a019000", false)] {
                let walk = statements.ofTeam("team7", after: after, limit: 51)
                let plan = try await plan(of: walk, pool)
                let lines = plan.split(separator: "\n")
                let lookUps = try #require(lines.first { $0.contains("agent_states_pkey") })
                let loops = try #require(lookUps.split(separator: "loops=").last?.prefix { $0.isNumber })
                #expect((isFull ? 51...60 : 50...50).contains(Int(loops) ?? 0), "\(plan)")
            }
        }
    }

    /// The plan, run with the statement's own values.
    private func plan(of statement: PQStatement, _ pool: PQPool) async throws -> String {
        try await pool.withConnection { connection in
            try await connection.plan(of: statement, arguments: statement.binds.map(Self.literal))
                .joined(separator: "\n")
        }
    }

    /// A bind as SQL; of arrays, an array that lets every agent pass.
    private static func literal(_ bind: PQBind) -> String {
        guard let bytes = bind.bytes else { return "NULL" }
        switch bind.type.oid {
        case 16: return bytes == [1] ? "true" : "false"
        case 20, 21: return String(bytes.reduce(Int64(0)) { $0 << 8 | Int64($1) })
        case 1009: return "'{team7}'"
        case 1184: return "'2000-01-01Z'"
        case 1185: return "'{2000-01-01Z}'"
        default: return "'" + String(decoding: bytes, as: UTF8.self) + "'"
        }
    }
}
