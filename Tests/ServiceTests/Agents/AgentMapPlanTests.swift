import Domain
import LibPQ
import Testing

@testable import Service

/// Plans of what imports run once per chunk: with the statistics of empty tables, made once, and used until the end.
@Suite("Agent map plans")
struct AgentMapPlanTests {
    /// A statement's plan when it was prepared on empty tables.
    private func plan(of statement: PQStatement, _ pool: PQPool) async throws -> String {
        try await pool.withConnection { connection in
            try await connection.plan(
                of: statement,
                settings: "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off"
            )
            .joined(separator: "\n")
        }
    }

    @Test
    func `a session is found by account and instance id, however empty the tables were`() async throws {
        try await withMigratedDatabase { pool, _ in
            let occupants = AgentMapStatements.occupants(accounts: ["main"], instanceIDs: ["i1"])
            let observed = AgentMapStatements.addObserved([
                .init(agentID: "a1", account: 1, instanceID: "i1", sessionName: nil)
            ])
            for statement in [occupants, observed] {
                let plan = try await plan(of: statement, pool)
                let lookUps = plan.split(separator: "\n").filter { $0.contains("Index Cond") }
                #expect(lookUps.contains { $0.contains("account = ") && $0.contains("instance_id = ") }, "\(plan)")
            }
        }
    }

    @Test
    func `aliases and unmatched events are found by source and external id`() async throws {
        try await withMigratedDatabase { pool, _ in
            for statement in [
                UnmatchedStatements.claim(["a1"], rules: MatchingRules()),
                UnmatchedStatements.untaken(["a1"], rules: MatchingRules()),
            ] {
                let plan = try await plan(of: statement, pool)
                let lookUps = plan.split(separator: "\n")
                    .filter { $0.contains("Index Cond") && $0.contains("source_id = ") }
                #expect(lookUps.count == 2, "\(plan)")
                #expect(lookUps.allSatisfy { $0.contains("external_id = ") }, "\(plan)")
            }
        }
    }
}
