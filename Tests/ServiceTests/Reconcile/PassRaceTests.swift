import Domain
import LibPQ
import Logging
import Testing

@testable import Service

/// A pass, and somebody who gives its session to an agent at that very moment.
@Suite("Pass race", .timeLimit(.minutes(2)))
struct PassRaceTests {
    @Test
    func `a session that changes hands while its pass waits is decided on with its new agent locked`() async throws {
        try await withMigratedDatabase { owner, url in
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let pool = PQPool(PQConfiguration(connectionString: url, maxConnections: 4), logger: logger)
            let listening = PQConfiguration(connectionString: url, maxConnections: 1)
            let store = PostgresReconcilerStore(pool: pool, listening: listening, logger: logger)
            let scene = PostgresScene(pool: pool, connectionString: url, store: store)
            let (_, account, term) = try await scene.lease()
            let (slow, given) = (
                try await scene.addAgent("slow", account: account), try await scene.addAgent("gone", account: account)
            )
            _ = try await owner.query("UPDATE instances SET agent = NULL WHERE instance = \(given.instance)")
            let heir = try await addAgent(owner)
            let request = PassRequest(
                account: account,
                term: term,
                instances: [slow.instance, given.instance].sorted(),
                timeout: .seconds(20)
            )
            let clock = DatabaseClock()
            try await clock.measure(owner)
            let wait = LockWait()
            let pass = try await owner.withTransaction { append in
                _ = try await append.run(["SELECT FROM agent_states WHERE agent = \(slow.agent) FOR NO KEY UPDATE"])
                let pass = wait.task {
                    var owners: [Int64?] = []
                    _ = try await store.pass(request) { reading in
                        owners = reading.subjects.filter { $0.subject.instance == given.instance }.map {
                            $0.agent?.agent
                        }
                        return PassWriting(term: term, now: clock.now())
                    }
                    return owners
                }
                try await wait.until(1, in: append)
                _ = try await owner.query("UPDATE instances SET agent = \(heir) WHERE instance = \(given.instance)")
                return pass
            }
            #expect(try await pass.value == [heir])
            // A row's `xmax` names who locked it last, also when that is over.
            let locked = try await owner.query("SELECT FROM agent_states WHERE agent = \(heir) AND xmax <> '0'")
            #expect(locked.rowCount == 1)
            await pool.shutdown()
        }
    }

    @Test
    func `who gives away a session that is nobody's waits for whoever decides about it`() async throws {
        try await withManagement { fixture in
            try await fixture.addAgent("gone")
            _ = try await fixture.pool.query("UPDATE instances SET agent = NULL")
            let wait = LockWait()
            let giving = try await fixture.pool.withTransaction { pass in
                _ = try await pass.run(["SELECT instance FROM observed_states FOR NO KEY UPDATE"])
                let giving = wait.task { try await fixture.addAgent("heir", instance: "i-gone").status }
                try await wait.until(1, in: pass)
                #expect(!wait.isDone)
                return giving
            }
            #expect(try await giving.value == 201)
            #expect(try await fixture.session(of: "heir") == "i-gone")
        }
    }

    /// Makes an agent without a session.
    private func addAgent(_ owner: PQPool) async throws -> Int64 {
        let agents = try await owner.rows("INSERT INTO agents (agent_id) VALUES ('heir') RETURNING agent") {
            row throws(PQError) in try row.column("agent", as: Int64.self)
        }
        let agent = try #require(agents.first)
        _ = try await owner.query("INSERT INTO agent_states (agent) VALUES (\(agent))")
        return agent
    }
}
