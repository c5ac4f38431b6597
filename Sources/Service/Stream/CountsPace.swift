import Domain

/// When the counts are told: soon after they changed, and now and then though they are the same, since they were counted anew.
struct CountsPace: Sendable {
    /// The newest counts, told or not: the first are not, since everybody reads a list after them.
    private(set) var latest: Summary?
    private var toldAt = ContinuousClock.now
    /// How many teams they tell of.
    private var teams = 0

    /// Between two tellings at the least: whoever looks at the page sees a change half a second after its commit.
    static let interval = Duration.milliseconds(200)
    /// Between two tellings of a change at the most, however large the counts are and however many watch.
    static let longestInterval = Duration.seconds(2)
    /// Bytes of counts that are told a second, to all who watch together: twice what 20 teams are to 200 watchers.
    static let bytesPerSecond = 16 * 1_048_576
    /// What is told of one team, roughly, in bytes.
    static let teamSize = 400
    /// Counts that stay the same are told as counted anew so often.
    static let renewal = Duration.seconds(10)

    /// Between two tellings of a change, of so many teams to so many watchers.
    static func spacing(teams: Int, watchers: Int) -> Duration {
        let bytes = teams * teamSize * watchers
        return min(max(interval, .milliseconds(bytes * 1000 / bytesPerSecond)), longestInterval)
    }

    /// Whether it is time to count.
    func isDue(hasChanged: Bool, watchers: Int, now: ContinuousClock.Instant) -> Bool {
        let interval = hasChanged ? Self.spacing(teams: teams, watchers: watchers) : Self.renewal
        return latest == nil || toldAt + interval <= now
    }

    /// Takes in a count that was due.
    ///
    /// - Returns: what is to be told; `nil` when it says nothing new, or is older than what was taken before.
    mutating func take(_ summary: Summary, now: ContinuousClock.Instant) -> Summary? {
        guard let before = latest else {
            keep(summary, now)
            return nil
        }
        guard before.asOf <= summary.asOf else { return nil }
        let isSame = before.groups == summary.groups
        guard !isSame || (toldAt + Self.renewal <= now && before.asOf < summary.asOf) else { return nil }
        keep(summary, now)
        return summary
    }

    private mutating func keep(_ summary: Summary, _ now: ContinuousClock.Instant) {
        latest = summary
        teams = Set(summary.groups.lazy.map(\.team)).count
        toldAt = now
    }
}
