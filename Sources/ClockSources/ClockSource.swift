/// Something that turns one sender's deliveries into punches: the port that every adapter fills.
///
/// Pure: the same delivery always reads the same, whatever came before. Repeats, order, aliases and what
/// a new version changes are the ledger's business.
package protocol ClockSource: Sendable {
    /// Proves where a delivery comes from, then reads what it says.
    ///
    /// - Throws: when the proof fails; nothing of the delivery may be kept then.
    func read(_ delivery: Delivery) throws(SourceRefusal) -> DeliveryReading
}

/// Makes the adapter that a configured source asks for.
///
/// - Throws: when the settings cannot make a safe source of that kind, for example without a secret.
package func makeClockSource(_ settings: SourceSettings) throws(SourceSettingsError) -> any ClockSource {
    switch settings.kind {
    case .square: try SquareSource(settings)
    case .genericBearer: try GenericBearerSource(settings)
    }
}
