import LibPQ
import Logging
import Synchronization
import TestSupport
import Testing

@testable import Service

@Suite("IncidentLog", .timeLimit(.minutes(2)))
struct IncidentLogTests {
    @Test(arguments: [true, false])
    func `a change is written once and surely, where the answer to its write is lost too`(isWritten: Bool) async throws
    {
        try await withMigratedDatabase { owner, _ in
            let cluster = try await ThrowawayCluster.shared()
            let database = try await owner.query("SELECT current_database()::text AS name")[0]
                .column("name", as: String.self)
            let proxy = try TCPProxy(to: cluster.port)
            defer { proxy.close() }
            let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
            let pool = PQPool(
                PQConfiguration(
                    connectionString: cluster.tcpConnectionString(database: database, port: proxy.port),
                    maxConnections: 1
                ),
                logger: logger
            )
            let written = Mutex(0)
            let log = IncidentLog(logger: logger) { written.withLock { $0 += 1 } }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await log.run(pool: pool) }
                for (number, isOpen) in [(1, true), (2, false)] {
                    try await lose(isWritten: isWritten, owner, proxy) {
                        if isOpen {
                            log.raise(.engineOutage, account: 1, detail: "nothing answers")
                        } else {
                            log.clear(.engineOutage, account: 1)
                        }
                    }
                    try await until(owner) { written.withLock { $0 } == number }
                    let counts = try await owner.query(
                        "SELECT count(*) AS all, count(*) FILTER (WHERE closed_at IS NULL) AS open FROM incidents"
                    )
                    #expect(try counts[0].column("all", as: Int64.self) == 1)
                    #expect(try counts[0].column("open", as: Int64.self) == (isOpen ? 1 : 0))
                }
                group.cancelAll()
            }
            await pool.shutdown()
        }
    }

    /// Cuts the connection while a write waits, and lets the write happen all the same, or never.
    private func lose(
        isWritten: Bool,
        _ owner: PQPool,
        _ proxy: TCPProxy,
        of change: () -> Void
    ) async throws {
        try await owner.withTransaction { transaction in
            try await transaction.query("LOCK TABLE incidents IN EXCLUSIVE MODE")
            change()
            try await until(owner) { try await owner.query(Self.waiting).rowCount == 1 }
            proxy.cut()
            guard !isWritten else { return }
            let waiting = try await owner.query(Self.waiting)[0].column("pid", as: Int32.self)
            try await owner.query("SELECT pg_terminate_backend(\(waiting), 5000)")
        }
    }

    private static let waiting: PQStatement = """
        SELECT l.pid
        FROM pg_locks l
        WHERE l.relation = 'incidents'::regclass
          AND NOT l.granted
        """

    private func until(_ owner: PQPool, _ isSo: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while try await !isSo() {
            try #require(ContinuousClock.now < deadline, "it did not come to pass")
            _ = try await owner.query("SELECT pg_sleep(0.02)")
        }
    }
}
