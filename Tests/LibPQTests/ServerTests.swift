import LibPQ
import Testing
import TestSupport

/// What can only be seen with a server of one's own.
@Suite("A server that restarts, is read-only, or waits for a standby", .timeLimit(.minutes(5)))
struct ServerTests {
    @Test
    func `a restart is survived, and while the server is away callers hear so`() async throws {
        let cluster = try await ThrowawayCluster.start()
        var configuration = PQConfiguration(connectionString: cluster.connectionString, maxConnections: 2)
        configuration.acquireTimeout = .seconds(1)
        try await withPool(configuration: configuration) { pool in
            await answers(pool)
            for mode in [ThrowawayCluster.StopMode.fast, .immediate] {
                try await cluster.stop(mode: mode)
                let error = await #expect(throws: PQError.self) { try await pool.query("SELECT 1") }
                #expect(error?.kind == .connectionFailed)
                try await cluster.startAgain()
                await answers(pool)
            }
            try await #expect(cluster.backendCount("postgres") <= 3)
        }
    }

    /// Asks until there is an answer.
    private func answers(_ pool: PQPool) async {
        while (try? await pool.query("SELECT 1")) == nil {}
    }

    @Test
    func `a crash in the middle of a write leaves its outcome unknown, of a read not`() async throws {
        let cluster = try await ThrowawayCluster.start()
        let configuration = PQConfiguration(connectionString: cluster.connectionString, maxConnections: 3)
        try await withPool(configuration: configuration) { pool in
            try await pool.execute("CREATE TABLE notes (n bigint)")
            let calls: [(PQStatement, PQError.Kind)] = [
                ("INSERT INTO notes (n) SELECT 1 FROM pg_sleep(60)", .commitUnknown),
                ("SELECT pg_sleep(60)", .connectionLost),
            ]
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (statement, kind) in calls {
                    group.addTask {
                        await #expect { try await pool.query(statement) } throws: { ($0 as? PQError)?.kind == kind }
                    }
                }
                try await pool.waitUntil(
                    "SELECT count(*) = 2 AS value FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND state = 'active'"
                )
                try await cluster.stop(mode: .immediate)
                try await group.waitForAll()
            }
        }
    }

    @Test
    func `a commit that no standby confirmed is not reported as a success`() async throws {
        let cluster = try await ThrowawayCluster.start()
        let configuration = PQConfiguration(connectionString: cluster.connectionString, maxConnections: 2)
        try await withPool(configuration: configuration) { pool in
            try await pool.execute("CREATE TABLE notes (n bigint)")
            try await cluster.set("synchronous_standby_names", to: "'nobody'")
            try await pool.waitUntil("SELECT current_setting('synchronous_standby_names') = 'nobody' AS value")
            while (try? await pool.execute("INSERT INTO notes (n) VALUES (0)", timeout: .milliseconds(100))) != nil {}
            let timeout = Duration.milliseconds(100)
            let calls: [@Sendable () async throws -> Void] = [
                { try await pool.query("INSERT INTO notes (n) VALUES (1)", timeout: timeout) },
                { try await pool.pipeline(["INSERT INTO notes (n) VALUES (1)", "SELECT 1"], timeout: timeout) },
                {
                    try await pool.withTransaction {
                        _ = try await $0.run(["INSERT INTO notes (n) VALUES (1)"], commit: true, timeout: timeout)
                    }
                },
            ]
            for call in calls {
                let error = await #expect(throws: PQError.self) { try await call() }
                #expect(error?.kind == .notReplicated)
                #expect(error?.isTransient == false)
            }
            try await #expect(pool.value("SELECT count(*) AS value FROM notes WHERE n = 1", as: Int.self) == 3)
            try await raiseWarning(pool)
        }
    }

    /// A function's own warning has the same code and must not be taken for that.
    private func raiseWarning(_ pool: PQPool) async throws {
        let text: PQStatement = """
            CREATE FUNCTION pg_temp.warn() RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RAISE WARNING ''x''; RETURN 1; END'
            """
        try await pool.withTransaction { transaction in
            try await transaction.run(
                ["SET LOCAL synchronous_commit = local", text, "SELECT pg_temp.warn()"],
                commit: true
            )
        }
    }

    @Test
    func `a read-only host is passed over when writing is wanted, and dropped when it becomes one`() async throws {
        let writable = try await ThrowawayCluster.shared()
        let cluster = try await ThrowawayCluster.start()
        let configuration = PQConfiguration(
            connectionString: "\(cluster.connectionString(or: writable)) target_session_attrs=read-write",
            maxConnections: 1
        )
        try await withPool(configuration: configuration) { pool in
            let port: PQStatement = "SELECT current_setting('port')::int4 AS value"
            try await #expect(pool.value(port, as: Int.self) == cluster.port)
            try await cluster.set("default_transaction_read_only", to: "on")
            try await pool.waitUntil("SELECT current_setting('default_transaction_read_only') = 'on' AS value")
            let error = await #expect(throws: PQError.self) {
                try await pool.execute("CREATE TABLE refused (id bigint)")
            }
            #expect(error?.sqlState == "25006")
            #expect(error?.isTransient == true)
            try await #expect(pool.value(port, as: Int.self) == writable.port)
        }
    }
}
