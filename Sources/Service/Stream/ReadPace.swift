/// When the feed reads agents again: soon, and yet leaving time to whoever posts events.
struct ReadPace: Sendable {
    /// How many are told what was read.
    var watchers: Int
    /// Whether all agents are known: before that nobody is told anything, and everybody waits.
    var isComplete: Bool

    /// Between the beginnings of two parts of the round, where nobody waits for it.
    static let walkInterval = Duration.milliseconds(100)

    private static let shortest = Duration.milliseconds(40)
    private static let longest = Duration.milliseconds(200)

    /// Between the beginnings of two reads at the least, however many hints come.
    ///
    /// The more watch, the more each telling costs whoever posts events; that a page shows a change within half a second leaves
    /// room for it.
    var spacing: Duration {
        isComplete ? min(max(Self.shortest, .milliseconds(watchers)), Self.longest) : Self.shortest
    }

    /// When the next read may begin.
    ///
    /// A read that takes long is not followed by the next at once. The telling pauses by itself and counts for nothing here.
    ///
    /// `ended`: when the last one had its answer, before it was told.
    func next(began: ContinuousClock.Instant, ended: ContinuousClock.Instant) -> ContinuousClock.Instant {
        max(began + spacing, ended + spacing / 2)
    }
}
