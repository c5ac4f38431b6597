import Domain
import LibPQ
import Logging
import Testing

@testable import Service

/// Events of the future whose time has come, in PostgreSQL.
@Suite("Unpark", .timeLimit(.minutes(2)))
struct UnparkTests {
    @Test
    func `who is being written is passed over, and nobody else waits for it`() async throws {
        try await withMigratedDatabase { pool, url in
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let store = PostgresReconcilerStore(
                pool: pool,
                listening: PQConfiguration(connectionString: url, maxConnections: 1),
                logger: logger
            )
            let scene = PostgresScene(pool: pool, connectionString: url, store: store)
            let account = try #require(try await store.register(["main"])["main"])
            var agents: [Int64] = []
            var wakes: [Wake] = []
            let soon = try await scene.now() + .milliseconds(300)
            for id in ["ana", "bo"] {
                let (agent, instance) = try await scene.addAgent(id, account: account)
                agents.append(agent)
                wakes.append(Wake(instance: instance, account: account))
                _ = try await scene.append(scene.event("e-\(id)", id, .clockIn, at: soon), leases: LeaseBook())
            }
            while try await scene.now() <= soon {}
            try await pool.withTransaction { transaction in
                _ = try await transaction.run(["SELECT FROM agent_states WHERE agent = \(agents[0]) FOR NO KEY UPDATE"])
                #expect(try await scene.unpark(agents) == [wakes[1]])
            }
            #expect(try await scene.unpark(agents) == [wakes[0]])
        }
    }

    @Test
    func `a portion that took too long is halved down to one agent, and grows again with each that is done`() {
        var portion = UnparkPortion()
        #expect(portion.size == UnparkPortion.most)
        var sizes: [Int] = []
        for _ in 1...8 {
            portion.tookTooLong()
            sizes.append(portion.size)
        }
        #expect(sizes == [50, 25, 12, 6, 3, 1, 1, 1])
        for _ in 1...8 { portion.done() }
        #expect(portion.size == UnparkPortion.most)
    }
}
