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

    private func send(_ request: String, until text: String) throws -> String {
        let bytes = Array(request.utf8)
        let sent = bytes.withUnsafeBytes {
            unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        var answer = ""
        guard sent == bytes.count else { throw Closed(answer: answer) }
        var chunk = [UInt8](repeating: 0, count: 4096)
        while !answer.contains(text) {
            let count = chunk.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress, $0.count, 0) }
            guard count > 0 else { throw Closed(answer: answer) }
            answer += String(decoding: chunk[..<count], as: UTF8.self)
        }
        return answer
    }
}
