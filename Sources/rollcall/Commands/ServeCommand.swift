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
        do {
            try await makeGroup(settings, composition, metrics: metrics, logger: logger).run()
        } catch {
            await composition.shutdown()
            throw error
        }
        await composition.shutdown()
        logger.notice("stopped")
    }

    /// All that runs, in the order of beginning; ended in the opposite order, so the database last.
    ///
    /// Everything that takes time begins in the group, which listens to signals.
    ///
    /// - Throws: when there is no database, or its folder cannot be used.
    private func makeGroup(
        _ settings: Settings,
        _ composition: Composition,
        metrics: PrometheusMetrics,
        logger: Logger
    ) throws -> ServiceGroup {
        let database = try embedded.map { try EmbeddedPostgres(directory: Self.absolute($0), logger: logger) }
        let databaseURL = try database?.connectionString ?? settings.requireDatabase()
        let host = settings.http.host
        let service = RollcallService(composition.configuration(databaseURL: databaseURL), logger: logger) { port in
            logger.notice("listening", metadata: [LogKeys.address: "http://\(host):\(port)"])
        }
        var services: [ServiceGroupConfiguration.ServiceConfiguration] = []
        if let database { services.append(.init(service: database)) }
        if let listener = settings.metrics {
            services.append(.init(service: MetricsListener(listener, metrics: metrics, logger: logger)))
        }
        let main: any ServiceLifecycle.Service =
            if let database {
                EmbeddedService(database: database, service: service, logger: logger)
            } else {
                service
            }
        services.append(.init(service: main, successTerminationBehavior: .gracefullyShutdownGroup))
        return ServiceGroup(
            configuration: .init(
                services: services,
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: logger
            )
        )
    }

    private static func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
    }
}
