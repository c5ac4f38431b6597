/// What a call is bound to until it leaves, and who is told that it has.
///
/// Between being made and leaving a call may wait for a connection, for seconds where one has to be opened.
package struct CallDeparture: Sendable {
    /// For how much longer the call may leave; nothing or less takes it back, with ``EngineVerdict/notSent``.
    ///
    /// `nil`: as long as the account's time-out. Asked again several times a second, so what was prolonged or ended meanwhile counts.
    package var remaining: (@Sendable () -> Duration)?
    /// Told once, on whatever thread, when the head of the request is handed to a connection; never where none is.
    package var hasLeft: @Sendable () -> Void

    package init(remaining: (@Sendable () -> Duration)? = nil, hasLeft: @escaping @Sendable () -> Void = {}) {
        self.remaining = remaining
        self.hasLeft = hasLeft
    }
}
