import Domain
import FoundationEssentials
import LibPQ
import Testing

@testable import Service

// What people and webhooks do to either store, and what is known after it.
extension PostgresScene {
    func mapAgent(_ id: String, account: Int32) async throws -> (agent: Int64, instance: Int64) {
        let names = try await pool.rows("SELECT name FROM engine_accounts WHERE account = \(account)") {
            row throws(PQError) in
            try row.column("name", as: String.self)
        }
        let instance = InstanceSpec(engine: try #require(names.first), instanceID: "i-\(id)")
        let directory = AgentDirectory(
            pool: pool,
            policy: ReconcilePolicy(),
            rules: MatchingRules(),
            clock: try await measuredClock(),
            wakes: RecordingBell()
        )
        let spec = AgentSpec(agentID: id, instance: .set(instance))
        let made = try await directory.put([spec], caller: nil, author: "test")
        #expect(made.outcomes == [.added])
        let rows = try await pool.rows(
            "SELECT a.agent, x.instance FROM agents a JOIN instances x ON x.agent = a.agent WHERE a.agent_id = \(id)"
        ) { row throws(PQError) in
            (try row.column("agent", as: Int64.self), try row.column("instance", as: Int64.self))
        }
        return try #require(rows.first)
    }

    func take(_ order: PersonsOrder, about id: String) async throws -> [Wake] {
        let bell = RecordingBell()
        let orders = AgentOrders(
            pool: pool,
            policy: ReconcilePolicy(),
            rules: MatchingRules(),
            clock: try await measuredClock(),
            wakes: bell,
            freshness: FreshnessBook(pool: pool, sweep: SweepPolicy(), callsPerSecond: [:])
        )
        let caller = Caller(keyID: UUID(), name: "test", role: .manage, sourceID: 1)
        do {
            switch order {
            case .hold(let hold):
                let waiting = try await orders.hold(id, hold, by: caller)
                #expect(waiting == nil, "the guard lets one pass")
            case .release:
                let waiting = try await orders.release(id, by: caller)
                #expect(waiting == nil, "the guard lets one pass")
            case .reboot: try await orders.reboot(id, by: caller)
            }
        } catch is Problem {
            return []
        }
        return bell.take()
    }

    func runOutHold(of agent: Int64) async throws {
        _ = try await pool.execute(
            "UPDATE agent_states SET hold_until = now() - interval '1 second' WHERE agent = \(agent)"
        )
    }

    func known(of agent: Int64) async throws -> KnownAgent? {
        let result = try await pool.query(LedgerStatements.subjects(of: [agent]))
        let rows = try SubjectRows(result)
        guard let row = result.first, let facts = try rows.agentFacts(row) else { return nil }
        return KnownAgent(facts: facts, subject: try rows.subject(row))
    }

    func hinted(_ instanceID: String) async throws -> HintedSession? {
        let hint = SessionHint(instanceID: instanceID)
        return try await pool.rows(HintDesk.lookUp([(account: "main", hint: hint)])) { row throws(PQError) in
            try HintedSession(row)
        }.first
    }

    private func measuredClock() async throws -> DatabaseClock {
        let clock = DatabaseClock()
        try await clock.measure(pool)
        return clock
    }
}

extension MemoryScene {
    func mapAgent(_ id: String, account: Int32) async throws -> (agent: Int64, instance: Int64) {
        database.withTables { tables, now in
            let agent = tables.addAgent(id, now: now)
            let instance = tables.addInstance("i-\(id)", account: account, agent: agent)
            _ = tables.claim(agent, policy: ReconcilePolicy(), now: now)
            return (agent, instance)
        }
    }

    func take(_ order: PersonsOrder, about id: String) async throws -> [Wake] {
        database.withTables { tables, now in
            guard let agent = tables.agentNumbers[id] else { return [] }
            let policy = ReconcilePolicy()
            switch order {
            case .hold(let hold): return tables.hold(agent, hold, policy: policy, now: now)
            case .release: return tables.release(agent, policy: policy, now: now)
            case .reboot: return tables.askReboot(of: agent, policy: policy, now: now)
            }
        }
    }

    func runOutHold(of agent: Int64) async throws {
        database.withTables { tables, now in tables.agents[agent]?.facts.hold?.until = now - .seconds(1) }
    }

    func known(of agent: Int64) async throws -> KnownAgent? {
        database.withTables { tables, _ in
            guard let facts = tables.agents[agent]?.facts else { return nil }
            return KnownAgent(facts: facts, subject: tables.instance(of: agent).flatMap { tables.subject($0) })
        }
    }

    func hinted(_ instanceID: String) async throws -> HintedSession? {
        let numbers = database.withTables { tables, _ in
            tables.instances.filter { $0.value.subject.address.instanceID == instanceID }.map(\.key)
        }
        guard let number = numbers.first else { return nil }
        return try await memory.hinted(number)
    }
}
