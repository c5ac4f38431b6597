import Domain
import LibPQ
import Testing

@testable import Service

/// Who needs somebody, among ten thousand agents: those who have waited longest, by index and primary keys alone.
@Suite("Need plans", .timeLimit(.minutes(3)))
struct NeedPlanTests {
    private static let size = 10_000
    private let fallback = Freshness(onShift: .seconds(20), offShift: .seconds(60), instances: 0, callsPerSecond: 50)

    /// Ten thousand agents, all of them in need.
    ///
    /// By turns they have a session that is stuck, one that drifted, one not read for long, and none. The higher the id, the
    /// longer they wait.
    private func fill(_ pool: PQPool) async throws {
        let statements: [PQStatement] = [
            "INSERT INTO engine_accounts (name) VALUES ('main')",
            """
            INSERT INTO agents (agent_id, name, team, created_at)
            SELECT 'a' || lpad(n::text, 6, '0'), 'Agent ' || n, 'team' || n % 20, now() - make_interval(secs => n)
            FROM generate_series(1, \(Int64(Self.size))) n
            """,
            "INSERT INTO agent_states (agent, shift, desired) SELECT agent, 1, 1 FROM agents",
            """
            INSERT INTO instances (account, instance_id, agent)
            SELECT e.account, 'i' || a.agent, a.agent FROM agents a CROSS JOIN engine_accounts e WHERE a.agent % 4 <> 3
            """,
            """
            INSERT INTO observed_states (instance, reading, read_at, condition, reason, attention, since)
            SELECT x.instance, 'FAILED', CASE WHEN x.agent % 4 = 2 THEN now() - interval '1 day' - make_interval(secs => x.agent) ELSE now() END,
                CASE x.agent % 4 WHEN 0 THEN 'needs_attention' WHEN 1 THEN 'drifted' ELSE 'converged' END, 'went_down',
                CASE x.agent % 4 WHEN 0 THEN \(Condition.needsAttention.code) WHEN 1 THEN \(Condition.drifted.code) END,
                now() - make_interval(secs => x.agent)
            FROM instances x
            """,
            """
            INSERT INTO looks (instance, looked_at)
            SELECT instance, read_at FROM observed_states
            """,
            "ANALYZE",
        ]
        for statement in statements { _ = try await pool.query(statement, timeout: .seconds(60)) }
    }

    private func statements(_ filter: AgentFilter, _ pool: PQPool) async throws -> NeedStatements {
        let clock = DatabaseClock()
        try await clock.measure(pool)
        return NeedStatements(
            filter: filter,
            freshness: FreshnessTable(accounts: [1: fallback], fallback: fallback),
            now: clock.now()
        )
    }

    private func ids(_ statement: PQStatement, _ pool: PQPool) async throws -> [String] {
        try AgentDetailRows.read(try await pool.query(statement, timeout: .seconds(30))).map(\.agentID).sorted()
    }

    /// The fifty who wait longest of those whose number leaves this rest by four.
    private func longest(_ rest: Int, where fits: (Int) -> Bool = { _ in true }) -> [String] {
        (1...Self.size).reversed().filter { $0 % 4 == rest && fits($0) }.prefix(NeedStatements.limit).reversed().map {
            let number = String($0)
            return "a" + String(repeating: "0", count: 6 - number.count) + number
        }
    }

    @Test
    func `of all who stand alike those come that have waited longest`() async throws {
        try await withMigratedDatabase { pool, _ in
            try await fill(pool)
            let all = try await statements(AgentFilter(), pool)
            #expect(try await ids(all.exceptions([.needsAttention]), pool) == longest(0))
            #expect(
                try await ids(all.exceptions([.needsAttention, .drifted]), pool) == (longest(0) + longest(1)).sorted()
            )
            #expect(try await ids(all.unsure([.unknown, .unassigned]), pool) == (longest(2) + longest(3)).sorted())
            let ofTeam = try await statements(AgentFilter(teams: ["team3", "team6"]), pool)
            #expect(
                try await ids(ofTeam.unsure([.unassigned], ofTeams: ["team3", "team6"]), pool)
                    == longest(3) { $0 % 20 == 3 || $0 % 20 == 6 }
            )
            #expect(try await ids(ofTeam.exceptions([.drifted]), pool) == longest(1) { $0 % 20 == 3 || $0 % 20 == 6 })
            let searched = try await statements(AgentFilter(search: "AGENT 99"), pool)
            #expect(
                try await ids(searched.exceptions([.drifted]), pool) == longest(1) { String($0).hasPrefix("99") }
            )
            let counts = try await pool.query(all.unsure([.unknown, .unassigned]), timeout: .seconds(30))
            let alike = try counts.compactMap { row in try row.column("alike", as: Int64?.self) }
            #expect(alike == [Int64(Self.size / 4), Int64(Self.size / 4)])
            let onBreak = try await statements(AgentFilter(shift: .onBreak), pool)
            #expect(try await ids(onBreak.exceptions([.drifted]), pool) == [])
        }
    }

    @Test
    func `who needs somebody since they are here waits since then, whatever is older`() async throws {
        try await withMigratedDatabase { pool, _ in
            try await fill(pool)
            let changes: [PQStatement] = [
                "UPDATE agents SET created_at = now() - interval '1 year'",
                "UPDATE agent_states SET shift_since = now() - make_interval(secs => agent)",
                """
                UPDATE observed_states SET since = now() - interval '1 year', condition = 'held', attention = \(Condition.held.code)
                WHERE attention = \(Condition.needsAttention.code)
                """,
                "UPDATE observed_states SET read_at = now() - interval '1 year' WHERE attention IS NULL",
                "UPDATE looks SET looked_at = now() - interval '1 year' WHERE looked_at < now() - interval '1 hour'",
            ]
            for change in changes { _ = try await pool.query(change, timeout: .seconds(60)) }
            let all = try await statements(AgentFilter(), pool)
            #expect(try await ids(all.unsure([.unknown, .unassigned]), pool) == (longest(2) + longest(3)).sorted())
            #expect(try await ids(all.exceptions([.held]), pool) == longest(0))
            let teams = (0..<20).map { "team\($0)" }
            let ofTeams = try await statements(AgentFilter(teams: teams), pool)
            #expect(
                try await ids(ofTeams.unsure([.unknown, .unassigned], ofTeams: teams), pool)
                    == (longest(2) + longest(3)).sorted()
            )
        }
    }

    @Test
    func `exceptions are found by their index, the others by one walk, and no table is read from end to end`()
        async throws
    {
        try await withMigratedDatabase { pool, _ in
            try await fill(pool)
            // As a rule exceptions are few; where they are most of what there is, reading all is the shorter way.
            _ = try await pool.query("UPDATE observed_states SET attention = NULL WHERE instance % 200 <> 0")
            _ = try await pool.query("ANALYZE")
            let some = try await statements(AgentFilter(teams: ["team3"], search: "agent"), pool)
            let walks: [(PQStatement, index: String)] = [
                (some.exceptions([.drifted]), "observed_states_exceptions"),
                (some.unsure([.unknown]), "agents_agent_id_key"),
                (some.unsure([.unknown], ofTeams: ["team3"]), "agents_of_team"),
            ]
            for (statement, index) in walks {
                let plan = try await plan(of: statement, pool)
                #expect(plan.contains(index), "\(plan)")
                for table in ["agents", "agent_states", "instances", "observed_states", "looks"] {
                    #expect(!plan.contains("Seq Scan on \(table) "), "\(plan)")
                }
                #expect(!plan.contains("Hash Join") && !plan.contains("Merge Join"), "\(plan)")
            }
        }
    }

    private func plan(of statement: PQStatement, _ pool: PQPool) async throws -> String {
        try await pool.withConnection { connection in
            try await connection.plan(of: statement).joined(separator: "\n")
        }
    }
}
