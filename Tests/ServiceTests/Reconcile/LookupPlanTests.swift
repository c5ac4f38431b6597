import Domain
import LibPQ
import Testing

@testable import Service

/// Plans that were made while the queue and the looks were vacuumed and empty, as they are every night, and are kept.
@Suite("Lookup plans")
struct LookupPlanTests {
    private static let facts: [PQStatement] = [
        "SELECT * FROM subjects_by_instance WHERE instance = ANY (\([Int64]()))",
        "SELECT * FROM subjects_by_agent WHERE agent = ANY (\([Int64]()))",
    ]

    @Test(arguments: facts)
    func `what a decision needs is found by keys, however empty the queue was`(statement: PQStatement) async throws {
        try await withMigratedDatabase { pool, _ in
            let plan = try await pool.withConnection { connection in
                try await connection.simpleQuery(Self.fleet)
                try await connection.simpleQuery("VACUUM ANALYZE")
                return try await connection.plan(of: statement, settings: Self.byIndex)
            }
            let scans = plan.filter { $0.contains(" Scan using ") || $0.contains("Seq Scan") }
            let lookUps = plan.filter { $0.contains("Index Cond: ") }
            #expect(scans.count >= 6 && lookUps.count == scans.count, "\(plan.joined(separator: "\n"))")
        }
    }

    @Test(arguments: 0..<5)
    func `what a plan writes is found by keys, however empty its tables were`(number: Int) async throws {
        let now = Timestamp(microseconds: 1_800_000_000_000_000)
        let statements = Self.writes(now: now)
        try #require(statements.count == 5)
        try await withMigratedDatabase { pool, _ in
            let plan = try await pool.withConnection { connection in
                try await connection.simpleQuery("VACUUM ANALYZE")
                return try await connection.plan(of: statements[number], settings: Self.byIndex)
            }
            let scans = plan.filter { $0.contains(" Scan using ") || $0.contains("Seq Scan") || $0.contains("Bitmap") }
            let lookUps = plan.filter { $0.contains("Index Cond: ") && $0.contains("ANY (ARRAY[n.") }
            let inserts = plan.filter { $0.contains("Insert on ") }
            #expect(scans.count == lookUps.count && scans.count + inserts.count == 1, "\(plan.joined(separator: "\n"))")
        }
    }

    /// Each statement that writes a plan: the agent's state, the queue row put and deleted, what is observed, an outcome.
    private static func writes(now: Timestamp) -> [PQStatement] {
        let stored = Subject(
            instance: 1,
            account: 1,
            address: SessionAddress(instanceID: "i", sessionName: nil),
            evidence: Evidence(),
            condition: .unknown,
            reason: .neverRead,
            wakes: 1,
            dueAt: now
        )
        let agent = AgentFacts(
            agent: 1,
            generation: 0,
            state: ShiftState(),
            desired: .running,
            rule: .default,
            isLeaving: false
        )
        let context = PlanningContext(policy: ReconcilePolicy(), now: now, mayAct: false, isAccountRefused: false)
        let change = rederive(agent, policy: context.policy, now: now)
        var settled = plan(stored, agent: change, priority: .repair, context: context)
        settled.dueAt = nil
        settled.subject.evidence.attempts += 1
        var waiting = settled
        waiting.stored = waiting.subject
        waiting.dueAt = now + .seconds(1)
        let command = PlannedCommand(
            id: 1,
            instance: 1,
            address: stored.address,
            action: .start,
            reason: .neverRead,
            priority: .people
        )
        let outcome = CommandOutcome(command: command, answer: EngineAnswer(verdict: .ok), sentAt: now, endedAt: now)
        return PlanStatements.all(agents: [change], plans: [settled], terms: [1: 1], now: now)
            + PlanStatements.all(agents: [], plans: [waiting], terms: [1: 1], now: now)
            + [PlanStatements.complete([outcome])]
    }

    private static let byIndex = "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off"

    private static let fleet = """
        INSERT INTO engine_accounts (name) VALUES ('main');
        INSERT INTO agents (agent_id) SELECT 'a' || n FROM generate_series(1, 2000) n;
        INSERT INTO agent_states (agent) SELECT agent FROM agents;
        INSERT INTO instances (account, instance_id, agent)
        SELECT e.account, a.agent_id, a.agent FROM agents a CROSS JOIN engine_accounts e;
        INSERT INTO observed_states (instance) SELECT instance FROM instances
        """
}
