import Glibc

/// Ports on 127.0.0.1.
package enum LoopbackPort {
    /// Below the ports that the kernel gives to whoever connects: a server that restarts finds its own still free.
    private static let ownPorts = 20_000..<32_000

    /// A port that nobody listens on at this moment.
    package static func free() throws -> Int {
        for _ in 0..<100 {
            let port = Int.random(in: ownPorts)
            if let descriptor = try? listener(on: port) {
                close(descriptor)
                return port
            }
        }
        throw ClusterError("no free port")
    }

    /// A socket that listens on a port, 0 for one of the kernel's choice; the caller closes it.
    package static func listener(on port: Int = 0) throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw ClusterError("no socket: \(errno)") }
        var address = loopback(port: port)
        let isBound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(descriptor, pointer, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isBound, listen(descriptor, 64) == 0 else {
            close(descriptor)
            throw ClusterError("cannot listen: \(errno)")
        }
        return descriptor
    }

    /// The port a socket is bound to.
    package static func number(of descriptor: Int32) throws -> Int {
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isKnown = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                getsockname(descriptor, pointer, &length) == 0
            }
        }
        guard isKnown else { throw ClusterError("no address: \(errno)") }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    /// Connects to a port; the caller closes the socket.
    package static func connect(to port: Int) throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw ClusterError("no socket: \(errno)") }
        var address = loopback(port: port)
        let isConnected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                Glibc.connect(descriptor, pointer, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isConnected else {
            close(descriptor)
            throw ClusterError("cannot connect: \(errno)")
        }
        return descriptor
    }

    private static func loopback(port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(truncatingIfNeeded: port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }
}
