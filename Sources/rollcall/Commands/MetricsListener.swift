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

    /// Connections at a time; whoever scrapes keeps one or two.
    ///
    /// Descriptors for them are part of what `ConnectionLimit` leaves for everything else.
    private static let connectionLimit = 64

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
        let http = HTTPListener(
            host: listener.host,
            port: listener.port,
            unreadBodyTimeout: BodyLimits().unreadTimeout,
            connectionLimit: Self.connectionLimit,
            logger: logger,
            routes: add(to:)
        )
        do {
            try await http.run()
        } catch let error as IOError where !listener.isPortChosen && error.errnoCode == EADDRINUSE {
            logger.warning(
                "metrics are not served: the default port is taken",
                metadata: [LogKeys.address: "http://\(listener.host):\(listener.port)"]
            )
            try? await gracefulShutdown()  // Cancelled: the same as told to stop.
        }
    }

    private func add(to router: Router<AppRequestContext>) {
        let metrics = metrics
        router.get("metrics") { _, _ in
            // Not on the connection's event loop, whose other requests would wait for it.
            let text = await withTaskExecutorPreference(globalConcurrentExecutor) { await Self.render(metrics) }
            return Response(
                status: .ok,
                headers: [.contentType: PrometheusMetrics.contentType],
                body: ResponseBody(byteBuffer: ByteBuffer(string: text))
            )
        }
    }

    @concurrent private static func render(_ metrics: PrometheusMetrics) async -> String {
        metrics.render()
    }
}
