package import Logging
import Service
import ServiceLifecycle

/// A private PostgreSQL in a folder: made, started, kept running and stopped by `serve --embedded`.
///
/// It listens on a unix socket that only its own user and root may open. A server that a killed Rollcall left
/// behind is adopted at the next start.
package actor EmbeddedPostgres: ServiceLifecycle.Service {
    /// What became of the server, for the log and for tests.
    package enum Change: String, Sendable, Hashable {
        case started
        /// It was running already.
        case adopted
        case restarted
        case stopped
    }

    private let cluster: PostgresCluster
    private let logger: Logger
    private let report: @Sendable (Change) -> Void
    private let lookInterval: Duration

    /// libpq's connection string of the database; valid once ``start()`` returned.
    package nonisolated let connectionString: String

    /// How often the server is looked at.
    package static let lookInterval = Duration.milliseconds(500)
    /// The longest wait between two tries to bring a server back.
    private static let longestRetry = Duration.seconds(30)

    /// Takes hold of a folder.
    ///
    /// - Parameters:
    ///   - directory: absolute; made when it is not there.
    ///   - logger: takes what an operator should know.
    ///   - lookInterval: how often the server is looked at.
    ///   - report: called at each change.
    /// - Throws: when the folder cannot be used, another Rollcall has it, or PostgreSQL is not installed.
    package init(
        directory: String,
        logger: Logger,
        lookInterval: Duration = EmbeddedPostgres.lookInterval,
        report: @escaping @Sendable (Change) -> Void = { _ in }
    ) throws(EmbeddedError) {
        cluster = try PostgresCluster(layout: ClusterLayout(directory: directory))
        connectionString = cluster.layout.connectionString
        self.logger = logger
        self.lookInterval = lookInterval
        self.report = report
    }

    /// Makes the cluster where it is new, and starts it unless it runs.
    package func start() async throws(EmbeddedError) {
        if try await cluster.isRunning() {
            logger.info("embedded PostgreSQL is running already")
            report(.adopted)
        } else {
            try await cluster.start()
            logger.info("embedded PostgreSQL started")
            report(.started)
        }
        try await cluster.makeDatabase()
    }

    /// Brings the server back whenever it dies, until shutdown; then stops it.
    package func run() async throws {
        await cancelWhenGracefulShutdown { await self.supervise() }
        try await stop()
    }

    /// Stops the server; what runs in it is rolled back.
    package func stop() async throws(EmbeddedError) {
        try await cluster.stop()
        logger.info("embedded PostgreSQL stopped")
        report(.stopped)
    }

    private func supervise() async {
        var retry = lookInterval
        // Sleeping ends early, and for good, with cancellation.
        while (try? await Task.sleep(for: retry)) != nil {
            do throws(EmbeddedError) {
                if try await cluster.isRunning(lookingOnly: true) {
                    retry = lookInterval
                } else {
                    logger.warning("embedded PostgreSQL died; starting it again")
                    try await cluster.start()
                    report(.restarted)
                }
            } catch {
                retry = min(retry * 2, Self.longestRetry)
                logger.error("embedded PostgreSQL does not start", metadata: [LogKeys.error: "\(error)"])
            }
        }
    }
}
