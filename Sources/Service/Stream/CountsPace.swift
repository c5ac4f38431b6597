import Domain

/// When the counts are told: soon after they changed, and now and then though they are the same, since they were counted anew.
struct CountsPace: Sendable {
    /// The newest counts, told or not: the first are not, since everybody reads a list after them.
    private(set) var latest: Summary?
    private var toldAt = ContinuousClock.now

    /// Between two tellings at the least: whoever looks at the page sees a change half a second after its commit.
    static let interval = Duration.milliseconds(200)
    /// Counts that stay the same are told as counted anew so often.
    static let renewal = Duration.seconds(10)

    /// Whether it is time to count.
    func isDue(hasChanged: Bool, now: ContinuousClock.Instant) -> Bool {
        latest == nil || toldAt + (hasChanged ? Self.interval : Self.renewal) <= now
    }

    /// Takes in a count that was due.
    ///
    /// - Returns: what is to be told; `nil` when it says nothing new, or is older than what was taken before.
    mutating func take(_ summary: Summary, now: ContinuousClock.Instant) -> Summary? {
        guard let before = latest else {
            latest = summary
            toldAt = now
            return nil
        }
        guard before.asOf <= summary.asOf else { return nil }
        let isSame = before.groups == summary.groups
        guard !isSame || (toldAt + Self.renewal <= now && before.asOf < summary.asOf) else { return nil }
        latest = summary
        toldAt = now
        return summary
    }
}
