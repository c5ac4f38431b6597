import AsyncHTTPClient
import Domain
import EngineSimulator
import Engines
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Synchronization
import Testing

/// Gives a case's answer to every request, and keeps what it was asked.
///
/// The simulator's log has neither queries nor bodies, and it gives no answer to a question in another form.
final class CaseServer: Sendable {
    struct Asked: Sendable {
        var method: String
        /// Path and query, as they came.
        var target: String
        /// Header fields by their names in lower case.
        var headers: [String: String]
        /// `nil` without a body.
        var body: JSONValue?
    }

    private let response: EngineCase.Response
    private let heard = Mutex<[Asked]>([])

    private init(_ response: EngineCase.Response) {
        self.response = response
    }

    /// Every request, in the order in which they came.
    var asked: [Asked] { heard.withLock { $0 } }

    /// Runs a server for the length of the body, which is given our client for it.
    ///
    /// The client is of the case's engine and proves itself as the case does.
    static func run(
        _ engineCase: EngineCase,
        _ body: @escaping @Sendable (any SessionEngine, CaseServer) async throws -> Void
    ) async throws {
        let kind = try #require(EngineKind(rawValue: engineCase.engine))
        let caseServer = CaseServer(engineCase.response)
        let (ports, port) = AsyncStream<Int>.makeStream()
        var logger = Logger(label: "case")
        logger.logLevel = .critical
        let server = Application(
            responder: CallbackResponder<BasicRequestContext> { request, _ in try await caseServer.answer(request) },
            configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { port.yield($0.localAddress?.port ?? 0) },
            logger: logger
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { port.finish() }
                try await server.run()
            }
            var running = ports.makeAsyncIterator()
            guard let number = await running.next() else { return try await group.waitForAll() }
            let account = EngineAccount(
                baseURL: "http://127.0.0.1:\(number)",
                token: engineCase.token,
                placement: engineCase.placement
            )
            let client = HTTPClient.engine(concurrency: 1)
            let outcome: Result<Void, any Error>
            do {
                outcome = .success(try await body(try kind.makeEngine(account, client: client), caseServer))
            } catch {
                outcome = .failure(error)
            }
            try await client.shutdown()
            group.cancelAll()
            try outcome.get()
        }
    }

    private func answer(_ request: Request) async throws -> Response {
        let text = String(buffer: try await request.body.collect(upTo: 65_536))
        let asked = Asked(
            method: request.method.rawValue,
            target: request.head.path ?? "",
            headers: Dictionary(request.headers.map { ($0.name.canonicalName, $0.value) }) { first, _ in first },
            body: text.isEmpty ? nil : RawReply(status: 200, contentType: "", text: text).json
        )
        heard.withLock { $0.append(asked) }
        return Response(
            status: HTTPResponse.Status(code: response.status),
            headers: [.contentType: response.contentType],
            body: ResponseBody(byteBuffer: ByteBuffer(string: try response.text()))
        )
    }
}
