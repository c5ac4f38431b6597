import Glibc
import Hummingbird
import Logging
import NIOCore
import NIOPosix
import Service
import ServiceLifecycle

/// `/metrics` on a listener of its own, without a key.
struct MetricsListener: ServiceLifecycle.Service {
    private let listener: Settings.Listener
    private let metrics: PrometheusMetrics
    private let logger: Logger

    init(_ listener: Settings.Listener, metrics: PrometheusMetrics, logger: Logger) {
        self.listener = listener
        self.metrics = metrics
        self.logger = logger
    }

    /// Serves until told to stop.
    ///
    /// A default port that is taken is done without; a chosen one ends the process, and so does an address that cannot be
    /// listened on.
    func run() async throws {
        let router = Router()
        let metrics = metrics
        router.get("/metrics") { _, _ in
            Response(
                status: .ok,
                headers: [.contentType: PrometheusMetrics.contentType],
                body: ResponseBody(byteBuffer: ByteBuffer(string: metrics.render()))
            )
        }
        let application = Application(
            router: router,
            configuration: ApplicationConfiguration(
                address: .hostname(listener.host, port: listener.port),
                serverName: nil
            ),
            logger: logger
        )
        do {
            try await application.run()
        } catch let error as IOError where !listener.isPortChosen && error.errnoCode == EADDRINUSE {
            logger.warning(
                "metrics are not served: the default port is taken",
                metadata: [LogKeys.address: "http://\(listener.host):\(listener.port)"]
            )
            try? await gracefulShutdown()  // Cancelled: the same as told to stop.
        }
    }
}
