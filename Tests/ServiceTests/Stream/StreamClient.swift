import Dispatch
import Foundation
import Glibc
import Synchronization
import TestSupport

/// A server-sent event, or a comment.
struct StreamEvent: Sendable {
    var name: String
    var id: String
    var data: String
    var comment: String?

    /// The data as a JSON object.
    var object: [String: Any] {
        (try? JSONSerialization.jsonObject(with: Data(data.utf8)) as? [String: Any]) ?? [:]
    }

    /// Who it is about.
    var agentID: String? { object["agent_id"] as? String }
}

/// A browser's end of a stream: reads events on a thread of its own, and can hang up.
final class StreamClient: Sendable {
    /// What was waited for did not come in time, or the stream ended before.
    struct Missing: Error {
        var seen: [String]
    }

    private let connection: Connection
    private let events: AsyncStream<StreamEvent>

    /// Connects and asks.
    init(_ path: String, port: Int, headers: [String: String]) throws {
        let descriptor = try LoopbackPort.connect(to: port)
        var limit = timeval(tv_sec: 20, tv_usec: 0)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var head = "GET \(path) HTTP/1.1\r\nHost: localhost\r\n"
        for (name, value) in headers { head += "\(name): \(value)\r\n" }
        let bytes = Array((head + "\r\n").utf8)
        _ = bytes.withUnsafeBytes { unsafe send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        let (events, sink) = AsyncStream<StreamEvent>.makeStream()
        self.events = events
        let connection = Connection(descriptor)
        self.connection = connection
        DispatchQueue.global().async {
            Self.read(descriptor, sink)
            connection.close()
        }
    }

    deinit { close() }

    /// Hangs up, as a closed browser does.
    func close() { connection.hangUp() }

    /// A descriptor that only its reader closes: its number is given to somebody else right after.
    private final class Connection: Sendable {
        private let descriptor: Int32
        private let isOpen = Mutex(true)

        init(_ descriptor: Int32) { self.descriptor = descriptor }

        func hangUp() {
            isOpen.withLock { isOpen in
                if isOpen { _ = shutdown(descriptor, Int32(SHUT_RDWR)) }
            }
        }

        func close() {
            isOpen.withLock { isOpen in
                isOpen = false
                _ = Glibc.close(descriptor)
            }
        }
    }

    /// The next event that fits; those before it are passed over.
    @discardableResult
    func next(_ fits: (StreamEvent) -> Bool) async throws -> StreamEvent {
        var seen: [String] = []
        for await event in events {
            if fits(event) { return event }
            seen.append(event.comment ?? "\(event.name) \(event.data)")
        }
        throw Missing(seen: seen)
    }

    @discardableResult
    func next(_ name: String) async throws -> StreamEvent {
        try await next { $0.name == name }
    }

    /// Everything up to an event with this name, that one too.
    func all(to name: String) async throws -> [StreamEvent] {
        var seen: [StreamEvent] = []
        for await event in events {
            seen.append(event)
            if event.name == name { return seen }
        }
        throw Missing(seen: seen.map(\.data))
    }

    /// Waits until the server ends the stream.
    func end() async {
        for await _ in events {}
    }

    private static func read(_ descriptor: Int32, _ sink: AsyncStream<StreamEvent>.Continuation) {
        var rest = ""
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = chunk.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress, $0.count, 0) }
            guard count > 0 else { break }
            // The chunks of HTTP bring lines of their own; none of them looks like a field of an event.
            rest += String(decoding: chunk[..<count], as: UTF8.self).replacingOccurrences(of: "\r\n", with: "\n")
            while let end = rest.range(of: "\n\n") {
                if let event = parse(rest[..<end.lowerBound]) { sink.yield(event) }
                rest = String(rest[end.upperBound...])
            }
        }
        sink.finish()
    }

    private static func parse(_ block: Substring) -> StreamEvent? {
        var event = StreamEvent(name: "", id: "", data: "")
        for line in block.split(separator: "\n") {
            if line.hasPrefix(": ") { event.comment = String(line.dropFirst(2)) }
            if line.hasPrefix("event: ") { event.name = String(line.dropFirst(7)) }
            if line.hasPrefix("id: ") { event.id = String(line.dropFirst(4)) }
            if line.hasPrefix("data: ") { event.data = String(line.dropFirst(6)) }
        }
        return event.name.isEmpty && event.comment == nil ? nil : event
    }
}
