import EngineSimulator
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Synchronization

/// Somebody whom a simulator's webhooks are sent to.
final class WebhookReceiver: Sendable {
    struct Delivery: Sendable {
        /// Path and query, as they came.
        var target: String
        var signature: String?
        /// Header fields by their names in lower case.
        var headers: [String: String]
        var text: String
        var body: JSONValue

        /// The status, in either form of the event.
        var word: String? { (body["payload"]?["status"] ?? body["status"])?.text }
    }

    private let stream: AsyncStream<Delivery>
    private let deliveries: AsyncStream<Delivery>.Continuation
    private let failuresLeft: Mutex<Int>
    private let port = Mutex(0)

    private init(failing: Int) {
        (stream, deliveries) = AsyncStream.makeStream()
        failuresLeft = Mutex(failing)
    }

    var url: String { "http://127.0.0.1:\(port.withLock { $0 })/hook" }

    /// The next so many deliveries, however long they take.
    func take(_ count: Int) async -> [Delivery] {
        var taken: [Delivery] = []
        for await delivery in stream {
            taken.append(delivery)
            if taken.count == count { break }
        }
        return taken
    }

    /// Runs a receiver for the length of the body.
    ///
    /// `failing`: how many deliveries are answered with 503 at first.
    /// `body`: is given the receiver once it listens.
    static func run(
        failing: Int = 0,
        _ body: @escaping @Sendable (WebhookReceiver) async throws -> Void
    ) async throws {
        let receiver = WebhookReceiver(failing: failing)
        let (ports, port) = AsyncStream<Int>.makeStream()
        let router = Router()
        router.post("hook") { request, _ in try await receiver.receive(request) }
        var logger = Logger(label: "receiver")
        logger.logLevel = .critical
        let server = Application(
            router: router,
            configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { port.yield($0.localAddress?.port ?? 0) },
            logger: logger
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { port.finish() }
                try await server.run()
            }
            for await number in ports {
                receiver.port.withLock { $0 = number }
                break
            }
            try await body(receiver)
            group.cancelAll()
        }
    }

    private func receive(_ request: Request) async throws -> HTTPResponse.Status {
        let text = String(buffer: try await request.body.collect(upTo: 65_536))
        deliveries.yield(
            Delivery(
                target: request.head.path ?? "",
                signature: request.headers.first { $0.name.canonicalName == "x-webhook-signature" }?.value,
                headers: Dictionary(request.headers.map { ($0.name.canonicalName, $0.value) }) { first, _ in first },
                text: text,
                body: RawReply(status: 200, contentType: "", text: text).json
            )
        )
        return failuresLeft.withLock { left in
            guard left > 0 else { return .ok }
            left -= 1
            return .serviceUnavailable
        }
    }
}
