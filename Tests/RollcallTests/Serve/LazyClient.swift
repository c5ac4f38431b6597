import Dispatch
import Glibc
import TestSupport

/// A client that takes the beginning of its answer, and then nothing more.
struct LazyClient: Sendable {
    private let descriptor: Int32

    struct Closed: Error {
        var answer: String
    }

    /// Sends and reads until the answer contains a text; throws ``Closed`` when the connection ends before.
    init(_ requests: String, port: Int, until text: String) async throws {
        let descriptor = try LoopbackPort.connect(to: port)
        var limit = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        do {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                // A queue of its own has a thread at once, however many others wait for their answers.
                DispatchQueue(label: "lazy client").async {
                    continuation.resume(with: Result { try Self.exchange(requests, descriptor, until: text) })
                }
            }
        } catch {
            close(descriptor)
            throw error
        }
        self.descriptor = descriptor
    }

    func end() {
        close(descriptor)
    }

    private static func exchange(_ requests: String, _ descriptor: Int32, until text: String) throws {
        let bytes = Array(requests.utf8)
        let sent = bytes.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        guard sent == bytes.count else { throw Closed(answer: "") }
        var answer = ""
        var chunk = [UInt8](repeating: 0, count: 1024)
        while !answer.contains(text) {
            let count = recv(descriptor, &chunk, chunk.count, 0)
            guard count > 0 else { throw Closed(answer: answer) }
            answer += String(decoding: chunk[..<count], as: UTF8.self)
        }
    }
}
