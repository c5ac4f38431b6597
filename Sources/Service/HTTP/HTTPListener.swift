package import Hummingbird
import HummingbirdCore
package import Logging
import NIOCore
import ServiceLifecycle

/// An address that a router's routes are served on.
package struct HTTPListener: Service {
    private let responder: RouterResponder<AppRequestContext>
    private let host: String
    private let port: Int
    private let unreadBodyTimeout: Duration
    private let logger: Logger
    private let onListening: @Sendable (Int) async -> Void

    /// How long a connection may lie idle between two requests; longer than the 60 s that proxies keep theirs.
    private static let idleTimeout = TimeAmount.seconds(75)

    /// `host`: an address or a name to bind to.
    ///
    /// `port`: 0 for any that is free. `unreadBodyTimeout`: see ``BodyLimits``. `routes`: adds what is to be served. `onListening`: gets the port once
    /// requests are taken.
    package init(
        host: String,
        port: Int,
        unreadBodyTimeout: Duration,
        logger: Logger,
        routes: (Router<AppRequestContext>) -> Void,
        onListening: @escaping @Sendable (Int) async -> Void = { _ in }
    ) {
        self.host = host
        self.port = port
        self.unreadBodyTimeout = unreadBodyTimeout
        self.logger = logger
        self.onListening = onListening
        let router = Router(context: AppRequestContext.self)
        routes(router)
        responder = router.buildResponder()
    }

    /// Serves until the task is cancelled or shut down gracefully.
    package func run() async throws {
        let listening = onListening
        let bodyLimit = unreadBodyTimeout
        let application = Application(
            responder: responder,
            server: HTTPServerBuilder { responder in
                LoopBoundChannel(
                    HTTP1Channel(responder: responder, configuration: .init(idleTimeout: Self.idleTimeout)),
                    bodyLimit: bodyLimit
                )
            },
            configuration: ApplicationConfiguration(
                address: .hostname(host, port: port),
                serverName: nil,
                availableConnectionsDelegate: .maximum(ConnectionLimit.current(), logger: logger)
            ),
            onServerRunning: { channel in await listening(channel.localAddress?.port ?? 0) },
            logger: logger
        )
        try await application.run()
    }
}
