package import Hummingbird
import HummingbirdCore
package import Logging
import NIOCore
import ServiceLifecycle

/// An address that a router's routes are served on.
package struct HTTPListener: Service {
    private let responder: HeadResponder
    private let host: String
    private let port: Int
    private let unreadBodyTimeout: Duration
    private let answerLimits: AnswerLimits
    private let idleTimeout: Duration
    private let connectionLimit: Int?
    private let logger: Logger
    private let onListening: @Sendable (Int) async -> Void

    /// `host`: an address or a name to bind to.
    ///
    /// `port`: 0 for any that is free. `unreadBodyTimeout`: see ``BodyLimits``. `idleTimeout`: how long a connection may lie idle
    /// between two requests, longer than the 60 s that proxies keep theirs. `connectionLimit`: connections open at a time; `nil`
    /// for as many as ``ConnectionLimit`` leaves. `routes`: adds what is to be served. `onListening`: gets the port once requests
    /// are taken.
    package init(
        host: String,
        port: Int,
        unreadBodyTimeout: Duration,
        answerLimits: AnswerLimits = AnswerLimits(),
        idleTimeout: Duration = .seconds(75),
        connectionLimit: Int? = nil,
        logger: Logger,
        routes: (Router<AppRequestContext>) -> Void,
        onListening: @escaping @Sendable (Int) async -> Void = { _ in }
    ) {
        self.host = host
        self.port = port
        self.unreadBodyTimeout = unreadBodyTimeout
        self.answerLimits = answerLimits
        self.idleTimeout = idleTimeout
        self.connectionLimit = connectionLimit
        self.logger = logger
        self.onListening = onListening
        let router = Router(context: AppRequestContext.self, options: .autoGenerateHeadEndpoints)
        routes(router)
        responder = HeadResponder(routes: router.buildResponder())
    }

    /// Serves until the task is cancelled or shut down gracefully.
    ///
    /// Told to stop, it waits for a while until what is under way is answered and taken (``AnswerLimits/stopLimit``), then closes
    /// what is left.
    package func run() async throws {
        let listening = onListening
        let bodyLimit = unreadBodyTimeout
        let answerLimits = answerLimits
        let idleTimeout = TimeAmount(idleTimeout)
        let cuts = AnswerWatch.Cuts()
        let application = Application(
            responder: responder,
            server: HTTPServerBuilder { responder in
                LoopBoundChannel(
                    HTTP1Channel(responder: responder, configuration: .init(idleTimeout: idleTimeout)),
                    bodyLimit: bodyLimit,
                    answerLimits: answerLimits,
                    cuts: cuts
                )
            },
            configuration: ApplicationConfiguration(
                address: .hostname(host, port: port),
                serverName: nil,
                availableConnectionsDelegate: .maximum(connectionLimit ?? ConnectionLimit.current(), logger: logger)
            ),
            onServerRunning: { channel in await listening(channel.localAddress?.port ?? 0) },
            logger: logger
        )
        try await application.run()
        let count = cuts.count
        if count > 0 {
            logger.notice("connections that outlasted the stop were cut", metadata: [LogKeys.count: "\(count)"])
        }
    }
}
