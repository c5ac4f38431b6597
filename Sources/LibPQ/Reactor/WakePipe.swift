import Glibc

/// Wakes a thread that waits for descriptors.
struct WakePipe: Sendable {
    /// Becomes readable after ``wake()``.
    let reader: Int32
    private let writer: Int32

    /// Opens the pipe; `nil` when the process has no descriptor left.
    init?() {
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { return nil }
        reader = ends[0]
        writer = ends[1]
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
    }

    /// Makes the reader readable.
    ///
    /// Never blocks: a full pipe is readable already.
    func wake() {
        var byte: UInt8 = 1
        _ = unsafe write(writer, &byte, 1)
    }

    /// Makes the reader not readable.
    func drain() {
        var bytes: (UInt64, UInt64) = (0, 0)
        _ = unsafe read(reader, &bytes, 16)
    }

    /// Closes both ends; nobody may use them any more.
    func close() {
        Glibc.close(reader)
        Glibc.close(writer)
    }
}
