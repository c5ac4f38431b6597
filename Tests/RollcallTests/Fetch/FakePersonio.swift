import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Synchronization

/// Personio's API as far as fetching a record goes.
final class FakePersonio: Sendable {
    /// How an answer never ends.
    enum Stall: Sendable, CaseIterable {
        /// Its head comes, and then nothing.
        case afterHead
        /// Its body comes a byte at a time.
        case drop
    }

    struct State: Sendable {
        /// What each path answers.
        var records: [String: String] = [:]
        /// Statuses of the next answers to requests for records, before the true ones.
        var troubles: [Int] = []
        /// How the next answers to requests for records never end, before the true ones.
        var stalls: [Stall] = []
        /// The only token that is good.
        var token = "papi-token-1"
        /// The bodies of requests for tokens.
        var grants: [String] = []
        /// The paths asked for, with the authorization they came with.
        var asked: [String] = []
    }

    let state = Mutex(State())
    private let port = Mutex(0)

    private init() {}

    var url: String { "http://127.0.0.1:\(port.withLock { $0 })" }

    /// Runs the API for the length of the body.
    static func run(_ body: @escaping @Sendable (FakePersonio) async throws -> Void) async throws {
        let api = FakePersonio()
        let (ports, port) = AsyncStream<Int>.makeStream()
        let router = Router()
        router.post("v2/auth/token") { request, _ in try await api.grant(request) }
        router.get("v2/attendance-periods/:id") { request, _ in api.record(request) }
        var logger = Logger(label: "personio")
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
                api.port.withLock { $0 = number }
                break
            }
            try await body(api)
            group.cancelAll()
        }
    }

    private func grant(_ request: Request) async throws -> Response {
        let form = String(buffer: try await request.body.collect(upTo: 65_536))
        let token = state.withLock { state in
            state.grants.append(form)
            return state.token
        }
        return Self.json(.ok, #"{"access_token":"\#(token)","token_type":"Bearer","expires_in":86400}"#)
    }

    private func record(_ request: Request) -> Response {
        state.withLock { state in
            let authorization = request.headers[.authorization] ?? ""
            state.asked.append("\(request.uri.path) \(authorization)")
            if !state.troubles.isEmpty {
                return Self.json(HTTPResponse.Status(code: state.troubles.removeFirst()), "{}")
            }
            if !state.stalls.isEmpty { return Self.stalled(state.stalls.removeFirst()) }
            guard authorization == "Bearer \(state.token)" else { return Self.json(.unauthorized, "{}") }
            guard let record = state.records[request.uri.path] else { return Self.json(.notFound, "{}") }
            return Self.json(.ok, record)
        }
    }

    private static func stalled(_ stall: Stall) -> Response {
        let body = ResponseBody(contentLength: 1_000_000) { writer in
            while true {
                // Until the client ends the connection, or the test this server.
                try await Task.sleep(for: .milliseconds(20))
                if stall == .drop { try await writer.write(ByteBuffer(string: " ")) }
            }
        }
        return Response(status: .ok, headers: [.contentType: "application/json"], body: body)
    }

    private static func json(_ status: HTTPResponse.Status, _ text: String) -> Response {
        Response(
            status: status,
            headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text))
        )
    }
}
