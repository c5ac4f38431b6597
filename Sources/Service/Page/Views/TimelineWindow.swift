import Domain

/// How much of the past a picture shows.
enum TimelineSpan: String, Sendable, Hashable, CaseIterable {
    case hour, six, day, week, month

    /// Days between two lines, where these stand for days rather than for times of a day.
    var days: Int? {
        switch self {
        case .hour, .six, .day: nil
        case .week: 1
        case .month: 3
        }
    }

    /// Between two lines of the grid, but for days on which the clocks change.
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

    /// From the first line to the end, but for days on which the clocks change.
    var length: Duration { step * steps }
}

/// The stretch of time that a picture shows: it ends at a line of its grid.
struct TimelineWindow: Sendable {
    let span: TimelineSpan
    let from: Timestamp
    let to: Timestamp
    /// The lines of the grid, the first at the beginning; those of days are the midnights of the agent's clock.
    let lines: [Timestamp]
    /// Where the picture ends that goes on where this one ends.
    let next: Timestamp
    /// Whether it ends with now.
    let isLatest: Bool

    /// Longer ago than this nothing is shown.
    private static let oldest = Timestamp(seconds: 946_684_800)

    init(span: TimelineSpan, until: Timestamp?, clock: LocalClock, now: Timestamp) {
        let wanted = max(min(until ?? now, now), Self.oldest + span.length)
        let end = Self.end(from: wanted, span, clock)
        func line(_ number: Int) -> Timestamp {
            guard let days = span.days else { return end + span.step * number }
            return clock.midnight(of: end, plus: days * number)
        }
        self.span = span
        from = line(-span.steps)
        to = end
        lines = (0..<span.steps).map { line($0 - span.steps) }
        next = line(span.steps)
        isLatest = end >= now
    }

    /// The line that comes next: a picture of days still shows the newest hours, and ends with the day that has begun.
    private static func end(from wanted: Timestamp, _ span: TimelineSpan, _ clock: LocalClock) -> Timestamp {
        guard span.days != nil else { return clock.ceiling(wanted, step: span.step) }
        return clock.midnight(of: wanted) == wanted ? wanted : clock.midnight(of: wanted, plus: 1)
    }

    /// From 0 to 1,000 across the picture.
    func place(_ instant: Timestamp) -> Double {
        let share = (instant - from).inSeconds / (to - from).inSeconds
        return min(max(share, 0), 1) * 1000
    }
}
