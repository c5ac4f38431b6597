import Foundation
import NIOPosix
import Service

/// The addresses that a host's name leads to, asked of the system.
enum HostAddresses {
    /// One address: its bytes in network order, and as text.
    struct Address: Sendable, Hashable {
        var bytes: [UInt8]
        var text: String
    }

    /// Resolves a name on a thread apart; empty when it leads nowhere, or as soon as the task is cancelled.
    ///
    /// A cancelled look-up that has begun keeps its thread for as long as the resolver waits; one that has not never begins.
    static func resolve(_ host: String, by lookUp: @escaping @Sendable (String) -> [Address]) async -> [Address] {
        let answer = OneShot<[Address]>()
        NIOThreadPool.singleton.submit { state in
            guard case .active = state, !answer.isGiven else { return answer.give([]) }
            answer.give(lookUp(host))
        }
        return await withTaskCancellationHandler {
            await answer.wait()
        } onCancel: {
            answer.give([])
        }
    }

    /// Asks the system about a name, or reads an address in any spelling that it knows; empty when there is none.
    ///
    /// Blocks its thread for as long as the system's resolver does.
    @Sendable static func lookUp(_ host: String) -> [Address] {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        var addresses: [Address] = []
        var next = list
        while let entry = next {
            if let address = address(entry.pointee), !addresses.contains(address) { addresses.append(address) }
            next = entry.pointee.ai_next
        }
        return addresses
    }

    private static func address(_ entry: addrinfo) -> Address? {
        guard let socket = entry.ai_addr else { return nil }
        var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        guard
            getnameinfo(socket, entry.ai_addrlen, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) == 0
        else { return nil }
        let name = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        switch entry.ai_family {
        case AF_INET:
            return socket.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { socket in
                withUnsafeBytes(of: socket.pointee.sin_addr) { Address(bytes: Array($0), text: name) }
            }
        case AF_INET6:
            return socket.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { socket in
                withUnsafeBytes(of: socket.pointee.sin6_addr) { Address(bytes: Array($0), text: name) }
            }
        default: return nil
        }
    }
}
