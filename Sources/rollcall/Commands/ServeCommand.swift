import ArgumentParser
import Foundation
import Logging
import Metrics
import Service
import ServiceLifecycle
import UnixSignals

/// `rollcall serve`: the service.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Take clock events, keep sessions in step, serve the API and the page."
    )

    @OptionGroup var options: SettingsOptions

    @Option(help: "Run a private PostgreSQL in this folder instead of ROLLCALL_DATABASE_URL.")
    var embedded: String?

    func run() async throws {
        let settings = try options.load(for: .serve(embedded: embedded != nil))
        let logger = settings.bootstrapLogging()
        for notice in settings.notices { logger.notice("\(notice)") }
        do {
            try await serve(settings, logger: logger)
        } catch {
            throw Ending.code(for: error)
        }
    }

    private func serve(_ settings: Settings, logger: Logger) async throws {
        let metrics = PrometheusMetrics(help: MetricHelp.sentences)
        MetricsSystem.bootstrap(metrics)
        let composition = try Composition(settings)
        var services: [ServiceGroupConfiguration.ServiceConfiguration] = []
        var embeddedURL: String?
        if let embedded {
            let database = try EmbeddedPostgres(directory: Self.absolute(embedded), logger: logger)
            try await database.start()
            embeddedURL = database.connectionString
            // It holds no password: who may open the socket is in.
            logger.notice(
                "for other commands set ROLLCALL_DATABASE_URL to this",
                metadata: [LogKeys.databaseURL: "\(database.connectionString)"]
            )
            services.append(.init(service: database))
        }
        let databaseURL = try embeddedURL ?? settings.requireDatabase()
        if let listener = settings.metrics {
            services.append(.init(service: MetricsListener(listener, metrics: metrics, logger: logger)))
        }
        let host = settings.http.host
        let service = RollcallService(composition.configuration(databaseURL: databaseURL), logger: logger) { port in
            logger.notice("listening", metadata: [LogKeys.address: "http://\(host):\(port)"])
        }
        services.append(.init(service: service, successTerminationBehavior: .gracefullyShutdownGroup))
        let group = ServiceGroup(
            configuration: .init(
                services: services,
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: logger
            )
        )
        do {
            try await group.run()
        } catch {
            await composition.shutdown()
            throw error
        }
        await composition.shutdown()
        logger.notice("stopped")
    }

    private static func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
    }
}
