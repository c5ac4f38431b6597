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
    static func descriptors() throws -> [String] {
        let folder = "/proc/self/fd"
        return try FileManager.default.contentsOfDirectory(atPath: folder).compactMap { name in
            // A descriptor of another test may be closed by now.
            try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\(name)")
        }
    }
}

/// Closes what a test opened below Foundation.
enum SocketCloser {
    static func close(_ descriptor: Int32) {
        Glibc.close(descriptor)
    }
}
