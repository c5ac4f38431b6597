import Synchronization

/// Bytes that come bit by bit.
final class Received: Sendable {
    private let bytes = Mutex<[UInt8]>([])

    var text: String { bytes.withLock { String(decoding: $0, as: UTF8.self) } }
    var count: Int { bytes.withLock { $0.count } }

    func add(_ more: some Sequence<UInt8>) {
        bytes.withLock { $0 += more }
    }
}
