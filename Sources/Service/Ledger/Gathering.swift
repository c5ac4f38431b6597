/// Whom the next batch waits for: senders that wait for each answer send again once they have it.
///
/// Without this the first of them would be a batch of its own, and all others would wait for it.
struct Gathering: Sendable {
    /// A commit of fewer events than this is no sign that as many will come again.
    static let shortestBatch = 4
    /// The longest that a batch waits.
    static let limit: Duration = .milliseconds(1)

    /// Events enough to begin with.
    private let expected: Int
    /// Then the batch begins with whatever came.
    let until: ContinuousClock.Instant

    /// Nobody is waited for.
    init() {
        expected = 0
        until = .now
    }

    /// `count`: events whose senders were just answered, one in eight of whom may stay away.
    ///
    /// `waiting`: events that came while those were committed.
    init(after count: Int, waiting: Int, at instant: ContinuousClock.Instant) {
        expected = count < Self.shortestBatch ? 0 : waiting + count - count / 8
        until = instant + Self.limit
    }

    /// Whether a batch may begin.
    func isOver(waiting: Int, now: ContinuousClock.Instant) -> Bool {
        waiting >= expected || now >= until
    }
}
