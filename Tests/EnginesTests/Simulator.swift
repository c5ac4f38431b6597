import AsyncHTTPClient
import Domain
import EngineSimulator
import Engines
import Foundation
import NIOCore
import NIOHTTP1

/// A running simulator and a way to talk to it.
struct Simulator: Sendable {
    /// The instance and the name of Wawp's example.
    static let instance = "3EB0BCB2E3D4"
    static let session = SessionAddress(instanceID: instance)

    let port: Int
    let client: HTTPClient

    var baseURL: String { "http://127.0.0.1:\(port)" }

    /// Our client for this simulator.
    func engine(
        _ placement: EngineAccount.TokenPlacement = .body,
        token: String = "tok_valid_0001",
        timeout: Duration = .seconds(20)
    ) throws -> WawpEngine {
        try WawpEngine(
            EngineAccount(baseURL: baseURL, token: token, placement: placement, timeout: timeout),
            client: client
        )
    }

    /// Our client of any kind for this simulator, its token where such engines usually take it.
    func engine(
        _ kind: EngineKind,
        token: String = "tok_valid_0001",
        timeout: Duration = .seconds(20)
    ) throws -> any SessionEngine {
        let account = EngineAccount(
            baseURL: baseURL,
            token: token,
            placement: kind.tokenPlacements[0],
            timeout: timeout
        )
        return try kind.makeEngine(account, client: client)
    }

    /// Our client of WAHA, which lists as well.
    func wahaEngine(token: String = "waha-key", timeout: Duration = .seconds(20)) throws -> WAHAEngine {
        try WAHAEngine(
            EngineAccount(baseURL: baseURL, token: token, placement: .header, timeout: timeout),
            client: client
        )
    }

    /// Calls an admin route and returns its body; anything but 200 is an error.
    @discardableResult
    func admin(_ method: HTTPMethod, _ path: String, _ json: String = "") async throws -> JSONValue {
        let reply = try await raw(method, "/_sim/" + path, body: json)
        guard reply.status == 200 else { throw Refused(status: reply.status, body: reply.text) }
        return reply.json
    }

    /// Moves the simulator's time.
    func advance(_ duration: Duration) async throws {
        try await admin(.PUT, "clock", #"{"advance_ms":\#(duration.microseconds / 1000)}"#)
    }

    /// Puts the example's session into a status.
    func put(_ status: String, isPaired: Bool = true) async throws {
        try await admin(
            .PUT,
            "sessions",
            #"{"sessions":[{"instance_id":"\#(Self.instance)","session_name":"wawp-84729105","status":"\#(status)","paired":\#(isPaired)}]}"#
        )
    }

    /// Orders a fault for all sessions, perhaps for one operation only.
    func fault(_ kind: String, _ params: String = "{}", count: Int? = nil, operations: String? = nil) async throws {
        let count = count.map { #","count":\#($0)"# } ?? ""
        let operations = operations.map { #","operations":["\#($0)"]"# } ?? ""
        try await admin(
            .PUT,
            "faults",
            #"{"kind":"\#(kind)","scope":"all","params":\#(params)\#(count)\#(operations)}"#
        )
    }

    /// The call log, without the calls before a number.
    func calls(since: Int = 0) async throws -> [JSONValue] {
        try await admin(.GET, "calls?since=\(since)")["calls"]?.elements ?? []
    }

    /// One plain HTTP exchange.
    func raw(
        _ method: HTTPMethod,
        _ target: String,
        headers: [String: String] = [:],
        body: String = "",
        timeout: TimeAmount = .seconds(20)
    ) async throws -> RawReply {
        var request = HTTPClientRequest(url: baseURL + target)
        request.method = method
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        if !body.isEmpty { request.body = .bytes(ByteBuffer(string: body)) }
        let response = try await client.execute(request, timeout: timeout)
        let bytes = try await response.body.collect(upTo: 4 << 20)
        return RawReply(
            status: Int(response.status.code),
            contentType: response.headers.first(name: "content-type") ?? "",
            text: String(buffer: bytes)
        )
    }

    struct Refused: Error {
        var status: Int
        var body: String
    }
}

struct RawReply: Sendable {
    var status: Int
    var contentType: String
    var text: String

    /// The body as JSON, or as a text when it is none.
    var json: JSONValue {
        (try? JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))) ?? .string(text)
    }
}

extension SimulatorConfiguration {
    /// Time stands still, every boot takes 5 s, a stop no time.
    static var still: SimulatorConfiguration {
        var configuration = SimulatorConfiguration()
        configuration.port = 0
        configuration.speed = 0
        configuration.tokens.insert("waha-key")
        configuration.start = Timestamp(seconds: 1_800_000_000)
        configuration.bootTime = .seconds(5) ... .seconds(5)
        configuration.stopTime = .zero
        configuration.sessions = [.init(instanceID: Simulator.instance, sessionName: "wawp-84729105")]
        return configuration
    }
}

/// Runs a simulator of its own for the length of the body.
func withSimulator(
    _ configuration: SimulatorConfiguration = .still,
    _ body: @escaping @Sendable (Simulator) async throws -> Void
) async throws {
    let (ports, port) = AsyncStream<Int>.makeStream()
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
            defer { port.finish() }
            try await EngineSimulator(configuration).run { port.yield($0) }
        }
        var running = ports.makeAsyncIterator()
        guard let number = await running.next() else { return try await group.waitForAll() }
        let client = HTTPClient.engine(concurrency: 8)
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(try await body(Simulator(port: number, client: client)))
        } catch {
            outcome = .failure(error)
        }
        try await client.shutdown()
        group.cancelAll()
        try await group.waitForAll()
        try outcome.get()
    }
}
