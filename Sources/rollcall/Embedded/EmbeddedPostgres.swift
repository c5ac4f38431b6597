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
        /// It takes no connections yet; told again and again while that lasts.
        case startingUp
        case restarted
        case stopped
    }

    private let cluster: PostgresCluster
    private let logger: Logger
    private let report: @Sendable (Change) -> Void
    private let lookInterval: Duration
    private nonisolated let ready: AsyncStream<Void>
    private nonisolated let readiness: AsyncStream<Void>.Continuation

    /// libpq's connection string of the database; leads somewhere once it is ready.
    package nonisolated let connectionString: String

    /// How often the server is looked at.
    package static let lookInterval = Duration.milliseconds(500)
    /// How long a start is awaited, cancelled or not; afterwards it is for as long as it takes, unless cancelled.
    package static let startTimeout = Duration.seconds(10)
    /// The longest wait between two tries to bring a server back.
    private static let longestRetry = Duration.seconds(30)
    /// The longest wait between two tries to reach a server that is starting up.
    private static let longestLook = Duration.seconds(5)
    /// Between two words about a server that is starting up.
    private static let wordInterval = Duration.seconds(60)

    /// Takes hold of a folder.
    ///
    /// - Parameters:
    ///   - directory: absolute; made when it is not there.
    ///   - logger: takes what an operator should know.
    ///   - lookInterval: how often the server is looked at.
    ///   - startTimeout: how long a start is awaited also when cancelled; whole seconds.
    ///   - report: called at each change.
    /// - Throws: when the folder cannot be used, another Rollcall has it, or PostgreSQL is not installed.
    package init(
        directory: String,
        logger: Logger,
        lookInterval: Duration = EmbeddedPostgres.lookInterval,
        startTimeout: Duration = EmbeddedPostgres.startTimeout,
        report: @escaping @Sendable (Change) -> Void = { _ in }
    ) throws(EmbeddedError) {
        cluster = try PostgresCluster(layout: ClusterLayout(directory: directory), startTimeout: startTimeout)
        connectionString = cluster.layout.connectionString
        self.logger = logger
        self.lookInterval = lookInterval
        self.report = report
        (ready, readiness) = AsyncStream.makeStream(of: Void.self)
    }

    /// Starts the server and brings it back whenever it dies, until shutdown; then stops it.
    ///
    /// Told to end before it is ready, it returns as well, and nothing is left running.
    ///
    /// - Throws: when it cannot be started, what had begun being stopped; when it cannot be stopped.
    package func run() async throws {
        // Whoever still waits for it waits in vain.
        defer { readiness.finish() }
        do {
            try await cancelWhenGracefulShutdown {
                try await self.start()
                self.readiness.yield()
                await self.supervise()
            }
        } catch {
            if !Task.isShuttingDownGracefully, !Task.isCancelled {
                try? await stop()  // Of two failures the first is the one to tell.
                throw error
            }
        }
        try await stop()
    }

    /// Waits until the database takes connections; for one waiter.
    ///
    /// - Returns: `false` when told to end before that, and when it cannot be started.
    package nonisolated func isReady() async -> Bool {
        await cancelWhenGracefulShutdown { await self.ready.first { _ in true } != nil }
    }

    /// Makes the cluster where it is new, starts it unless it runs, and waits until it takes connections, without limit.
    ///
    /// Cancelled, it begins nothing more: a cluster half made is given up, all else is awaited.
    ///
    /// - Throws: ``EmbeddedError``; `CancellationError`. A server may run then.
    package func start() async throws {
        try Task.checkCancellation()
        let isAdopted = try await cluster.isRunning()
        if isAdopted {
            logger.info("embedded PostgreSQL is running already")
            report(.adopted)
        } else {
            try await cluster.makeUnlessThere()
            try Task.checkCancellation()
            try await cluster.start()
        }
        try Task.checkCancellation()
        guard try await makeDatabase() else { throw CancellationError() }
        guard !isAdopted else { return }
        logger.info("embedded PostgreSQL started")
        report(.started)
    }

    /// Stops the server unless none runs; what runs in it is rolled back.
    package func stop() async throws(EmbeddedError) {
        guard try await cluster.stop() else { return }
        logger.info("embedded PostgreSQL stopped")
        report(.stopped)
    }

    /// Makes the database unless it is there, once the server takes connections.
    ///
    /// Without limit: a server that is stopped while it recovers from a crash begins from the beginning the next time.
    ///
    /// - Returns: `false` when cancelled before.
    private func makeDatabase() async throws(EmbeddedError) -> Bool {
        var pause = lookInterval
        var nextWord = ContinuousClock.now
        while try await !cluster.makeDatabase() {
            if ContinuousClock.now >= nextWord {
                nextWord = ContinuousClock.now + Self.wordInterval
                logger.notice("embedded PostgreSQL is still starting up; after a crash that may take long")
                report(.startingUp)
            }
            guard (try? await Task.sleep(for: pause)) != nil else { return false }  // Cancelled.
            pause = min(pause * 2, Self.longestLook)
        }
        return true
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
                    try await cluster.makeUnlessThere()
                    try await cluster.start()
                    if try await makeDatabase() { report(.restarted) }
                }
            } catch {
                retry = min(retry * 2, Self.longestRetry)
                logger.error("embedded PostgreSQL does not start", metadata: [LogKeys.error: "\(error)"])
            }
        }
    }
}
