import LibPQ
import Testing

@Suite("Deadlines and cancellation", .timeLimit(.minutes(5)))
struct DeadlineTests {
    static let sleeps: PQStatement = """
        SELECT count(*) > 0 AS value
        FROM pg_stat_activity
        WHERE datname = current_database() AND state = 'active' AND wait_event = 'PgSleep'
            AND query LIKE 'SELECT pg_sleep(60)%'
        """
    static let noSleeps: PQStatement = """
        SELECT count(*) = 0 AS value
        FROM pg_stat_activity
        WHERE datname = current_database() AND state = 'active' AND query LIKE 'SELECT pg_sleep(60)%'
        """

    @Test
    func `the server's own limit for a statement is an error with its code`() async throws {
        try await withPool {
            $0.statementTimeout = .milliseconds(50)
        } _: { pool in
            let error = await #expect(throws: PQError.self) { try await pool.query("SELECT pg_sleep(60)") }
            #expect(error?.kind == .server)
            #expect(error?.sqlState == "57014")
            #expect(error?.isTransient == true)
        }
    }

    @Test
    func `the caller's deadline cancels the statement and keeps the connection`() async throws {
        try await withPool(connections: 1) { pool in
            let backend = try await pool.value("SELECT pg_backend_pid() AS value", as: Int.self)
            let error = await #expect(throws: PQError.self) {
                try await pool.query("SELECT pg_sleep(60)", timeout: .milliseconds(50))
            }
            #expect(error?.kind == .timedOut)
            try await #expect(pool.value(Self.noSleeps, as: Bool.self))
            try await #expect(pool.value("SELECT pg_backend_pid() AS value", as: Int.self) == backend)
        }
    }

    @Test
    func `a cancel request never hits the statement that comes next`() async throws {
        try await withPool(connections: 1) { pool in
            for round in 0..<30 {
                // Ends about when its deadline comes, so the request often finds it done.
                _ = try? await pool.query("SELECT pg_sleep(0.005)", timeout: .milliseconds(5))
                let value = try await pool.value("SELECT \(round) AS value FROM pg_sleep(0.001)", as: Int.self)
                #expect(value == round)
            }
        }
    }

    @Test
    func `a cancelled task cancels its statement on the server`() async throws {
        try await withPool(connections: 2) { pool in
            try await withThrowingTaskGroup(of: PQError.Kind?.self) { group in
                group.addTask {
                    do throws(PQError) {
                        try await pool.query("SELECT pg_sleep(60)")
                        return nil
                    } catch {
                        return error.kind
                    }
                }
                try await pool.waitUntil(Self.sleeps)
                group.cancelAll()
                try await #expect(group.next() == .cancelled)
            }
            try await #expect(pool.value(Self.noSleeps, as: Bool.self))
            #expect(pool.statistics.open == 2)
        }
    }

    @Test
    func `a cancelled task that waits for a connection stops waiting`() async throws {
        try await withPool(connections: 1) {
            $0.acquireTimeout = .seconds(240)
        } _: { pool in
            try await pool.withTransaction { transaction in
                try await transaction.query("SELECT 1")
                await withTaskGroup { group in
                    group.addTask {
                        await #expect { try await pool.query("SELECT 1") } throws: {
                            ($0 as? PQError)?.kind == .cancelled
                        }
                    }
                    await until { pool.statistics.waiters == 1 }
                    group.cancelAll()
                }
                #expect(pool.statistics.waiters == 0)
            }
        }
    }

    @Test
    func `a task that is cancelled already sends nothing`() async throws {
        try await withPool { pool in
            await withTaskGroup(of: Void.self) { group in
                group.cancelAll()
                group.addTask {
                    let error = await #expect(throws: PQError.self) { try await pool.query("SELECT 1") }
                    #expect(error?.kind == .cancelled)
                }
            }
            #expect(pool.statistics.open + pool.statistics.connecting == 0)
        }
    }

    @Test
    func `a deadline inside a transaction rolls it back`() async throws {
        try await withPool(connections: 1) { pool in
            try await pool.execute("CREATE TABLE notes (n bigint)")
            let error = await #expect(throws: PQError.self) {
                try await pool.withTransaction { transaction in
                    try await transaction.execute("INSERT INTO notes (n) VALUES (1)")
                    try await transaction.query("SELECT pg_sleep(60)", timeout: .milliseconds(30))
                }
            }
            #expect(error?.kind == .timedOut)
            try await #expect(pool.value("SELECT count(*) AS value FROM notes", as: Int.self) == 0)
        }
    }
}
