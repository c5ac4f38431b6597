import Domain

/// Which of the leases that another replica shall have can be laid down with the next beat: those of which nothing is under way.
///
/// Laid down before, what comes of a call could not be recorded, and who takes the account would have to wait for as long as a call
/// may take. A voluntary change of hands has time for that, but not for ever: nobody acts for the account meanwhile.
struct YieldWait: Sendable {
    /// After this a lease is laid down whatever is under way.
    static let limit: Duration = .seconds(5)

    /// Since when an account is to be laid down, in microseconds of the monotonic clock.
    private var since: [Int32: Int64] = [:]

    /// - Parameters:
    ///   - yielding: the accounts that another replica shall have, as the last beat said.
    ///   - now: in microseconds of the monotonic clock; beats follow each other as others ring for them.
    ///   - isQuiet: whether nothing of an account is under way.
    /// - Returns: those that can be laid down.
    mutating func ready(_ yielding: Set<Int32>, now: Int64, isQuiet: (Int32) -> Bool) -> Set<Int32> {
        since = since.filter { yielding.contains($0.key) }
        for account in yielding where since[account] == nil { since[account] = now }
        return yielding.filter { isQuiet($0) || now - since[$0, default: now] >= Self.limit.microseconds }
    }
}
