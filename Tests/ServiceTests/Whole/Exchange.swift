import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1

/// One server that a test talks to.
struct Exchange: Sendable {
    let client: HTTPClient
    let port: Int

    /// Longer than any wait a test asks for.
    private static let timeout = TimeAmount.seconds(90)
    private static let answerLimit = 16 << 20

    /// Sends a request and reads the answer to its end.
    func send(
        _ method: String,
        _ path: String,
        headers: [String: String] = [:],
        body: String? = nil
    ) async throws -> WireResponse {
        var request = HTTPClientRequest(url: "http://127.0.0.1:\(port)\(path)")
        request.method = HTTPMethod(rawValue: method)
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        if let body { request.body = .bytes(ByteBuffer(string: body)) }
        let response = try await client.execute(request, timeout: Self.timeout)
        let bytes = try await response.body.collect(upTo: Self.answerLimit)
        return WireResponse(
            status: Int(response.status.code),
            headers: Dictionary(response.headers.map { ($0.name.lowercased(), $0.value) }) { first, _ in first },
            body: Array(bytes.readableBytesView)
        )
    }

    /// A client for the length of the body.
    ///
    /// Up to a hundred requests at a time: what comes concurrently is to arrive concurrently.
    static func withClient(_ body: (HTTPClient) async throws -> Void) async throws {
        var configuration = HTTPClient.Configuration()
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 100
        configuration.connectionPool.retryConnectionEstablishment = false
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        do {
            try await body(client)
        } catch {
            try await client.shutdown()
            throw error
        }
        try await client.shutdown()
    }
}

extension WireResponse {
    /// The body as a value, its names in snake case.
    func decoded<Value: Decodable>(as type: Value.Type = Value.self) throws -> Value {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(Value.self, from: Data(body))
    }
}
