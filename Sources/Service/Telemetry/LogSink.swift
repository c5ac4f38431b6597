#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif
import Synchronization

/// The system's `write`, out of reach of the member of the same name.
private let systemWrite = write

/// Where finished log lines go.
package struct LogSink: Sendable {
    /// Writes one line, which ends in a line feed; called from any thread.
    package var write: @Sendable (_ line: [UInt8]) -> Void

    package init(write: @escaping @Sendable (_ line: [UInt8]) -> Void) {
        self.write = write
    }

    /// The process' standard error.
    package static let standardError = LogSink.descriptor(STDERR_FILENO)

    /// A file descriptor that stays open.
    ///
    /// Lines are written whole, one after the other. A reader that stops reading stops the writers: that
    /// is what standard error does for everyone.
    static func descriptor(_ descriptor: Int32) -> LogSink {
        let turn = Turn()
        return LogSink { line in
            turn.mutex.withLock { _ in writeAll(line, to: descriptor) }
        }
    }

    /// Whose turn it is to write.
    private final class Turn: Sendable {
        let mutex = Mutex<Void>(())
    }

    /// Writes until everything is out; gives up when the other end is closed.
    private static func writeAll(_ line: [UInt8], to descriptor: Int32) {
        var rest = line[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { systemWrite(descriptor, $0.baseAddress, $0.count) }
            if written < 0, errno == EINTR { continue }
            if written < 0, errno == EAGAIN {
                waitUntilWritable(descriptor)
                continue
            }
            guard written > 0 else { return }
            rest = rest.dropFirst(written)
        }
    }

    /// For a descriptor that somebody made non-blocking.
    private static func waitUntilWritable(_ descriptor: Int32) {
        var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        _ = poll(&request, 1, 1000)
    }
}
