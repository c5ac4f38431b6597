import Dispatch
import Glibc
import Synchronization

/// A TCP proxy on a loopback port that can stop forwarding without closing anything: a half-open link.
package final class TCPProxy: Sendable {
    /// The port to connect to.
    package let port: Int
    private let target: Int
    private let listener: Int32
    private let state = Mutex(State())

    private struct State {
        var isForwarding = true
        var isClosed = false
        var sockets: [Int32] = []
        var accepted = 0
    }

    /// Starts forwarding to another loopback port.
    package init(to target: Int) throws {
        self.target = target
        listener = try LoopbackPort.listener()
        port = try LoopbackPort.number(of: listener)
        DispatchQueue(label: "proxy.accept").async { [self] in acceptAll() }
    }

    /// Connections accepted so far.
    package var acceptedCount: Int { state.withLock { $0.accepted } }

    /// Swallows bytes from now on, in both directions and on new connections, or forwards new ones again.
    package func setForwarding(_ isForwarding: Bool) {
        state.withLock { $0.isForwarding = isForwarding }
    }

    /// Ends every connection of the moment, as a network that breaks does; new ones are forwarded.
    ///
    /// - Returns: how many there were.
    @discardableResult
    package func cut() -> Int {
        let sockets = state.withLock { $0.sockets }
        for socket in sockets { shutdown(socket, Int32(SHUT_RDWR)) }
        return sockets.count / 2
    }

    /// Closes everything.
    package func close() {
        let sockets = state.withLock { state in
            state.isClosed = true
            defer { state.sockets = [] }
            return state.sockets
        }
        for socket in sockets + [listener] { shutdown(socket, Int32(SHUT_RDWR)) }
    }

    private func acceptAll() {
        while true {
            let client = accept(listener, nil, nil)
            guard client >= 0 else { break }
            guard let server = try? LoopbackPort.connect(to: target) else {
                // The target is down: the client sees what it would see there, a connection that ends.
                Glibc.close(client)
                continue
            }
            let isKept = state.withLock { state in
                guard !state.isClosed else { return false }
                state.sockets += [client, server]
                state.accepted += 1
                return true
            }
            guard isKept else {
                Glibc.close(client)
                Glibc.close(server)
                break
            }
            let pumps = DispatchGroup()
            pump(client, server, pumps)
            pump(server, client, pumps)
            pumps.notify(queue: .global()) { [self] in
                state.withLock { state in state.sockets.removeAll { $0 == client || $0 == server } }
                Glibc.close(client)
                Glibc.close(server)
            }
        }
        Glibc.close(listener)
    }

    private func pump(_ source: Int32, _ target: Int32, _ group: DispatchGroup) {
        DispatchQueue(label: "proxy.pump").async(group: group) { [self] in
            var buffer = [UInt8](repeating: 0, count: 16_384)
            while true {
                let count = read(source, &buffer, buffer.count)
                guard count > 0 else { break }
                guard state.withLock({ $0.isForwarding }) else { continue }
                guard send(target, buffer, count, Int32(MSG_NOSIGNAL)) == count else { break }
            }
            shutdown(target, Int32(SHUT_RDWR))
            shutdown(source, Int32(SHUT_RDWR))
        }
    }
}
