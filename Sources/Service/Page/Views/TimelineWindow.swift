import Domain

/// How much of the past a picture shows.
enum TimelineSpan: String, Sendable, Hashable, CaseIterable {
    case hour, six, day, week, month

    /// Between two lines of the grid.
    var step: Duration {
        switch self {
        case .hour: .seconds(600)
        case .six: .seconds(3600)
        case .day: .seconds(3 * 3600)
        case .week: .seconds(86_400)
        case .month: .seconds(3 * 86_400)
        }
    }

    /// Stretches between lines.
    var steps: Int {
        switch self {
        case .hour, .six: 6
        case .day: 8
        case .week: 7
        case .month: 10
        }
    }

    var length: Duration { step * steps }

    /// Whether the lines stand for days rather than for times of a day.
    var showsDays: Bool { step >= .seconds(86_400) }
}

/// The stretch of time that a picture shows: it ends at a line of its grid.
struct TimelineWindow: Sendable {
    let span: TimelineSpan
    let from: Timestamp
    let to: Timestamp
    /// Whether it ends with now.
    let isLatest: Bool

    /// Longer ago than this nothing is shown.
    private static let oldest = Timestamp(seconds: 946_684_800)

    init(span: TimelineSpan, until: Timestamp?, clock: LocalClock, now: Timestamp) {
        self.span = span
        let wanted = max(min(until ?? now, now), Self.oldest + span.length)
        // A picture of whole days still shows the newest hours: it ends with the day that has begun.
        to = clock.ceiling(wanted, step: span.showsDays ? .seconds(86_400) : span.step)
        from = to - span.length
        isLatest = to >= now
    }

    /// From 0 to 1,000 across the picture.
    func place(_ instant: Timestamp) -> Double {
        let share = (instant - from).inSeconds / (to - from).inSeconds
        return min(max(share, 0), 1) * 1000
    }

    /// The lines of the grid, the first at the beginning.
    var lines: [Timestamp] { (0..<span.steps).map { from + span.step * $0 } }
}
