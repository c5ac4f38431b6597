import Foundation
import LibPQ
import Logging
import Service
import TestSupport
import Testing

@Suite("Migrator")
struct MigratorTests {
    private let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    @Test
    func `the list equals the folder`() throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().appending(path: "migrations")
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".sql") }
        #expect(Migration.all.map { $0.name + ".sql" } == files.sorted())
        for migration in Migration.all {
            let text = try String(contentsOf: folder.appending(path: migration.name + ".sql"), encoding: .utf8)
            #expect(migration.sql == text)
            #expect(migration.name.hasPrefix(String(format: "%04d_", migration.number)))
        }
    }

    @Test
    func `an empty database is brought up once, and then nothing is pending`() async throws {
        try await withEmptyDatabase { pool in
            let migrator = Migrator(pool: pool, logger: logger)
            #expect(try await migrator.pending() == Migration.all)
            try await migrator.migrate()
            #expect(try await migrator.pending() == [])
            try await migrator.migrate()
            #expect(try await applied(pool) == Int64(Migration.all.count))
        }
    }

    @Test
    func `replicas that boot together apply each file once`() async throws {
        try await withEmptyDatabase { pool in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<3 {
                    group.addTask { try await Migrator(pool: pool, logger: logger).migrate() }
                }
                try await group.waitForAll()
            }
            #expect(try await applied(pool) == Int64(Migration.all.count))
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `another's migration is waited for, which is said once, and then what it left is applied`() async throws {
        let (lines, line) = AsyncStream.makeStream(of: [UInt8].self)
        let logger = Logger(label: "test") { label in
            StructuredLogHandler(
                label: label,
                level: .notice,
                redactor: Redactor(),
                sink: LogSink { line.yield($0) }
            )
        }
        try await withEmptyDatabase { pool in
            try await withThrowingTaskGroup(of: Void.self) { group in
                try await pool.withConnection { other in
                    try await other.query("SELECT pg_advisory_lock(7265, 0)")
                    group.addTask { try await Migrator(pool: pool, logger: logger).migrate() }
                    let said = String(decoding: await lines.first { _ in true } ?? [], as: UTF8.self)
                    #expect(said.contains("waiting for another process that migrates the database"), "\(said)")
                    // Some tries more, and no word more.
                    try await other.query("SELECT pg_sleep(1)")
                    try await other.query("SELECT pg_advisory_unlock(7265, 0)")
                }
                try await group.waitForAll()
            }
            line.finish()
            #expect(await lines.first { _ in true } == nil)
            #expect(try await applied(pool) == Int64(Migration.all.count))
        }
    }

    @Test
    func `an applied file that was edited is refused by name, and nothing changes`() async throws {
        try await withEmptyDatabase { pool in
            let first = Migration(number: 1, name: "0001_a", sql: "CREATE TABLE a (x integer)")
            try await Migrator(pool: pool, logger: logger, migrations: [first]).migrate()
            let edited = Migration(number: 1, name: "0001_a", sql: "CREATE TABLE a (x bigint)")
            let second = Migration(number: 2, name: "0002_b", sql: "CREATE TABLE b (x integer)")
            let migrator = Migrator(pool: pool, logger: logger, migrations: [edited, second])
            await #expect(throws: MigrationError(edited: "0001_a")) { try await migrator.migrate() }
            await #expect(throws: MigrationError(edited: "0001_a")) { _ = try await migrator.pending() }
            #expect(try await applied(pool) == 1)
            #expect(MigrationError(edited: "0001_a").description.contains("migrations/0001_a.sql"))
        }
    }

    @Test
    func `a newer release's file is left alone`() async throws {
        try await withEmptyDatabase { pool in
            let first = Migration(number: 1, name: "0001_a", sql: "CREATE TABLE a (x integer)")
            let ninth = Migration(number: 9, name: "0009_z", sql: "CREATE TABLE z (x integer)")
            try await Migrator(pool: pool, logger: logger, migrations: [first, ninth]).migrate()
            let older = Migrator(pool: pool, logger: logger, migrations: [first])
            #expect(try await older.pending() == [])
            try await older.migrate()
        }
    }

    @Test
    func `a file that fails changes nothing and lets go of the lock`() async throws {
        try await withEmptyDatabase { pool in
            let bad = Migration(number: 1, name: "0001_bad", sql: "CREATE TABLE a (x integer); SELECT no_such_column")
            await #expect(throws: PQError.self) {
                try await Migrator(pool: pool, logger: logger, migrations: [bad]).migrate()
            }
            let good = Migration(number: 1, name: "0001_bad", sql: "CREATE TABLE a (x integer)")
            try await Migrator(pool: pool, logger: logger, migrations: [good]).migrate()
            #expect(try await applied(pool) == 1)
        }
    }

    /// Brings a database up to the release before `left_out_events`, with unmatched events under names of two agents.
    private func fillBeforeLeftOut(_ pool: PQPool) async throws {
        try await Migrator(pool: pool, logger: logger, migrations: Migration.all.filter { $0.number < 9 }).migrate()
        _ = try await pool.pipeline([
            "INSERT INTO clock_sources (name) VALUES ('keyed'), ('other')",
            """
            INSERT INTO api_keys (key_id, name, role, source_id, key_hash, created_by)
            SELECT gen_random_uuid(), 'k', 'clock', source_id, 'x', 'test' FROM clock_sources WHERE name = 'keyed'
            """,
            "INSERT INTO agents (agent_id) VALUES ('ana'), ('bo')",
            """
            INSERT INTO agent_aliases (source_id, external_id, agent)
            SELECT s.source_id, n.name, a.agent
            FROM (VALUES ('other', '77', 'ana'), ('keyed', 'ana', 'bo')) AS n (source, name, owner)
            JOIN clock_sources s ON s.name = n.source
            JOIN agents a ON a.agent_id = n.owner
            """,
            """
            INSERT INTO clock_events (dedupe, source_id, kind, occurred_at, effective_at, received_at, event_id, external_id)
            SELECT gen_random_uuid(), s.source_id, 1, now(), now(), now(), s.name || n.name, n.name
            FROM clock_sources s, (VALUES ('77'), ('ana'), ('bo'), ('nobody')) AS n (name)
            """,
        ])
    }

    @Test
    func `what mapped names left out before is decided on anew, whichever name it came under`() async throws {
        try await withEmptyDatabase { pool in
            try await fillBeforeLeftOut(pool)
            try await Migrator(pool: pool, logger: logger).migrate()
            let rows = try await pool.rows(
                """
                SELECT s.name || ' ' || e.external_id || ' ' || a.agent_id AS line
                FROM left_out_events w
                JOIN clock_events e ON e.sequence = w.sequence
                JOIN clock_sources s ON s.source_id = e.source_id
                JOIN agents a ON a.agent = w.agent
                ORDER BY 1
                """
            ) { row throws(PQError) in try row.column("line", as: String.self) }
            #expect(rows == ["api ana ana", "api bo bo", "keyed ana bo", "keyed bo bo", "other 77 ana"])
        }
    }

    @Test
    func `agents can be changed while what was left out is gathered`() async throws {
        try await withEmptyDatabase { pool in
            try await fillBeforeLeftOut(pool)
            try await withThrowingTaskGroup(of: Void.self) { group in
                try await pool.withTransaction { transaction in
                    // Holds the gathering up.
                    try await transaction.run(["LOCK TABLE agent_aliases IN ACCESS EXCLUSIVE MODE"])
                    group.addTask { try await Migrator(pool: pool, logger: logger).migrate() }
                    let waiting: PQStatement = """
                        SELECT count(*) AS count
                        FROM pg_locks
                        WHERE relation = 'agent_aliases'::regclass AND NOT granted
                        """
                    let deadline = ContinuousClock.now + .seconds(60)
                    while try await pool.query(waiting)[0].column("count", as: Int64.self) == 0 {
                        try #require(ContinuousClock.now < deadline, "the migration does not wait")
                        _ = try await pool.query("SELECT pg_sleep(0.02)")
                    }
                    try await pool.withTransaction { other in
                        try await other.run([
                            "SET LOCAL lock_timeout = '5s'", "INSERT INTO agents (agent_id) VALUES ('cleo')",
                        ])
                    }
                }
                try await group.waitForAll()
            }
            let left = try await pool.query("SELECT count(*) AS count FROM left_out_events")
            #expect(try left[0].column("count", as: Int64.self) == 5)
        }
    }

    @Test
    func `changes can be held while the settings in force wait for their turn`() async throws {
        try await withEmptyDatabase { pool in
            try await Migrator(pool: pool, logger: logger, migrations: Migration.all.filter { $0.number < 22 })
                .migrate()
            try await withThrowingTaskGroup(of: Void.self) { group in
                try await pool.withTransaction { transaction in
                    // Holds up what the file changes of tables in use, after all that comes before.
                    try await transaction.run(["LOCK TABLE replicas IN ACCESS SHARE MODE"])
                    group.addTask { try await Migrator(pool: pool, logger: logger).migrate() }
                    let between: PQStatement = """
                        SELECT count(*) AS count
                        FROM pg_stat_activity
                        WHERE datname = current_database() AND wait_event = 'PgSleep' AND query LIKE '%settings_in_force%'
                          AND pid <> pg_backend_pid()
                        """
                    let deadline = ContinuousClock.now + .seconds(60)
                    while try await pool.query(between)[0].column("count", as: Int64.self) == 0 {
                        try #require(ContinuousClock.now < deadline, "the migration does not wait")
                        _ = try await pool.query("SELECT pg_sleep(0.02)")
                    }
                    try await pool.withTransaction { other in
                        try await other.run([
                            "SET LOCAL lock_timeout = '5s'",
                            "INSERT INTO guard_changes (kind, reason, asked_by) VALUES ('edit', 'too_many', 'test')",
                        ])
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await applied(pool) == Int64(Migration.all.count))
        }
    }

    private func applied(_ pool: PQPool) async throws -> Int64 {
        try await pool.query("SELECT count(*) AS count FROM schema_migrations")[0].column("count", as: Int64.self)
    }

    private func withEmptyDatabase(_ body: (PQPool) async throws -> Void) async throws {
        let connectionString = try await ThrowawayCluster.shared().makeDatabase()
        let pool = PQPool(PQConfiguration(connectionString: connectionString, maxConnections: 4), logger: logger)
        do {
            try await body(pool)
        } catch {
            await pool.shutdown()
            throw error
        }
        await pool.shutdown()
    }
}
