import LibPQ
import Logging
import Service
import TestSupport

/// Databases with the schema of this release, and nothing else in them.
enum MigratedDatabase {
    /// The name of the one that was migrated, by the first test that needs any; all others are copies of it.
    ///
    /// A task of no test's: whoever gives up waiting takes it from nobody else.
    private static let original = Task<String, any Error> {
        let cluster = try await ThrowawayCluster.shared()
        let name = try await cluster.makeDatabaseName()
        try await Self.migrate(cluster.connectionString(database: name))
        try await cluster.forbidConnections(to: name)
        return name
    }

    /// Makes one more; returns its connection string.
    ///
    /// A copy takes less time than some thirty migrations, and hundreds of tests need a database of their own.
    static func make() async throws -> String {
        try await ThrowawayCluster.shared().makeDatabase(from: try await original.value)
    }

    /// Applies all migrations and leaves no connection behind.
    private static func migrate(_ connectionString: String) async throws {
        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        let owner = PQPool(PQConfiguration(connectionString: connectionString, maxConnections: 1), logger: logger)
        do {
            try await Migrator(pool: owner, logger: logger).migrate()
        } catch {
            await owner.shutdown()
            throw error
        }
        await owner.shutdown()
    }
}
