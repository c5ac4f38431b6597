import LibPQ
import Testing
import TestSupport

@Suite("Broken connections", .timeLimit(.minutes(5)))
struct ReconnectTests {
    @Test
    func `a backend that ends in the middle of a statement is an error, and the next call works`() async throws {
        try await withPool(connections: 2) { pool in
            await withTaskGroup { group in
                group.addTask {
                    let error = await #expect(throws: PQError.self) { try await pool.query("SELECT pg_sleep(60)") }
                    #expect(error?.kind == .connectionLost)
                    #expect(error?.sqlState == "57P01")
                    #expect(error?.isTransient == true)
                }
                await #expect(throws: Never.self) {
                    try await pool.waitUntil(DeadlineTests.sleeps)
                    try await pool.query(
                        """
                        SELECT pg_terminate_backend(pid)
                        FROM pg_stat_activity
                        WHERE datname = current_database() AND pid <> pg_backend_pid()
                        """
                    )
                }
            }
            try await #expect(pool.value("SELECT true AS value", as: Bool.self))
        }
    }

    @Test
    func `idle connections that the server ended are replaced without an error`() async throws {
        let cluster = try await ThrowawayCluster.shared()
        let database = try await cluster.makeDatabaseName()
        let configuration = PQConfiguration(
            connectionString: cluster.connectionString(database: database),
            maxConnections: 3
        )
        try await withPool(configuration: configuration) { pool in
            for _ in 0..<10 {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<3 { group.addTask { try await pool.query("SELECT pg_sleep(0.01)") } }
                    try await group.waitForAll()
                }
                try await #expect(cluster.terminateBackends(database) > 0)
                try await #expect(pool.value("SELECT true AS value", as: Bool.self))
            }
        }
    }

    @Test
    func `fifty reconnects leave no descriptor and no backend behind`() async throws {
        let cluster = try await ThrowawayCluster.shared()
        let proxy = try TCPProxy(to: cluster.port)
        defer { proxy.close() }
        let database = try await cluster.makeDatabaseName()
        let configuration = PQConfiguration(
            connectionString: cluster.tcpConnectionString(database: database, port: proxy.port),
            maxConnections: 2
        )
        try await withPool(configuration: configuration) { pool in
            for _ in 0..<50 {
                try await #expect(pool.value("SELECT true AS value", as: Bool.self))
                try await cluster.terminateBackends(database)
                // The proxy passes the news on a moment later.
                await until { pool.statistics.open == 0 }
            }
            try await #expect(pool.value("SELECT true AS value", as: Bool.self))
            #expect(proxy.acceptedCount >= 50)
            #expect(try OpenSockets.count(toPort: proxy.port) <= 2)
            try await #expect(cluster.backendCount(database) <= 2)
        }
        #expect(try OpenSockets.count(toPort: proxy.port) == 0)
    }

    @Test
    func `a transaction whose connection breaks while idle hears of it`() async throws {
        try await withPool(connections: 1) {
            $0.idleInTransactionTimeout = .milliseconds(30)
        } _: { pool in
            let error = await #expect(throws: PQError.self) {
                try await pool.withTransaction { transaction in
                    try await transaction.query("SELECT 1")
                    await until { pool.statistics.open == 0 }
                    try await transaction.query("SELECT 1")
                }
            }
            #expect(error?.kind == .connectionLost)
            #expect(error?.sqlState == "25P03")
            try await #expect(pool.value("SELECT true AS value", as: Bool.self))
        }
    }

    @Test
    func `a commit whose answer never comes is unknown, and the pool goes on`() async throws {
        let cluster = try await ThrowawayCluster.shared()
        let proxy = try TCPProxy(to: cluster.port)
        defer { proxy.close() }
        var configuration = PQConfiguration(
            connectionString: cluster.tcpConnectionString(port: proxy.port),
            maxConnections: 1
        )
        configuration.cancelGrace = .milliseconds(50)
        try await withPool(configuration: configuration) { pool in
            for isCommitting in [true, false] {
                let error = await #expect(throws: PQError.self) {
                    try await pool.withTransaction { transaction in
                        try await transaction.query("SELECT 1")
                        proxy.setForwarding(false)
                        try await transaction.run(["SELECT 2"], commit: isCommitting, timeout: .milliseconds(50))
                    }
                }
                #expect(error?.kind == (isCommitting ? .commitUnknown : .timedOut))
                #expect(error?.isTransient == !isCommitting)
                proxy.setForwarding(true)
                try await #expect(pool.value("SELECT true AS value", as: Bool.self))
            }
        }
    }
}
