import Domain

/// Tells outages of an engine apart from one that comes and goes.
///
/// An outage ends with the first sign of life. From the fourth within five minutes on it is one that comes and goes, as with an
/// engine that answers one call in ten: it ends once nothing has broken for a while, so that it is not told anew every few
/// seconds.
///
/// Pure.
struct OutageWatch: Sendable, Hashable {
    /// For how long it counts that an outage began.
    static let memory: Duration = .seconds(300)
    /// Outages that may begin within ``memory`` before they are one that comes and goes.
    static let limit = 3

    private var isOpen = false
    private var comesAndGoes = false
    private var brokeAt: Timestamp?
    /// When the last ones began, at most ``limit``.
    private var beginnings: [Timestamp] = []

    /// Nothing is answered, again or still.
    mutating func broke(at now: Timestamp) {
        if !isOpen {
            comesAndGoes = beginnings.count { now - $0 < Self.memory } >= Self.limit
            beginnings = beginnings.suffix(Self.limit - 1) + [now]
        }
        isOpen = true
        brokeAt = now
    }

    /// Takes in a sign of life.
    ///
    /// `calm`: for how long nothing may have broken where the outage comes and goes.
    /// - Returns: whether no outage is left.
    mutating func ends(at now: Timestamp, calm: Duration) -> Bool {
        guard isOpen else { return true }
        if comesAndGoes, let brokeAt, now - brokeAt < calm { return false }
        isOpen = false
        return true
    }
}
