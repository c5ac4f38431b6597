import Domain
import LibPQ
import Logging
import Testing

@testable import Service

/// The partitions of raw bodies in a real database, made and dropped by the role that owns nothing.
@Suite("Partitions", .timeLimit(.minutes(2)))
struct PartitionTests {
    private static let keep = Duration.seconds(90 * 86_400)
    private static let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    /// A database, its owner, and the service's role.
    private func withPools(_ body: @Sendable (_ owner: PQPool, _ app: PQPool) async throws -> Void) async throws {
        try await withMigratedDatabase { owner, connectionString in
            var configuration = PQConfiguration(connectionString: connectionString, maxConnections: 4)
            configuration.sessionSettings["role"] = "rollcall_app"
            let app = PQPool(configuration, logger: Self.logger)
            do {
                try await body(owner, app)
            } catch {
                await app.shutdown()
                throw error
            }
            await app.shutdown()
        }
    }

    private func retention(_ pool: PQPool, keep: Duration = keep) -> Retention {
        Retention(pool: pool, keep: keep, logger: Self.logger)
    }

    private static func insert(daysAgo days: Double, _ word: String = "x") -> PQStatement {
        """
        INSERT INTO deliveries (source_id, received_at, headers, body, reading)
        VALUES (1, now() - make_interval(secs => \(days * 86_400)), '{}', '\\x00', \(word))
        """
    }

    private func count(_ pool: PQPool, _ statement: PQStatement) async throws -> Int64 {
        try await pool.query(statement)[0].column("count", as: Int64.self)
    }

    @Test
    func `a fresh database gets this month and two more, named by their months, and no more later`() async throws {
        try await withPools { owner, app in
            for _ in 0..<2 {
                await retention(app).runOnce()
                let names = try await owner.rows(
                    """
                    SELECT p.name, to_char(p.lower_at AT TIME ZONE 'UTC', '"deliveries_"YYYY_MM') AS named
                    FROM delivery_partitions() p
                    WHERE p.kind = 'month'
                    """
                ) { row throws(PQError) in
                    (try row.column("name", as: String.self), try row.column("named", as: String.self))
                }
                #expect(names.count == 3 && names.allSatisfy { $0.0 == $0.1 }, "\(names)")
            }
            try await app.execute(Self.insert(daysAgo: 0))
            #expect(try await count(owner, "SELECT count(*) AS count FROM deliveries_rest") == 0)
        }
    }

    @Test
    func `what lay in the rest is a partition afterwards, and nothing that comes meanwhile is lost`() async throws {
        try await withPools { owner, app in
            try await owner.execute(
                """
                INSERT INTO deliveries (source_id, received_at, headers, body, reading)
                SELECT 1, now() - n * interval '1 minute', '{}', '\\x00', 'old' FROM generate_series(1, 5000) n
                """
            )
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<2 {
                    group.addTask {
                        for _ in 0..<300 { try await app.execute(Self.insert(daysAgo: 0, "new")) }
                    }
                }
                group.addTask { await retention(app).runOnce() }
                try await group.waitForAll()
            }
            await retention(app).runOnce()
            #expect(try await count(owner, "SELECT count(*) AS count FROM deliveries") == 5_600)
            #expect(try await count(owner, "SELECT count(*) AS count FROM deliveries_rest") == 0)
            let kinds = try await owner.rows("SELECT kind, name FROM delivery_partitions()") { row throws(PQError) in
                try row.column("kind", as: String.self)
            }
            #expect(kinds.filter { $0 == "month" }.count == 4 && !kinds.contains("apart"), "\(kinds)")
            #expect(
                try await count(owner, "SELECT count(DISTINCT delivery) AS count FROM deliveries") == 5_600,
                "numbers stay unique"
            )
        }
    }

    @Test
    func `strays of a month that is made later move into it`() async throws {
        try await withPools { owner, app in
            await retention(app).runOnce()
            try await app.execute(Self.insert(daysAgo: -100, "stray"))
            #expect(try await count(owner, "SELECT count(*) AS count FROM deliveries_rest") == 1)
            _ = try await app.query("SELECT make_delivery_partition(now() + interval '100 days')")
            #expect(try await count(owner, "SELECT count(*) AS count FROM deliveries_rest") == 0)
            #expect(try await count(owner, "SELECT count(*) AS count FROM deliveries WHERE reading = 'stray'") == 1)
        }
    }

    @Test
    func `a month goes as a whole once it is old, and old bodies elsewhere one by one`() async throws {
        try await withPools { owner, app in
            for days in [1.0, 89, 91, 200, 201] { try await app.execute(Self.insert(daysAgo: days)) }
            // Bodies of 200 days ago lie in a month of their own; the others in what becomes one partition.
            _ = try await owner.query("SELECT make_delivery_partition(now() - interval '200 days')")
            await retention(app).runOnce()
            let left = try await owner.rows(
                "SELECT round(extract(epoch FROM now() - received_at) / 86400)::int AS days FROM deliveries ORDER BY 1"
            ) { row throws(PQError) in try row.column("days", as: Int32.self) }
            #expect(left == [1, 89])
            // Whatever is set, what is younger than a day stays.
            await retention(app, keep: .zero).runOnce()
            try await app.execute(Self.insert(daysAgo: 0.9))
            await retention(app, keep: .zero).runOnce()
            #expect(try await count(owner, "SELECT count(*) AS count FROM deliveries") == 1)
        }
    }

    @Test
    func `who uses the table is never kept waiting, and the step is taken once it may be`() async throws {
        try await withPools { owner, app in
            try await app.execute(Self.insert(daysAgo: 0))
            let store = PartitionStore(pool: app)
            try await owner.withTransaction { transaction in
                try await transaction.run([Self.insert(daysAgo: 0)])
                async let step = Result { try await store.take(.setRestApart, keep: Self.keep) }
                let asked = ContinuousClock.now
                // Waits behind the step at worst, which waits behind the transaction for its lock_timeout.
                for _ in 0..<20 { try await app.execute(Self.insert(daysAgo: 0)) }
                #expect(ContinuousClock.now - asked < .seconds(10))
                let outcome = await step
                #expect(throws: PQError.self) { try outcome.get() }
            }
            await retention(app).runOnce()
            #expect(try await count(owner, "SELECT count(*) AS count FROM deliveries") == 22)
            #expect(try await count(owner, "SELECT count(*) AS count FROM deliveries_rest") == 0)
        }
    }

    @Test
    func `one replica works at a time`() async throws {
        try await withPools { owner, app in
            try await owner.withTransaction { transaction in
                try await transaction.run(["SELECT pg_advisory_xact_lock(7265, 2)"])
                await retention(app).runOnce()
                #expect(try await count(app, "SELECT count(*) AS count FROM delivery_partitions()") == 1)
            }
            await retention(app).runOnce()
            #expect(try await count(app, "SELECT count(*) AS count FROM delivery_partitions()") == 4)
        }
    }

    @Test
    func `the service's role can do nothing of this by itself`() async throws {
        try await withPools { owner, app in
            await retention(app).runOnce()
            let refused: [PQStatement] = [
                "DROP TABLE deliveries_rest", "TRUNCATE deliveries", "CREATE TABLE t (x int)",
                "ALTER TABLE deliveries DETACH PARTITION deliveries_rest",
                "INSERT INTO former_names VALUES (1, 'x', 1)",
                "INSERT INTO erasures DEFAULT VALUES",
            ]
            for statement in refused {
                let error = await #expect(throws: PQError.self) { try await app.query(statement) }
                #expect(error?.sqlState == "42501", "\(statement.text)")
            }
            try await owner.query("CREATE ROLE nobody_at_all NOLOGIN")
            let error = await #expect(throws: PQError.self) {
                try await owner.withTransaction { transaction in
                    try await transaction.run(["SET LOCAL ROLE nobody_at_all"])
                    try await transaction.run(["SELECT erase_person('a', '{1}', NULL, NULL, '')"])
                }
            }
            #expect(error?.sqlState == "42501")
        }
    }
}

extension Result where Failure == any Error {
    /// What an asynchronous body came to.
    fileprivate init(_ body: () async throws -> Success) async {
        do {
            self = .success(try await body())
        } catch {
            self = .failure(error)
        }
    }
}
