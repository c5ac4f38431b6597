import LibPQ
import Logging
import Synchronization
import TestSupport
import Testing

@testable import Service

@Suite("ChangeChannel", .timeLimit(.minutes(2)))
struct ChangeChannelTests {
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    @Test
    func `who listens anew reads everything, since what was told meanwhile is lost`() async throws {
        try await withProxiedDatabase { owner, proxy, proxied in
            try await hearing(owner, proxied) { heard in
                try await until(owner) { heard() == [.everything] }
                proxy.cut()
                try await until(owner) { heard() == [.everything, .everything] }
            }
        }
    }

    @Test
    func `who was not known to be there reads everything, since nothing was told`() async throws {
        try await withMigratedDatabase { owner, connectionString in
            let channel = ChangeChannel(store: store(owner, connectionString), clock: DatabaseClock(), logger: logger)
            try await hearing(owner, connectionString) { heard in
                try await until(owner) { heard() == [.everything] }
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { await channel.run() }
                    channel.tell(agents: [7], instances: [])
                    channel.note(otherReplicas: 1)
                    try await until(owner) { heard() == [.everything, .everything] }
                    // That it is there is no news any more.
                    channel.note(otherReplicas: 2)
                    channel.tell(agents: [8], instances: [])
                    try await until(owner) { heard().count == 3 }
                    #expect(heard().last == .some(agents: [8], instances: []))
                    group.cancelAll()
                }
            }
        }
    }

    @Test
    func `what could not be told is told as everything once that is possible`() async throws {
        try await withMigratedDatabase { owner, connectionString in
            // The owner may do whatever was taken from the others.
            var configuration = PQConfiguration(connectionString: connectionString, maxConnections: 1)
            configuration.sessionSettings = ["role": "rollcall_app"]
            let pool = PQPool(configuration, logger: logger)
            let channel = ChangeChannel(store: store(pool, connectionString), clock: DatabaseClock(), logger: logger)
            channel.note(otherReplicas: 1)
            try await hearing(owner, connectionString) { heard in
                try await until(owner) { heard() == [.everything] }
                _ = try await owner.query("REVOKE EXECUTE ON FUNCTION pg_notify FROM PUBLIC")
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { await channel.run() }
                    channel.tell(agents: [7], instances: [])
                    try await Task.sleep(for: .milliseconds(300))
                    #expect(heard() == [.everything], "nothing could be told")
                    _ = try await owner.query("GRANT EXECUTE ON FUNCTION pg_notify TO PUBLIC")
                    try await until(owner) { heard() == [.everything, .everything] }
                    channel.tell(agents: [8], instances: [9])
                    try await until(owner) { heard().last == .some(agents: [8], instances: [9]) }
                    group.cancelAll()
                }
            }
            await pool.shutdown()
        }
    }

    private func store(_ pool: PQPool, _ listening: String) -> PostgresReconcilerStore {
        PostgresReconcilerStore(
            pool: pool,
            listening: PQConfiguration(connectionString: listening, maxConnections: 1),
            logger: logger
        )
    }

    /// Runs the body while another replica listens, of which it is given what that has heard so far.
    private func hearing(
        _ pool: PQPool,
        _ listening: String,
        _ body: (@escaping @Sendable () -> [ChangeNews]) async throws -> Void
    ) async throws {
        let heard = HeardNews()
        let other = store(pool, listening)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await other.hearOthers({ _ in }, onChange: { heard.add($0) }) }
            try await body { heard.all }
            group.cancelAll()
        }
    }

    private func until(_ pool: PQPool, _ isSo: () -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while !isSo() {
            try #require(ContinuousClock.now < deadline, "it did not come to pass")
            _ = try await pool.query("SELECT pg_sleep(0.02)")
        }
    }
}

/// What a listener heard, in its order.
private final class HeardNews: Sendable {
    private let news = Mutex<[ChangeNews]>([])

    var all: [ChangeNews] { news.withLock { $0 } }

    func add(_ piece: ChangeNews) { news.withLock { $0.append(piece) } }
}
