import AsyncHTTPClient
import FoundationEssentials
import NIOCore

/// A Rollcall or a simulator, over HTTP.
struct RemoteService: Sendable {
    /// Why something asked of it did not happen.
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    /// An answer, whatever its status.
    struct Answer: Sendable {
        var status: Int
        var body: ByteBuffer

        var isSuccess: Bool { (200..<300).contains(status) }
    }

    /// What is asked for.
    enum Method: String, Sendable {
        case get = "GET"
        case put = "PUT"
        case post = "POST"
    }

    private let base: String
    private let key: String?
    private let client: HTTPClient

    /// The largest answer that is read.
    private static let answerLimit = 256 << 20

    /// - Parameters:
    ///   - base: without a slash at its end.
    ///   - key: a bearer key, if it wants one.
    ///   - client: makes the connections; the caller shuts it down.
    init(_ base: String, key: String? = nil, client: HTTPClient) {
        self.base = base.hasSuffix("/") ? String(base.dropLast()) : base
        self.client = client
        self.key = key
    }

    /// A client for a number of connections to each service.
    static func makeClient(connections: Int) -> HTTPClient {
        var configuration = HTTPClient.Configuration()
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = max(connections, 1)
        configuration.httpVersion = .http1Only
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    /// Sends a request and reads the whole answer.
    func send(
        _ method: Method,
        _ path: String,
        body: ByteBuffer? = nil,
        timeout: Duration = .seconds(60)
    ) async throws -> Answer {
        var request = HTTPClientRequest(url: base + path)
        request.method = Self.word(method.rawValue) ?? request.method
        request.headers = Self.members(
            ("content-type", "application/json"),
            ("authorization", key.map { "Bearer \($0)" } ?? "none")
        )
        if let body { request.body = .bytes(body) }
        let response = try await client.execute(request, timeout: .seconds(timeout.components.seconds))
        return Answer(
            // "200 OK"
            status: Int("\(response.status)".prefix(3)) ?? 0,
            body: try await response.body.collect(upTo: Self.answerLimit)
        )
    }

    /// Follows a stream of server-sent events.
    func stream(_ path: String) async throws -> HTTPClientResponse.Body {
        var request = HTTPClientRequest(url: base + path)
        request.headers = Self.members(
            ("accept", "text/event-stream"),
            ("authorization", key.map { "Bearer \($0)" } ?? "none")
        )
        let response = try await client.execute(request, timeout: .hours(24))
        guard "\(response.status)".hasPrefix("200") else {
            throw Failure(description: "GET \(path.prefix { $0 != "?" }): HTTP \(response.status)")
        }
        return response.body
    }

    /// Sends a value as JSON and expects success.
    ///
    /// `patience`: how long a service that has no room at the moment (503) is asked again.
    @discardableResult
    func call(
        _ method: Method,
        _ path: String,
        _ value: (any Encodable & Sendable)? = nil,
        timeout: Duration = .seconds(60),
        patience: Duration = .zero
    ) async throws -> ByteBuffer {
        let body = try value.map { ByteBuffer(bytes: try JSONEncoder().encode($0)) }
        let clock = ContinuousClock()
        let end = clock.now + patience
        var answer = try await send(method, path, body: body, timeout: timeout)
        while answer.status == 503, clock.now < end {
            try await clock.sleep(for: .seconds(1))
            answer = try await send(method, path, body: body, timeout: timeout)
        }
        guard answer.isSuccess else {
            // The path says what was asked for; the body is a problem's, in words for people.
            let words = String(
                buffer: answer.body.getSlice(at: 0, length: min(300, answer.body.readableBytes)) ?? .init()
            )
            throw Failure(
                description: "\(method.rawValue) \(path.prefix { $0 != "?" }): HTTP \(answer.status) \(words)"
            )
        }
        return answer.body
    }

    /// Reads JSON.
    func read<Value: Decodable>(_ path: String, as type: Value.Type) async throws -> Value {
        try Self.decode(type, from: try await call(.get, path))
    }

    // NIOHTTP1, whose types a request is made of, is no dependency of this target: their protocols do as well.

    private static func word<Value: RawRepresentable<String>>(_ word: String) -> Value? {
        Value(rawValue: word)
    }

    private static func members<Value: ExpressibleByDictionaryLiteral>(
        _ first: (String, String),
        _ second: (String, String)
    ) -> Value where Value.Key == String, Value.Value == String {
        Value(dictionaryLiteral: first, second)
    }

    static func decode<Value: Decodable>(_ type: Value.Type, from body: ByteBuffer) throws -> Value {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(type, from: Data(body.readableBytesView))
    }
}
