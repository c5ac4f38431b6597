/// Tells a database that takes nothing any more from one that takes less than is sent.
///
/// Events wait as long as batches are committed: what is done is not done in vain, and what is too much is refused when it comes.
/// Where none is committed for ``limit`` whoever waits is told so, within a second of the event's last byte.
///
/// Pure: time is passed in.
struct AppendStall: Sendable {
    /// Without a commit for so long, while a batch is under way, nothing is taken.
    static let limit: Duration = .milliseconds(850)
    /// How late that may be noticed.
    static let resolution: Duration = .milliseconds(50)

    private var underWay: [Int: [AppendQueue.Waiting]] = [:]
    private var count = 0
    private var movedAt = ContinuousClock.now

    /// A batch begins; returns its number.
    mutating func begin(_ batch: [AppendQueue.Waiting], at instant: ContinuousClock.Instant) -> Int {
        if underWay.isEmpty { movedAt = instant }
        count += 1
        underWay[count] = batch
        return count
    }

    /// A batch is over, committed or not.
    mutating func end(_ number: Int, isCommitted: Bool, at instant: ContinuousClock.Instant) {
        underWay[number] = nil
        if isCommitted { movedAt = instant }
    }

    /// What is under way, if nothing was committed for ``limit``.
    func stalled(at instant: ContinuousClock.Instant) -> [AppendQueue.Waiting]? {
        guard !underWay.isEmpty, instant - movedAt >= Self.limit else { return nil }
        return underWay.keys.sorted().flatMap { underWay[$0] ?? [] }
    }
}
