import Domain
import Testing

@testable import Service

@Suite("TimelineModel")
struct TimelineModelTests {
    /// 2027-01-15, 08:00 in UTC, 13:30 in Kolkata.
    private static let now = Timestamp(seconds: 1_800_000_000)
    private let words = PageLanguages()[.english]

    private func model(
        _ timeline: Timeline,
        _ span: TimelineSpan,
        until: Timestamp? = nil,
        zone: String = "UTC",
        events: [LedgerEntry] = [],
        commands: [CommandEntry] = [],
        arrivals: [LedgerEntry] = []
    ) -> TimelineModel {
        let clock = LocalClock(zoneName: zone)
        return TimelineModel(
            history: AgentHistory(timeline: timeline, events: events, commands: commands, arrivals: arrivals),
            window: TimelineWindow(span: span, until: until, clock: clock, now: Self.now),
            clock: clock,
            path: "/agents/ada",
            words: words,
            isCurrent: true,
            now: Self.now
        )
    }

    private func timeline(_ observed: [Timeline.Interval], from: Timestamp) -> Timeline {
        let began = LedgerPunch(sequence: 1, kind: .clockIn, effectiveAt: Self.now - .seconds(7200))
        return Timeline(
            punches: [began],
            holds: [],
            breakAction: .keep,
            observed: observed,
            from: from,
            to: Self.now
        )
    }

    private func lane(_ values: [String: Any], _ word: String) -> [String: Any] {
        (values["lanes"] as? [[String: Any]] ?? []).first { $0["word"] as? String == word } ?? [:]
    }

    private func bars(_ values: [String: Any], _ word: String) -> [String] {
        (lane(values, word)["bars"] as? [[String: Any]] ?? []).map { bar in
            "\(bar["kind"] ?? "") \(bar["x"] ?? "") \(bar["width"] ?? "")"
        }
    }

    @Test
    func `the table goes by the agent's clock, as the picture does`() throws {
        let from = Self.now - .seconds(3600)
        let values = model(timeline([], from: from), .hour, zone: "Asia/Kolkata").values
        let line = try #require((values["lines"] as? [[String: Any]])?.first)
        #expect((line["to"] as? [String: Any])?["local"] as? String == "2027-01-15 13:30:00")
        #expect((line["to"] as? [String: Any])?["exact"] as? String == "2027-01-15T08:00:00Z")
        #expect(lane(values, "shift")["picture"].map { "\($0)" }?.contains("13:30") == true)
    }

    @Test
    func `what began before is carried in, and what nobody recorded is a gap`() {
        let from = Self.now - .seconds(3600)
        let seen = [
            Timeline.Interval(from: from, to: Self.now - .seconds(1800), state: nil, reason: "not_recorded"),
            Timeline.Interval(from: Self.now - .seconds(1800), to: Self.now, state: "WORKING", reason: "read"),
        ]
        let values = model(timeline(seen, from: from), .hour).values
        #expect(bars(values, "shift") == ["full 0 1000"])
        #expect(bars(values, "seen") == ["gap 0 500", "full 500 500"])
        let legend = try? #require(values["legend"] as? [[String: Any]])
        let gap = legend?.first { $0["kind"] as? String == "gap" }
        let stopped = legend?.first { $0["kind"] as? String == "thin" }
        #expect(gap?["height"] as? Int == 18 && stopped?["height"] as? Int == 4, "a frame, and not a thin line")
        #expect(lane(values, "shift")["carried"] as? String == "This began before the picture does.")
        #expect(lane(values, "seen")["carried"] as? Bool == false)
        let lines = values["lines"] as? [[String: Any]] ?? []
        #expect(lines.map { $0["what"] as? String } == ["on shift", "running", "not recorded", "running"])
        #expect(lines.map { $0["is_carried"] as? Bool } == [true, true, false, false])
        let picture = lane(values, "seen")["picture"] as? String
        #expect(
            picture
                == "Session. From 01-15 07:00 to 01-15 08:00, in stretches: not recorded from 01-15 07:00 to 01-15 07:30; running from 01-15 07:30 to 01-15 08:00"
        )
    }

    @Test
    func `an agent who never clocked in has nothing carried in`() {
        let timeline = Timeline(
            punches: [],
            holds: [],
            breakAction: .keep,
            observed: [],
            from: Self.now - .seconds(3600),
            to: Self.now
        )
        let values = model(timeline, .hour).values
        #expect(lane(values, "shift")["carried"] as? Bool == false)
        #expect((lane(values, "shift")["picture"] as? String)?.contains("never clocked in") == true)
        #expect(bars(values, "wanted") == ["thin 0 1000"] && lane(values, "wanted")["carried"] as? Bool == false)
        let lines = values["lines"] as? [[String: Any]] ?? []
        #expect(lines.count >= 2 && lines.allSatisfy { $0["is_carried"] as? Bool == false })
    }

    /// An event that came some time after it happened.
    private func event(_ kind: PunchKind, at: Timestamp, late: Duration = .zero) -> LedgerEntry {
        LedgerEntry(
            punch: LedgerPunch(sequence: at.microseconds, kind: kind, effectiveAt: at),
            source: "hr",
            occurredAt: at,
            receivedAt: at + late
        )
    }

    @Test
    func `of a month the last clock-out is in the table, and of each lane the newest`() throws {
        let from = Self.now - .seconds(30 * 86_400)
        var events: [LedgerEntry] = []
        var commands: [CommandEntry] = []
        var seen: [Timeline.Interval] = []
        for day in 0..<22 {
            let began = from + .seconds(Int64(day) * 86_400)
            for (kind, hour) in [(PunchKind.clockIn, 9), (.breakStart, 12), (.breakEnd, 13), (.clockOut, 17)] {
                let at = began + .seconds(Int64(hour) * 3600)
                events.append(event(kind, at: at))
                commands.append(
                    CommandEntry(
                        id: Int64(commands.count),
                        action: "start",
                        reason: "should_run",
                        intendedAt: at,
                        sentAt: at
                    )
                )
                // Each command takes the session through some states.
                for (place, state) in ["STARTING", "WORKING", "STOPPED"].enumerated() {
                    let start = at + .seconds(Int64(place) * 600)
                    seen.append(Timeline.Interval(from: start, to: start + .seconds(600), state: state, reason: "read"))
                }
            }
        }
        let timeline = Timeline(
            punches: events.map(\.punch),
            holds: [],
            breakAction: .stop,
            observed: seen,
            from: from,
            to: Self.now
        )
        let values = model(timeline, .month, events: events, commands: commands).values
        let lines = values["lines"] as? [[String: Any]] ?? []
        func instants(_ what: String) -> [String] {
            lines.filter { $0["what"] as? String == what }
                .compactMap { ($0["from"] as? [String: Any])?["exact"] as? String }
        }
        let last = try #require(events.last).punch.effectiveAt.rfc3339
        #expect(instants("Event: clock-out, from hr").count == 22)
        #expect(instants("Event: clock-out, from hr").last == last)
        #expect(lines.filter { ($0["what"] as? String)?.hasPrefix("Command: ") == true }.count == 88)
        #expect(lines.filter { $0["lane"] as? String == "Shift" }.count == 89, "all, and the time before the first")
        let session = lines.filter { $0["lane"] as? String == "Session" }
        #expect(session.count == 120)
        let newest = try #require(seen.last)
        #expect((session.last?["from"] as? [String: Any])?["exact"] as? String == newest.from.rfc3339)
        #expect(values["is_cut"] as? Bool == true)
    }

    @Test
    func `of an event that came late it stands there when it came`() {
        let from = Self.now - .seconds(7200)
        let events = [
            event(.clockIn, at: from + .seconds(600), late: .seconds(60)),
            event(.clockOut, at: from + .seconds(1200), late: .seconds(61)),
        ]
        let values = model(timeline([], from: from), .six, events: events).values
        let lines = (values["lines"] as? [[String: Any]] ?? []).compactMap { $0["what"] as? String }
        #expect(
            lines.suffix(2) == ["Event: clock-in, from hr", "Event: clock-out, from hr; it came 01-15 06:21"]
        )
        let marks = lane(values, "marks")["marks"] as? [[String: Any]] ?? []
        #expect(marks.last?["title"] as? String == "01-15 06:20 Event: clock-out, from hr; it came 01-15 06:21")
    }

    @Test
    func `where an event came late there is a mark of its own, with its word and its line`() {
        let from = Self.now - .seconds(7200)
        let events = [
            event(.clockIn, at: from - .seconds(90_000), late: .seconds(93_600)),
            event(.clockIn, at: from + .seconds(600), late: .seconds(60)),
            event(.clockOut, at: from + .seconds(1200), late: .seconds(3000)),
        ]
        let values = model(timeline([], from: from), .six, events: Array(events.dropFirst()), arrivals: events).values
        let marks = lane(values, "marks")["marks"] as? [[String: Any]] ?? []
        let late = marks.filter { $0["kind"] as? String == "late" }
        let titles = [
            "01-15 07:00 Came late: clock-in, from hr; it counts from 01-14 05:00 on",
            "01-15 07:10 Came late: clock-out, from hr; it counts from 01-15 06:20 on",
        ]
        #expect(late.compactMap { $0["title"] as? String } == titles)
        #expect(late.compactMap { $0["x"] as? String } == ["833.3", "861.1"], "at arrival, and not when it happened")
        let lines = values["lines"] as? [[String: Any]] ?? []
        #expect(lines.suffix(2).compactMap { $0["what"] as? String } == titles.map { String($0.dropFirst(12)) })
        #expect((lines.last?["from"] as? [String: Any])?["local"] as? String == "2027-01-15 07:10:00")
        let legend = (values["legend"] as? [[String: Any]] ?? []).first { $0["kind"] as? String == "late" }
        #expect(legend?["label"] as? String == "when a late event came")
    }

    @Test
    func `its lines are those of the agent's own clock`() {
        let values = model(timeline([], from: Self.now - .seconds(86_400)), .day, zone: "Asia/Kolkata").values
        let ticks = values["ticks"] as? [[String: Any]] ?? []
        #expect(ticks.compactMap { $0["label"] as? String }.allSatisfy { $0.hasSuffix(":00") })
        #expect(ticks.first?["label"] as? String == "15:00")
        #expect(values["zone"] as? String == "Asia/Kolkata")
    }

    /// Span, where now is across the picture, and what it is called.
    private static let named: [(TimelineSpan, String, String)] = [
        (.hour, "999", "A picture of 1 hour"), (.day, "958.3", "A picture of 1 day"),
        (.month, "977.8", "A picture of 30 days"),
    ]

    @Test(arguments: named)
    func `it is called by what it shows, and has a line for now unless it is of the past`(
        span: TimelineSpan,
        place: String,
        name: String
    ) {
        let values = model(timeline([], from: Self.now - .seconds(3600)), span).values
        #expect(values["now_x"] as? String == place)
        #expect(values["picture"] as? String == name)
        let past = model(timeline([], from: Self.now - .seconds(3600)), span, until: Self.now - span.length * 2).values
        #expect(past["now_x"] as? Bool == false && past["picture"] as? String == name)
    }

    @Test
    func `where nobody could look the picture and the table say so, and what was read after it goes on until now`() {
        let from = Self.now - .seconds(3600)
        let lost = Self.now - .seconds(1800)
        let found = Self.now - .seconds(60)
        let seen = Timeline.observed(
            commands: [],
            SessionKnowledge(
                proofs: [
                    SessionProof(state: "WORKING", from: from, to: lost),
                    SessionProof(state: "WORKING", from: found, to: found),
                ],
                unread: [LookGap(from: lost, to: found)]
            ),
            from: from,
            to: Self.now
        )
        let values = model(timeline(seen, from: from), .hour).values
        #expect(bars(values, "seen") == ["full 0 500", "gap 500 483.3", "full 983.3 16.7"])
        let lines = (values["lines"] as? [[String: Any]] ?? []).compactMap { $0["what"] as? String }
        #expect(lines.suffix(3) == ["running", "not known: nobody could look", "running"])
        let legend = (values["legend"] as? [[String: Any]] ?? []).compactMap { $0["label"] as? String }
        #expect(legend.contains("not recorded, or not known") && legend.contains("began before the picture"))
    }

    @Test
    func `where more happened than the picture shows it says so, rather than nothing`() throws {
        let from = Self.now - .seconds(3600)
        let seen = (0..<500).map { number in
            let began = from + .seconds(Int64(number) * 7)
            return Timeline.Interval(
                from: began,
                to: began + .seconds(7),
                state: number % 2 == 0 ? "WORKING" : "FAILED",
                reason: "read"
            )
        }
        let values = model(timeline(seen, from: from), .hour).values
        #expect(bars(values, "seen").count == 401 && bars(values, "seen").first == "gap 0 194.4")
        #expect(lane(values, "seen")["carried"] as? Bool == false)
        let picture = try #require(lane(values, "seen")["picture"] as? String)
        #expect(picture.contains("not shown: too much happened from"))
    }
}
