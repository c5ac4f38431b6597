/// Which of the leases that another replica shall have can be laid down with the next beat: those of which nothing is under way.
///
/// Laid down before, what comes of a call could not be recorded, and who takes the account would have to wait for as long as a call
/// may take. A voluntary change of hands has time for that, but not for ever: nobody acts for the account meanwhile.
struct YieldWait: Sendable {
    /// Beats after which a lease is laid down whatever is under way.
    static let limit = 5

    private var beats: [Int32: Int] = [:]

    /// - Parameters:
    ///   - yielding: the accounts that another replica shall have, as the last beat said.
    ///   - isQuiet: whether nothing of an account is under way.
    /// - Returns: those that can be laid down.
    mutating func ready(_ yielding: Set<Int32>, isQuiet: (Int32) -> Bool) -> Set<Int32> {
        beats = beats.filter { yielding.contains($0.key) }
        for account in yielding { beats[account, default: 0] += 1 }
        return yielding.filter { isQuiet($0) || beats[$0, default: 0] > Self.limit }
    }
}
