import AsyncHTTPClient
import Domain
import Hummingbird
package import Logging
import NIOCore

/// A server that speaks the engines' contracts, with faults on demand.
///
/// Everything documented of sessions is there, and what the documents leave open is a switch. Nothing else
/// is: it sends no messages. See ``SimulatorConfiguration`` for the settings and `docs/simulator.md` for
/// the routes under `/_sim/`.
package struct EngineSimulator: Sendable {
    private let configuration: SimulatorConfiguration
    private let logger: Logger

    package init(_ configuration: SimulatorConfiguration, logger: Logger = Logger(label: "simulator")) {
        self.configuration = configuration
        self.logger = logger
    }

    /// Serves until the task is cancelled or the service group around it shuts down.
    ///
    /// - Parameter onServerRunning: is told the port once calls are taken.
    /// - Throws: when the address cannot be listened on.
    package func run(onServerRunning: @escaping @Sendable (_ port: Int) async -> Void = { _ in }) async throws {
        let fleet = Fleet(configuration)
        // The server calls every connection that is cut an error, and here cuts are ordered; what keeps it
        // from running is thrown.
        var serverLogger = logger
        serverLogger.logLevel = .critical
        let server = Application(
            responder: SimulatorResponder(fleet: fleet, admin: AdminRoutes(fleet: fleet)),
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.host, port: configuration.port),
                serverName: nil,
                backlog: 4096
            ),
            onServerRunning: { channel in await onServerRunning(channel.localAddress?.port ?? 0) },
            logger: serverLogger
        )
        var clientConfiguration = HTTPClient.Configuration()
        clientConfiguration.redirectConfiguration = .disallow
        clientConfiguration.connectionPool.retryConnectionEstablishment = false
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: clientConfiguration)
        let pump = WebhookPump(fleet: fleet, client: client, logger: logger)
        let result: Result<Void, any Error>
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await server.run() }
                group.addTask { await pump.run() }
                // Whichever ends first ends the other.
                try await group.next()
                group.cancelAll()
            }
            result = .success(())
        } catch is CancellationError {
            result = .success(())
        } catch {
            result = .failure(error)
        }
        try await client.shutdown()
        try result.get()
    }
}
