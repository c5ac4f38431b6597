import Foundation
import Glibc

/// This process's TCP sockets, as the kernel lists them.
enum OpenSockets {
    /// Sockets of this process that are connected to a port, whatever their state.
    static func count(toPort port: Int) throws -> Int {
        let mine = Set(try descriptors())
        let suffix = ":" + String(format: "%04X", port)
        let table = try String(contentsOfFile: "/proc/self/net/tcp", encoding: .utf8)
        return table.split(separator: "\n").dropFirst().count { line in
            let fields = line.split(separator: " ")
            // Fields: number, local address, remote address, state, queues, timer, retransmits, uid, time-out, inode.
            return fields.count > 9 && fields[2].hasSuffix(suffix) && mine.contains("socket:[\(fields[9])]")
        }
    }

    /// What each open descriptor of this process stands for.
    static func descriptors() throws -> [String] { try Array(table().values) }

    /// The descriptors of this process's sockets that are connected to a port.
    static func numbers(toPort port: Int) throws -> [Int32] {
        let suffix = ":" + String(format: "%04X", port)
        let connections = try String(contentsOfFile: "/proc/self/net/tcp", encoding: .utf8)
        let names = Set(
            connections.split(separator: "\n").dropFirst().compactMap { line -> String? in
                let fields = line.split(separator: " ")
                return fields.count > 9 && fields[2].hasSuffix(suffix) ? "socket:[\(fields[9])]" : nil
            }
        )
        return try table().filter { names.contains($0.value) }.map(\.key)
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
