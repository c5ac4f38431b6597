package import LibPQ
package import Logging

/// Brings the database's schema up to the release that runs.
///
/// Works as the owner of the schema: its pool must not set the role `rollcall_app`.
package struct Migrator: Sendable {
    private let pool: PQPool
    private let logger: Logger
    private let migrations: [Migration]

    /// The pause between two tries to get the lock that another replica has.
    private static let lockInterval = Duration.milliseconds(200)

    package init(pool: PQPool, logger: Logger, migrations: [Migration] = Migration.all) {
        self.pool = pool
        self.logger = logger
        self.migrations = migrations
    }

    /// What ``migrate()`` would apply, in order.
    ///
    /// Changes nothing.
    ///
    /// - Throws: ``MigrationError`` when an applied file has been edited; ``PQError``.
    package func pending() async throws -> [Migration] {
        let tables = try await pool.rows(
            "SELECT to_regclass('schema_migrations') IS NOT NULL AS is_there"
        ) { row throws(PQError) in
            try row.column("is_there", as: Bool.self)
        }
        guard tables.first == true else { return migrations }
        return try unapplied(Self.read(try await pool.query(Self.appliedQuery)))
    }

    /// Applies what is pending, one transaction per file.
    ///
    /// Replicas that boot together wait for each other, without limit, and say so; all but the first then find nothing to do.
    /// Numbers above our newest are a newer release's and are left alone.
    ///
    /// - Throws: ``MigrationError`` when an applied file has been edited; ``PQError`` when a file fails, which
    ///   then has changed nothing; either this or `CancellationError` when cancelled.
    package func migrate() async throws {
        try await pool.withConnection { connection in
            try await connection.simpleQuery("SET statement_timeout = 0")
            try await takeLock(on: connection)
            do {
                try await apply(on: connection)
            } catch {
                // The session lock would outlive the error in the pool; if this fails the connection is gone and so is the lock.
                try? await connection.simpleQuery("ROLLBACK; SELECT pg_advisory_unlock_all(); RESET statement_timeout")
                throw error
            }
            try await connection.simpleQuery("SELECT pg_advisory_unlock(7265, 0); RESET statement_timeout")
        }
    }

    /// Takes the lock of migrations once nobody else has it.
    ///
    /// Tried again and again, each time with an answer: a statement that waits would also wait for a server that is gone.
    private func takeLock(on connection: PQConnection) async throws {
        var isWaiting = false
        while try await !tryLock(on: connection) {
            if !isWaiting {
                logger.notice("waiting for another process that migrates the database (advisory lock 7265, 0)")
                isWaiting = true
            }
            try await Task.sleep(for: Self.lockInterval)
        }
    }

    private func tryLock(on connection: PQConnection) async throws(PQError) -> Bool {
        let answers = try await connection.rows(
            "SELECT pg_try_advisory_lock(7265, 0) AS is_ours"
        ) { row throws(PQError) in
            try row.column("is_ours", as: Bool.self)
        }
        return answers == [true]
    }

    private func apply(on connection: PQConnection) async throws {
        try await connection.simpleQuery(
            """
            CREATE TABLE IF NOT EXISTS schema_migrations (
                number integer CONSTRAINT schema_migrations_pkey PRIMARY KEY,
                name text NOT NULL,
                sha256 text NOT NULL,
                applied_at timestamptz NOT NULL DEFAULT now()
            )
            """
        )
        for migration in try unapplied(Self.read(try await connection.query(Self.appliedQuery))) {
            try await connection.simpleQuery("BEGIN")
            try await connection.simpleQuery(migration.sql)
            _ = try await connection.query(
                """
                INSERT INTO schema_migrations (number, name, sha256)
                VALUES (\(migration.number), \(migration.name), \(migration.sha256))
                """
            )
            try await connection.simpleQuery("COMMIT")
            logger.info("migration applied", metadata: [LogKeys.migration: "\(migration.name)"])
        }
    }

    /// What is not applied yet.
    ///
    /// `applied`: the checksums on record, by number.
    private func unapplied(_ applied: [Int32: String]) throws(MigrationError) -> [Migration] {
        for migration in migrations {
            if let checksum = applied[migration.number], checksum != migration.sha256 {
                throw MigrationError(edited: migration.name)
            }
        }
        return migrations.filter { applied[$0.number] == nil }
    }

    /// Index: `schema_migrations_pkey`.
    private static var appliedQuery: PQStatement {
        """
        SELECT number, sha256
        FROM schema_migrations
        ORDER BY number
        """
    }

    private static func read(_ result: PQResult) throws(PQError) -> [Int32: String] {
        let number = try result.decoder("number", as: Int32.self)
        let checksum = try result.decoder("sha256", as: String.self)
        var applied: [Int32: String] = [:]
        for row in result { applied[try number[row]] = try checksum[row] }
        return applied
    }
}

/// The database was migrated with another text of a file that is part of this release.
package struct MigrationError: Error, Equatable, CustomStringConvertible {
    /// The file's name without its extension.
    package var edited: String

    package init(edited: String) {
        self.edited = edited
    }

    package var description: String {
        "migration \(edited) was applied with another text than this release has. Migrations only add: run the release "
            + "that applied it, or restore migrations/\(edited).sql as it was and put the change into a new file."
    }
}
