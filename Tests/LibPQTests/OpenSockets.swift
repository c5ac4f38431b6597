import Foundation
import Glibc

/// This process's TCP sockets, as the kernel lists them.
enum OpenSockets {
    /// Sockets of this process that are connected to a port, whatever their state.
    static func count(toPort port: Int) throws -> Int {
        let mine = Set(try descriptors())
        return try names(toPort: port).count(where: mine.contains)
    }

    /// What each open descriptor of this process stands for.
    static func descriptors() throws -> [String] { try Array(table().values) }

    /// The descriptors of this process's sockets that are connected to a port.
    static func numbers(toPort port: Int) throws -> [Int32] {
        let names = Set(try names(toPort: port))
        return try table().filter { names.contains($0.value) }.map(\.key)
    }

    /// The sockets that are connected to a port, as descriptors are said to stand for them, whosever they are.
    private static func names(toPort port: Int) throws -> [String] {
        let suffix = ":" + String(format: "%04X", port)
        return try connections().split(separator: "\n").dropFirst().compactMap { line in
            let fields = line.split(separator: " ")
            // Fields: number, local address, remote address, state, queues, timer, retransmits, uid, time-out, inode.
            return fields.count > 9 && fields[2].hasSuffix(suffix) ? "socket:[\(fields[9])]" : nil
        }
    }

    /// The kernel's list of connections, whole: it gives a page at a time, and Foundation takes the first for all.
    private static func connections() throws -> String {
        let file = open("/proc/self/net/tcp", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw POSIXError(.ENOENT) }
        defer { Glibc.close(file) }
        var bytes: [UInt8] = []
        var page = [UInt8](repeating: 0, count: 65_536)
        while case let count = read(file, &page, page.count), count > 0 { bytes += page[..<count] }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// An option of a socket, as the kernel has it.
    static func option(_ name: Int32, of level: Int32, _ descriptor: Int32) -> Int32? {
        var value: Int32 = -1
        var size = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(descriptor, level, name, &value, &size) == 0 ? value : nil
    }

    /// What each open descriptor of this process stands for, by its number.
    private static func table() throws -> [Int32: String] {
        let folder = "/proc/self/fd"
        var table: [Int32: String] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
            // A descriptor of another test may be closed by now.
            let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\(name)")
            if let target, let number = Int32(name) { table[number] = target }
        }
        return table
    }
}

/// Closes what a test opened below Foundation.
enum SocketCloser {
    static func close(_ descriptor: Int32) {
        Glibc.close(descriptor)
    }
}
