import CLibPQ

/// A request to the server to cancel what one connection runs.
///
/// Proof for `@unchecked Sendable`: a `PGcancel` is a copy of what the request needs and shares nothing with its
/// connection; libpq lets any thread use it (manual, `PQgetCancel` and `PQcancel`). It is used by one closure, once.
@safe final class CancelRequest: @unchecked Sendable {
    private let pointer: OpaquePointer

    /// Prepares the request; `nil` when the connection is broken.
    ///
    /// Called by the thread that owns the connection.
    init?(_ connection: OpaquePointer) {
        guard let pointer = unsafe PQgetCancel(connection) else { return nil }
        unsafe self.pointer = pointer
    }

    deinit {
        unsafe PQfreeCancel(pointer)
    }

    /// Sends the request on a thread of its own: `PQcancel` blocks while it connects and waits for the server to hang up.
    ///
    /// - Parameter delivered: called there once the server has passed the request on, or it failed; here where there can be no
    ///   thread.
    func send(then delivered: @escaping @Sendable () -> Void) {
        let isBegun = OwnThread.start { [self] in
            var message = [CChar](repeating: 0, count: 256)
            _ = unsafe PQcancel(pointer, &message, Int32(message.count))
            delivered()
        }
        if !isBegun { delivered() }
    }
}
