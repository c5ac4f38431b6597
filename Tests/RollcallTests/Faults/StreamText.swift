import Dispatch
import Glibc
import TestSupport

/// A stream of the service as it comes.
final class StreamText: Sendable {
    private let socket: Int32
    private let received = Received()

    init(of served: Served) throws {
        socket = try LoopbackPort.connect(to: served.http.port)
        let head = """
            GET /v1/stream HTTP/1.1\r
            Host: localhost\r
            Authorization: Bearer \(Installation.adminKey)\r
            \r

            """
        let bytes = Array(head.utf8)
        _ = bytes.withUnsafeBytes { send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        DispatchQueue(label: "stream").async { [socket, received] in
            var buffer = [UInt8](repeating: 0, count: 16_384)
            while case let count = read(socket, &buffer, buffer.count), count > 0 { received.add(buffer[..<count]) }
            Glibc.close(socket)
        }
    }

    var text: String { received.text }

    func close() {
        shutdown(socket, Int32(SHUT_RDWR))
    }
}
