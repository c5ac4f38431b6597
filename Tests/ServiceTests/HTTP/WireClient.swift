import Dispatch
import Foundation
import Glibc
import TestSupport
import Testing

/// An answer as it came over the wire.
struct WireResponse: Sendable {
    var status: Int
    var headers: [String: String]
    var body: [UInt8]

    var text: String { String(decoding: body, as: UTF8.self) }

    /// The body as JSON objects, arrays and values of Foundation.
    func json() throws -> [String: Any] {
        try #require(JSONSerialization.jsonObject(with: Data(body)) as? [String: Any])
    }

    /// The member `items`.
    func items() throws -> [[String: Any]] {
        try #require(try json()["items"] as? [[String: Any]])
    }

    /// A problem's code.
    func code() throws -> String {
        #expect(headers["content-type"] == "application/problem+json")
        return try #require(try json()["code"] as? String)
    }
}

/// A client that writes requests byte by byte, so that it can also send what no proper client would.
enum WireClient {
    struct Failure: Error {
        var call: String
        var code: Int32 = errno
    }

    /// Sends a request of its own connection and reads the answer to its end.
    static func send(
        _ method: String,
        _ path: String,
        port: Int,
        headers: [String: String] = [:],
        body: [UInt8]? = nil
    ) async throws -> WireResponse {
        var head = "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        for (name, value) in headers { head += "\(name): \(value)\r\n" }
        if let body { head += "Content-Length: \(body.count)\r\n" }
        return try await sendRaw(Array((head + "\r\n").utf8) + (body ?? []), port: port)
    }

    /// Sends bytes as they are and reads until the server closes the connection.
    static func sendRaw(_ bytes: [UInt8], port: Int) async throws -> WireResponse {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(with: Result { try exchange(bytes, port: port) })
            }
        }
    }

    private static func exchange(_ bytes: [UInt8], port: Int) throws -> WireResponse {
        let descriptor = try connect(port: port)
        defer { close(descriptor) }
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            // The server may answer and close before it has read everything; its answer is then still there to read.
            guard count > 0 else { break }
            sent += count
        }
        var answer: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = chunk.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress, $0.count, 0) }
            guard count > 0 else { break }
            answer += chunk[..<count]
        }
        return try parse(answer)
    }

    private static func connect(port: Int) throws -> Int32 {
        let descriptor = try LoopbackPort.connect(to: port)
        var limit = timeval(tv_sec: 30, tv_usec: 0)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        return descriptor
    }

    private static func parse(_ bytes: [UInt8]) throws -> WireResponse {
        let separator = Array("\r\n\r\n".utf8)
        guard let end = bytes.indices.first(where: { bytes[$0...].starts(with: separator) }) else {
            throw Failure(call: "no answer")
        }
        let lines = String(decoding: bytes[..<end], as: UTF8.self).components(separatedBy: "\r\n")
        let status = lines[0].split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let halves = line.split(separator: ":", maxSplits: 1)
            guard halves.count == 2 else { continue }
            headers[halves[0].lowercased()] = halves[1].trimmingCharacters(in: .whitespaces)
        }
        return WireResponse(status: status, headers: headers, body: Array(bytes[(end + 4)...]))
    }
}
