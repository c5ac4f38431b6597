import Dispatch
import Foundation
import Glibc
import TestSupport
import Testing

/// An answer as it came over the wire.
struct Answer: Sendable {
    var status: Int
    /// By name in lower case.
    var headers: [String: String]
    var body: [UInt8]

    var text: String { String(decoding: body, as: UTF8.self) }

    /// The body as one of the views of what the service says.
    func decoded<View: Decodable>(_ type: View.Type = View.self) throws -> View {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        do {
            return try decoder.decode(type, from: Data(body))
        } catch {
            throw Unreadable(answer: "\(status) \(text)", error: "\(error)")
        }
    }

    /// The names of the members of the body, an object.
    func memberNames() throws -> Set<String> {
        Set(try #require(JSONSerialization.jsonObject(with: Data(body)) as? [String: Any]).keys)
    }

    struct Unreadable: Error {
        var answer: String
        var error: String
    }
}

/// A client that sends bytes as they are, so also what no proper client would send.
struct PlainHTTP: Sendable {
    let port: Int
    /// How long the server may say nothing before a request counts as not answered.
    var patience: Duration = .seconds(120)

    struct Failure: Error {
        var reason: String
    }

    /// Sends a request on a connection of its own and reads the answer to its end.
    func send(
        _ method: String,
        _ path: String,
        headers: [String: String] = [:],
        body: [UInt8]? = nil
    ) async throws -> Answer {
        var head = "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        for (name, value) in headers { head += "\(name): \(value)\r\n" }
        if let body { head += "Content-Length: \(body.count)\r\n" }
        return try await sendRaw(Array((head + "\r\n").utf8) + (body ?? []))
    }

    /// Sends bytes and reads until the server closes the connection, for as long as there is patience.
    func sendRaw(_ bytes: [UInt8]) async throws -> Answer {
        try await withCheckedThrowingContinuation { continuation in
            // A queue of its own has a thread at once, however many others wait for their answers.
            DispatchQueue(label: "plain http").async {
                continuation.resume(with: Result { try exchange(bytes) })
            }
        }
    }

    private func exchange(_ bytes: [UInt8]) throws -> Answer {
        let descriptor = try LoopbackPort.connect(to: port)
        defer { close(descriptor) }
        let (seconds, attoseconds) = patience.components
        var limit = timeval(tv_sec: Int(seconds), tv_usec: Int(attoseconds / 1_000_000_000_000))
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            // The server may answer and close before it has read everything; its answer is then still there to read.
            guard count > 0 else { break }
            sent += count
        }
        var answer: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(descriptor, &chunk, chunk.count, 0)
            guard count > 0 else { break }
            answer += chunk[..<count]
        }
        return try Self.parse(answer)
    }

    private static func parse(_ bytes: [UInt8]) throws -> Answer {
        let separator = Array("\r\n\r\n".utf8)
        guard let end = bytes.indices.first(where: { bytes[$0...].starts(with: separator) }) else {
            throw Failure(reason: "no answer")
        }
        let lines = String(decoding: bytes[..<end], as: UTF8.self).components(separatedBy: "\r\n")
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let halves = line.split(separator: ":", maxSplits: 1)
            guard halves.count == 2 else { continue }
            headers[halves[0].lowercased()] = halves[1].trimmingCharacters(in: .whitespaces)
        }
        let status = lines[0].split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return Answer(status: status, headers: headers, body: Array(bytes[(end + 4)...]))
    }
}
