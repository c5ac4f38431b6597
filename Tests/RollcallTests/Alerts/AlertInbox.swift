import ClockSources
import Domain
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Synchronization
import Testing

/// A receiver of alerts over HTTP: checks each request with the verification that clock sources use, and keeps what it got.
final class AlertInbox: Sendable {
    static let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

    /// One request that came.
    struct Letter: Sendable {
        var id: String
        var isGenuine: Bool
        var status: Int
        var host: String
        var body: String

        /// The body's `type`.
        var type: String { text("type") }

        /// A member of the body, or of its `data`, as text.
        func text(_ name: String) -> String {
            guard let all = try? JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: Any] else {
                return ""
            }
            let data = all["data"] as? [String: Any]
            return (all[name] ?? data?[name]).map { "\($0)" } ?? ""
        }
    }

    private struct State {
        var letters: [Letter] = []
        /// Statuses of the next answers, before 204.
        var troubles: [Int] = []
    }

    private let state = Mutex(State())
    private let number = Mutex(0)

    private init() {}

    var port: Int { number.withLock { $0 } }
    var url: String { "http://127.0.0.1:\(port)/hooks/rollcall?token=a-secret-of-the-receiver" }
    var letters: [Letter] { state.withLock { $0.letters } }
    var delivered: [Letter] { letters.filter { (200..<300).contains($0.status) } }

    func fail(with statuses: [Int]) {
        state.withLock { $0.troubles = statuses }
    }

    /// What `serve` has to be told.
    var settings: [String: String] {
        [
            "ROLLCALL_ALERT_URL": url, "ROLLCALL_ALERT_SECRET": Self.secret, "ROLLCALL_ALERT_ALLOW_HOSTS": "127.0.0.1",
            "ROLLCALL_ALERT_AFTER": "1h",
        ]
    }

    /// Waits until something came.
    func until(_ what: String, within limit: Duration = .seconds(120), _ isSo: ([Letter]) -> Bool) async throws {
        let deadline = ContinuousClock.now + limit
        while !isSo(letters) {
            try #require(ContinuousClock.now < deadline, "\(what): \(letters.map { "\($0.type) \($0.status)" })")
            try await Task.sleep(for: .milliseconds(20))  // What is waited for comes from another process.
        }
    }

    /// Runs the receiver for the length of the body.
    static func run(_ body: @escaping @Sendable (AlertInbox) async throws -> Void) async throws {
        let inbox = AlertInbox()
        let (ports, port) = AsyncStream<Int>.makeStream()
        let router = Router()
        router.post("hooks/rollcall") { request, _ in try await inbox.take(request) }
        router.get("hooks/rollcall") { request, _ in try await inbox.take(request) }
        var logger = Logger(label: "inbox")
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
                inbox.number.withLock { $0 = number }
                break
            }
            try await body(inbox)
            group.cancelAll()
        }
    }

    private func take(_ request: Request) async throws -> Response {
        let bytes = Array(try await request.body.collect(upTo: 65_536).readableBytesView)
        let delivery = Delivery(
            headers: request.headers.map { (name: $0.name.rawName, value: $0.value) },
            body: bytes,
            receivedAt: Timestamp(microseconds: Int64(Date().timeIntervalSince1970 * 1_000_000))
        )
        let status = state.withLock { state in
            let status = state.troubles.isEmpty ? 204 : state.troubles.removeFirst()
            state.letters.append(
                Letter(
                    id: delivery.header("webhook-id") ?? "",
                    isGenuine: Self.isGenuine(delivery),
                    status: status,
                    host: request.head.authority ?? "",
                    body: String(decoding: bytes, as: UTF8.self)
                )
            )
            return status
        }
        var headers: HTTPFields = [:]
        if (300..<400).contains(status) { headers[.location] = "http://127.0.0.1:\(port)/hooks/rollcall" }
        return Response(status: HTTPResponse.Status(code: status), headers: headers)
    }

    /// What a clock source would say of the signature; what the body says is none of its business.
    private static func isGenuine(_ delivery: Delivery) -> Bool {
        let settings = SourceSettings(name: "inbox", kind: .standardWebhooks, secrets: [secret])
        guard let source = try? StandardWebhooksSource(settings) else { return false }
        do throws(SourceRefusal) {
            _ = try source.read(delivery)
            return true
        } catch {
            return error.kind != .badProof
        }
    }
}
