import LibPQ
import Testing
import TestSupport

@Suite("PQListener", .timeLimit(.minutes(5)))
struct ListenerTests {
    private func notify(_ pool: PQPool, _ channel: String, _ payload: String) async throws {
        try await pool.query("SELECT pg_notify(\(channel), \(payload))")
    }

    @Test
    func `notifications of the channels arrive in order, after a reset`() async throws {
        try await withPool { pool in
            let listener = PQListener(pool.configuration, logger: silent)
            let iterator = listener.listen(to: ["wake", "Odd \"one\""]).makeAsyncIterator()
            #expect(await iterator.next() == .reset)
            for number in 0..<200 { try await notify(pool, "wake", "\(number)") }
            try await notify(pool, "elsewhere", "x")
            try await notify(pool, "Odd \"one\"", "last")
            for number in 0..<200 {
                #expect(await iterator.next() == .notification(.init(channel: "wake", payload: "\(number)")))
            }
            #expect(await iterator.next() == .notification(.init(channel: "Odd \"one\"", payload: "last")))
            await listener.shutdown()
            #expect(await iterator.next() == nil)
        }
    }

    @Test
    func `a listener whose backend ends comes back with a reset`() async throws {
        let cluster = try await ThrowawayCluster.shared()
        let database = try await cluster.makeDatabaseName()
        let configuration = PQConfiguration(connectionString: cluster.connectionString(database: database))
        try await withPool(configuration: configuration) { pool in
            let listener = PQListener(configuration, logger: silent)
            let iterator = listener.listen(to: ["wake"]).makeAsyncIterator()
            #expect(await iterator.next() == .reset)
            for round in 0..<3 {
                try await cluster.terminateBackends(database)
                #expect(await iterator.next() == .reset)
                try await notify(pool, "wake", "\(round)")
                #expect(await iterator.next() == .notification(.init(channel: "wake", payload: "\(round)")))
            }
            await listener.shutdown()
        }
    }

    @Test
    func `a half-open link is found by the self-ping`() async throws {
        let cluster = try await ThrowawayCluster.shared()
        let proxy = try TCPProxy(to: cluster.port)
        defer { proxy.close() }
        let configuration = PQConfiguration(connectionString: cluster.tcpConnectionString(port: proxy.port))
        let listener = PQListener(
            configuration,
            pingInterval: .milliseconds(20),
            pingTimeout: .milliseconds(500),
            logger: silent
        )
        let iterator = listener.listen(to: ["wake"]).makeAsyncIterator()
        #expect(await iterator.next() == .reset)
        let before = proxy.acceptedCount
        proxy.setForwarding(false)
        await until { proxy.acceptedCount > before }
        proxy.setForwarding(true)
        #expect(await iterator.next() == .reset)
        await listener.shutdown()
        #expect(try OpenSockets.count(toPort: proxy.port) == 0)
    }

    @Test
    func `a slow consumer gets a reset instead of an endless backlog`() async throws {
        try await withPool { pool in
            let listener = PQListener(pool.configuration, bufferLimit: 4, logger: silent)
            let iterator = listener.listen(to: ["wake"]).makeAsyncIterator()
            #expect(await iterator.next() == .reset)
            // One burst: the consumer would have to keep pace with a tight loop to miss none.
            try await pool.query("SELECT pg_notify('wake', n::text) FROM generate_series(1, 5000) AS n")
            var count = 0
            while let event = await iterator.next(), event != .reset { count += 1 }
            #expect(count < 5000)
            await listener.shutdown()
        }
    }

    @Test
    func `a cancelled task ends its sequence`() async throws {
        try await withPool { pool in
            let listener = PQListener(pool.configuration, logger: silent)
            let notifications = listener.listen(to: ["wake"])
            let (started, start) = AsyncStream.makeStream(of: Void.self)
            await withTaskGroup { group in
                group.addTask {
                    for await _ in notifications { start.finish() }
                }
                for await _ in started {}
                group.cancelAll()
                await group.waitForAll()
            }
            await listener.shutdown()
        }
    }

    @Test
    func `a sequence that nobody holds any more closes its connection`() async throws {
        try await withPool { pool in
            var configuration = pool.configuration
            configuration.applicationName = "listener"
            let listener = PQListener(configuration, logger: silent)
            let mine: PQStatement =
                "SELECT count(*) = 0 AS value FROM pg_stat_activity WHERE application_name = 'listener'"
            do {
                let iterator = listener.listen(to: ["wake"]).makeAsyncIterator()
                #expect(await iterator.next() == .reset)
                #expect(try await pool.value(mine, as: Bool.self) == false)
            }
            try await pool.waitUntil(mine)
        }
    }
}
