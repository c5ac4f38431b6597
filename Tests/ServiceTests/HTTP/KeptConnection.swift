import Dispatch
import Glibc
import TestSupport

/// One connection that stays open over several requests.
struct KeptConnection: Sendable {
    private let descriptor: Int32
    private let queue = DispatchQueue(label: "kept connection")

    struct Closed: Error {
        var answer: String
    }

    init(port: Int) throws {
        descriptor = try LoopbackPort.connect(to: port)
        var limit = timeval(tv_sec: 30, tv_usec: 0)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    func end() {
        close(descriptor)
    }

    /// Sends a request and reads until the answer contains a text; throws ``Closed`` when the connection ends before.
    func exchange(_ request: String, until text: String) async throws -> String {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result { try send(request, until: text) }) }
        }
    }

    /// Sends a head and then the same part of a body over and over, as fast as it is taken.
    ///
    /// Whether the server closes the connection within the limit.
    func isClosed(by head: String, thenForEver part: String, within limit: Duration) async throws -> Bool {
        await withCheckedContinuation { continuation in
            queue.async {
                let end = ContinuousClock.now + limit
                let part = Array(part.utf8)
                var isTaken = send(Array(head.utf8))
                while isTaken, ContinuousClock.now < end { isTaken = send(part) }
                continuation.resume(returning: !isTaken)
            }
        }
    }

    /// Sends, and reads nothing.
    func begin(_ requests: String) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            queue.async {
                if send(Array(requests.utf8)) {
                    continuation.resume()
                } else {
                    continuation.resume(throwing: Closed(answer: ""))
                }
            }
        }
    }

    /// Ends the sending half, as who has nothing more to ask.
    func endRequests() {
        shutdown(descriptor, Int32(SHUT_WR))
    }

    /// Reads at this pace until the server closes the connection.
    ///
    /// - Returns: how many bytes came.
    func take(bytesPerSecond: Int) async -> Int {
        await withCheckedContinuation { continuation in
            queue.async { continuation.resume(returning: take(bytesPerSecond)) }
        }
    }

    private func take(_ bytesPerSecond: Int) -> Int {
        let began = ContinuousClock.now
        var chunk = [UInt8](repeating: 0, count: 65_536)
        var taken = 0
        while true {
            let count = chunk.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress, $0.count, 0) }
            guard count > 0 else { return taken }
            taken += count
            let ahead = began + .microseconds(taken * 1_000_000 / bytesPerSecond) - ContinuousClock.now
            if ahead > .zero { usleep(useconds_t(ahead / .microseconds(1))) }
        }
    }

    /// Whether the connection took all of it.
    private func send(_ bytes: [UInt8]) -> Bool {
        let sent = bytes.withUnsafeBytes {
            unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        return sent == bytes.count
    }

    private func send(_ request: String, until text: String) throws -> String {
        var answer = ""
        guard send(Array(request.utf8)) else { throw Closed(answer: answer) }
        var chunk = [UInt8](repeating: 0, count: 4096)
        while !answer.contains(text) {
            let count = chunk.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress, $0.count, 0) }
            guard count > 0 else { throw Closed(answer: answer) }
            answer += String(decoding: chunk[..<count], as: UTF8.self)
        }
        return answer
    }
}
