import LibPQ
import Testing

@Suite("The pool's bounds", .timeLimit(.minutes(5)))
struct PoolBoundsTests {
    @Test
    func `one waiter too many is refused, and the one that waits is served`() async throws {
        try await withPool(connections: 1) {
            $0.maxWaiters = 1
            $0.acquireTimeout = .seconds(240)
        } _: { pool in
            try await withThrowingTaskGroup(of: Void.self) { group in
                try await pool.withTransaction { transaction in
                    try await transaction.query("SELECT 1")
                    group.addTask { try await pool.query("SELECT 1") }
                    await until { pool.statistics.waiters == 1 }
                    await #expect { try await pool.query("SELECT 1") } throws: {
                        ($0 as? PQError)?.kind == .poolOverloaded
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test
    func `a caller waits no longer for a connection than allowed`() async throws {
        try await withPool(connections: 1) {
            $0.minConnections = 1
            $0.acquireTimeout = .milliseconds(100)
        } _: { pool in
            await until { pool.statistics.idle == 1 }
            try await pool.withTransaction { transaction in
                try await transaction.query("SELECT 1")
                await #expect { try await pool.query("SELECT 1") } throws: { ($0 as? PQError)?.kind == .poolTimeout }
            }
            try await pool.query("SELECT 1")
        }
    }

    @Test
    func `never more connections than allowed, and everybody is served`() async throws {
        try await withPool(connections: 3) { pool in
            try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<300 {
                    group.addTask { try await pool.value("SELECT \(number) AS value", as: Int.self) }
                }
                var sum = 0
                for try await number in group {
                    sum += number
                    #expect(pool.statistics.open <= 3)
                }
                #expect(sum == 300 * 299 / 2)
            }
            let backends: PQStatement =
                "SELECT count(*) AS value FROM pg_stat_activity WHERE datname = current_database()"
            try await #expect(pool.value(backends, as: Int.self) <= 3)
        }
    }

    @Test
    func `the minimum is opened without being asked for`() async throws {
        try await withPool(connections: 4) {
            $0.minConnections = 2
        } _: { pool in
            await until { pool.statistics.idle == 2 }
        }
    }

    @Test
    func `idle connections above the minimum are closed`() async throws {
        try await withPool(connections: 3) {
            $0.minConnections = 1
            $0.idleTimeout = .milliseconds(20)
        } _: { pool in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<3 { group.addTask { try await pool.query("SELECT pg_sleep(0.05)") } }
                try await group.waitForAll()
            }
            await until { pool.statistics.open == 1 }
        }
    }

    @Test
    func `shutting down lets a running statement end and refuses new ones`() async throws {
        try await withPool { holder in
            let pool = PQPool(holder.configuration, logger: silent)
            try await withThrowingTaskGroup(of: Void.self) { group in
                try await holder.withTransaction { transaction in
                    try await transaction.query("SELECT pg_advisory_xact_lock(5)")
                    group.addTask { try await pool.query("SELECT pg_advisory_xact_lock(5)") }
                    try await holder.waitUntil(
                        """
                        SELECT count(*) = 1 AS value
                        FROM pg_locks JOIN pg_database AS d ON d.oid = database
                        WHERE locktype = 'advisory' AND NOT granted AND datname = current_database()
                        """
                    )
                    group.addTask { await pool.shutdown(grace: .seconds(240)) }
                    try await refuses(pool)
                    #expect(pool.statistics.busy == 1)
                }
                try await group.waitForAll()
            }
            #expect(pool.statistics.open == 0)
        }
    }

    /// Asks until the pool says that it is shut down.
    private func refuses(_ pool: PQPool) async throws {
        while true {
            do {
                try await pool.query("SELECT 1")
            } catch  where error.kind == .poolClosed {
                return
            }
        }
    }

    @Test
    func `shutting down cuts off what takes longer than the grace`() async throws {
        try await withPool(connections: 1) { pool in
            await withTaskGroup { group in
                group.addTask {
                    await #expect { try await pool.query("SELECT pg_sleep(60)") } throws: {
                        ($0 as? PQError)?.kind == .connectionLost
                    }
                }
                await until { pool.statistics.busy == 1 }
                await pool.shutdown(grace: .milliseconds(20))
            }
        }
    }

    @Test
    func `a pool that is shut down leaves no descriptor`() async throws {
        let before = try OpenSockets.descriptors().count
        for _ in 0..<300 {
            try await withPool(configuration: PQConfiguration(connectionString: "host=127.0.0.1")) { pool in
                #expect(pool.statistics.open == 0)
            }
        }
        // Tests beside this one open some of their own; a leak would be 600.
        #expect(try OpenSockets.descriptors().count < before + 300)
    }

    @Test
    func `a pool that nobody holds any more closes its connections`() async throws {
        try await withPool { watcher in
            do {
                var configuration = watcher.configuration
                configuration.applicationName = "forgotten"
                let pool = PQPool(configuration, logger: silent)
                try await pool.query("SELECT 1")
            }
            try await watcher.waitUntil(
                "SELECT count(*) = 0 AS value FROM pg_stat_activity WHERE application_name = 'forgotten'"
            )
        }
    }
}
