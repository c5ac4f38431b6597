import Domain
import Testing

@testable import Service

@Suite("TimelineWindow")
struct TimelineWindowTests {
    /// 2027-01-15, 08:00 in UTC.
    private static let now = Timestamp(seconds: 1_800_000_000)
    private let utc = LocalClock(zoneName: "UTC")
    private let madrid = LocalClock(zoneName: "Europe/Madrid")

    /// Span, its seconds, and seconds from now to its end.
    private static let spans: [(TimelineSpan, Int64, Int64)] = [
        (.hour, 3600, 0), (.six, 21_600, 0), (.day, 86_400, 3600), (.week, 604_800, 57_600),
        (.month, 2_592_000, 57_600),
    ]

    @Test(arguments: spans)
    func `a picture ends with the line of its grid that comes next`(span: TimelineSpan, length: Int64, ahead: Int64) {
        let window = TimelineWindow(span: span, until: nil, clock: utc, now: Self.now)
        #expect(window.to - window.from == .seconds(length))
        #expect(window.to - Self.now == .seconds(ahead))
        #expect(window.isLatest && window.lines.count == span.steps)
    }

    @Test
    func `a picture of the past leads on, and one of a far past still is one`() {
        let past = TimelineWindow(span: .day, until: Self.now - .seconds(500_000), clock: utc, now: Self.now)
        #expect(!past.isLatest)
        let ancient = TimelineWindow(span: .month, until: Timestamp(microseconds: .min / 4), clock: utc, now: Self.now)
        #expect(ancient.to - ancient.from == .seconds(30 * 86_400))
        let future = TimelineWindow(span: .hour, until: Self.now + .seconds(90_000), clock: utc, now: Self.now)
        #expect(future.isLatest && future.to - Self.now <= .seconds(600))
    }

    /// Span, now, when Madrid's clocks changed lately or change today, the hours it shows, and the days of its lines.
    private static let changes: [(TimelineSpan, String, Int64, String)] = [
        (.week, "2026-04-03T10:00:00Z", 7 * 24 - 1, "03-28 03-29 03-30 03-31 04-01 04-02 04-03"),
        (.week, "2026-03-29T00:30:00Z", 7 * 24 - 1, "03-23 03-24 03-25 03-26 03-27 03-28 03-29"),
        (.month, "2026-04-03T10:00:00Z", 30 * 24 - 1, "03-05 03-08 03-11 03-14 03-17 03-20 03-23 03-26 03-29 04-01"),
        (.week, "2026-10-30T10:00:00Z", 7 * 24 + 1, "10-24 10-25 10-26 10-27 10-28 10-29 10-30"),
        (.week, "2026-10-24T23:30:00Z", 7 * 24 + 1, "10-19 10-20 10-21 10-22 10-23 10-24 10-25"),
        (.month, "2026-10-30T10:00:00Z", 30 * 24 + 1, "10-01 10-04 10-07 10-10 10-13 10-16 10-19 10-22 10-25 10-28"),
    ]

    @Test(arguments: changes)
    func `the lines of days are midnights, also before and after the clocks changed`(
        span: TimelineSpan,
        at: String,
        hours: Int64,
        days: String
    ) throws {
        let now = try #require(Timestamp(rfc3339: at))
        let window = TimelineWindow(span: span, until: nil, clock: madrid, now: now)
        #expect(window.lines.map { madrid.dayAndTime($0) } == days.split(separator: " ").map { "\($0) 00:00" })
        #expect(window.lines.first == window.from)
        #expect(window.isLatest && madrid.time(window.to) == "00:00")
        #expect(window.to - window.from == .seconds(hours * 3600))
    }

    /// A zone whose clocks skip a midnight, or show one twice, now, and when its days begin.
    private static let midnights: [(String, String, String)] = [
        ("America/Santiago", "2026-09-07T12:00:00Z", "09-04 00:00, 09-05 00:00, 09-06 01:00, 09-07 00:00"),
        ("America/Havana", "2026-11-02T12:00:00Z", "10-30 00:00, 10-31 00:00, 11-01 00:00 UTC-4, 11-02 00:00"),
    ]

    @Test(arguments: midnights)
    func `a day without a midnight begins with its first hour, and one with two at the first`(
        zone: String,
        at: String,
        days: String
    ) throws {
        let clock = LocalClock(zoneName: zone)
        let now = try #require(Timestamp(rfc3339: at))
        let window = TimelineWindow(span: .week, until: nil, clock: clock, now: now)
        #expect(window.lines.suffix(4).map { clock.dayAndTime($0) }.joined(separator: ", ") == days)
        let line = window.lines[5]
        #expect(TimelineWindow(span: .week, until: line, clock: clock, now: now).to == line)
        #expect(clock.dayAndTime(line - .seconds(1)).hasSuffix("23:59"))
    }

    @Test
    func `the labels of a picture are the days that its lines begin`() throws {
        let now = try #require(Timestamp(rfc3339: "2026-04-03T10:00:00Z"))
        let window = TimelineWindow(span: .week, until: nil, clock: madrid, now: now)
        let ticks = model(window, now: now).values["ticks"] as? [[String: Any]] ?? []
        #expect(
            ticks.compactMap { $0["label"] as? String }
                == ["03-28", "03-29", "03-30", "03-31", "04-01", "04-02", "04-03"]
        )
        // Of 167 hours: the second day has 23.
        let places = ticks.prefix(3).compactMap { $0["x"] as? String }
        #expect(places == ["0", "143.7", "281.4"])
    }

    /// Instants within the weeks in which Madrid's clocks change, forward and back.
    @Test(arguments: ["2026-03-26T10:00:00Z", "2026-10-22T10:00:00Z"])
    func `whoever goes on from a picture skips no day, sees none twice, and comes back`(at: String) throws {
        let until = try #require(Timestamp(rfc3339: at))
        for span in [TimelineSpan.week, .month] {
            let first = TimelineWindow(span: span, until: until, clock: madrid, now: Self.now)
            let values = model(first, now: Self.now).values
            #expect((values["later"] as? String)?.contains("until=" + pathEscaped(first.next.rfc3339)) == true)
            let second = TimelineWindow(span: span, until: first.next, clock: madrid, now: Self.now)
            #expect(second.from == first.to && second.to == first.next)
            let back = TimelineWindow(span: span, until: second.from, clock: madrid, now: Self.now)
            #expect(back.from == first.from && back.to == first.to)
        }
    }

    /// A picture of an agent of Madrid to whom nothing happened.
    private func model(_ window: TimelineWindow, now: Timestamp) -> TimelineModel {
        let timeline = Timeline(
            punches: [],
            holds: [],
            breakAction: .keep,
            observed: [],
            from: window.from,
            to: min(window.to, now)
        )
        return TimelineModel(
            history: AgentHistory(timeline: timeline, events: [], commands: []),
            window: window,
            clock: madrid,
            path: "/agents/ada",
            words: PageLanguages()[.english],
            isCurrent: true,
            now: now
        )
    }
}
