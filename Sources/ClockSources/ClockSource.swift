/// Something that turns one sender's deliveries into punches: the port that every adapter fills.
///
/// Pure: the same delivery always reads the same, whatever came before. Repeats, order, aliases and what
/// a new version changes are the ledger's business.
package protocol ClockSource: Sendable {
    /// Proves where a delivery comes from, then reads what it says.
    ///
    /// - Throws: when the proof fails; nothing of the delivery may be kept then.
    func read(_ delivery: Delivery) throws(SourceRefusal) -> DeliveryReading

    /// Answers an `OPTIONS` request by which a sender asks, before any delivery, whether we want them.
    ///
    /// Proves nothing and carries no event.
    /// - Returns: `nil` for senders that never ask, or when this is no such question.
    func consent(to request: Delivery) -> DeliveryAnswer?
}

extension ClockSource {
    package func consent(to request: Delivery) -> DeliveryAnswer? { nil }
}

/// Makes the adapter that a configured source asks for.
///
/// - Throws: when the settings cannot make a safe source of that kind, for example without a secret.
package func makeClockSource(_ settings: SourceSettings) throws(SourceSettingsError) -> any ClockSource {
    try settings.kind.makeSource(settings)
}
