import Domain

/// A request of a source that was not taken.
///
/// Nothing of its body: nobody knows whose it was.
struct SourceRefusalNote: Sendable, Hashable {
    var at: Timestamp
    var reason: SourceOutcome
    /// The sentence that the sender was answered.
    var detail: String
    /// Bytes of the body as announced or read; `nil` when neither is known.
    var size: Int?
    var contentType: String?
    var userAgent: String?

    /// Characters of a header's value that are noted.
    static let textLimit = 160
}

/// What came of sources since it was last taken: counts, when each was last heard, the first few refusals.
///
/// Pure. Its size does not depend on how much comes: a source has a handful of counts and ``refusalLimit`` refusals.
struct SourceTally: Sendable, Hashable {
    /// Sources that are told apart; what comes from more is not counted.
    static let sourceLimit = 1000
    /// Refusals noted of one source between two flushes.
    static let refusalLimit = 20
    /// Days told apart between two flushes: while nothing can be written, older ones count as the newest.
    static let dayLimit = 3

    /// A day of UTC, counted from 1970-01-01.
    struct Day: Sendable, Hashable, Comparable {
        var number: Int64

        init(_ instant: Timestamp) {
            number = instant.microseconds / 86_400_000_000
        }

        static func < (left: Day, right: Day) -> Bool { left.number < right.number }
    }

    /// What came of one source.
    struct Entry: Sendable, Hashable {
        var counts: [Day: [SourceOutcome: Int64]] = [:]
        var lastSeenAt: Timestamp?
        var lastRefusedAt: Timestamp?
        /// Faults since it was last seen, or since the tally began.
        var faultsSinceSeen: Int64 = 0
        var refusals: [SourceRefusalNote] = []
    }

    private(set) var entries: [Int32: Entry] = [:]

    var isEmpty: Bool { entries.isEmpty }

    /// Counts requests, or events, that came to the same.
    ///
    /// `isProved`: whether their proof was looked at and is right, where the outcome alone does not say it. Who did not prove
    /// to be the source is no sign of life of it.
    mutating func count(
        _ outcome: SourceOutcome,
        of source: Int32,
        at now: Timestamp,
        times: Int64 = 1,
        isProved: Bool = true
    ) {
        guard entries[source] != nil || entries.count < Self.sourceLimit else { return }
        entries[source, default: Entry()].count(outcome, at: now, times: times, isProved: isProved)
    }

    /// Whether there is room for one more refusal of a source.
    func hasRoomForRefusal(of source: Int32) -> Bool {
        entries[source].map { $0.refusals.count < Self.refusalLimit } ?? (entries.count < Self.sourceLimit)
    }

    /// Notes a refusal, where there is room; counting it is another matter.
    mutating func note(_ refusal: SourceRefusalNote, of source: Int32) {
        guard hasRoomForRefusal(of: source) else { return }
        entries[source, default: Entry()].refusals.append(refusal)
    }

    /// Puts back what could not be written, in front of what came since.
    mutating func putBack(_ earlier: SourceTally) {
        for (source, entry) in earlier.entries {
            guard let later = entries[source] else {
                if entries.count < Self.sourceLimit { entries[source] = entry }
                continue
            }
            entries[source] = entry.followed(by: later)
        }
    }
}

extension SourceTally.Entry {
    fileprivate mutating func count(_ outcome: SourceOutcome, at now: Timestamp, times: Int64, isProved: Bool) {
        add(times, outcome, on: SourceTally.Day(now))
        if outcome.isGenuine, isProved {
            lastSeenAt = max(lastSeenAt ?? now, now)
            faultsSinceSeen = 0
        }
        if outcome.isRefusal { lastRefusedAt = max(lastRefusedAt ?? now, now) }
        if outcome.isFault { faultsSinceSeen += times }
    }

    private mutating func add(_ count: Int64, _ outcome: SourceOutcome, on day: SourceTally.Day) {
        var day = day
        if counts[day] == nil, counts.count >= SourceTally.dayLimit, let newest = counts.keys.max() { day = newest }
        counts[day, default: [:]][outcome, default: 0] += count
    }

    fileprivate func followed(by later: Self) -> Self {
        var sum = self
        for (day, added) in later.counts.sorted(by: { $0.key < $1.key }) {
            for (outcome, count) in added { sum.add(count, outcome, on: day) }
        }
        sum.lastSeenAt = [lastSeenAt, later.lastSeenAt].compactMap { $0 }.max()
        sum.lastRefusedAt = [lastRefusedAt, later.lastRefusedAt].compactMap { $0 }.max()
        sum.faultsSinceSeen = later.faultsSinceSeen + (later.lastSeenAt == nil ? faultsSinceSeen : 0)
        sum.refusals = Array((refusals + later.refusals).prefix(SourceTally.refusalLimit))
        return sum
    }
}
