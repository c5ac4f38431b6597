/// How many agents are folded again in one transaction, so that each stays within the database's time limit.
///
/// Pure.
struct UnparkPortion: Sendable, Hashable {
    /// Few enough that who waits for the map or for one of the agents waits for a moment.
    static let most = 100

    private(set) var size = Self.most

    /// The portion is done: the next one may be larger again.
    mutating func done() { size = min(Self.most, size * 2) }

    /// The portion took too long: it is tried again by halves.
    mutating func tookTooLong() { size = max(1, size / 2) }
}
