import Domain

/// A picture of what happened to one agent, in lanes, and the same as a table.
struct TimelineModel {
    let history: AgentHistory
    let window: TimelineWindow
    let clock: LocalClock
    /// The page that the picture is on.
    let path: String
    let words: Catalogue
    /// Whether the last look at the session still counts.
    let isCurrent: Bool
    let now: Timestamp

    /// Bars and marks of a lane that are shown, the newest of them.
    private static let partLimit = 400
    /// Lines of the table that a lane has, and that events and commands have: the newest of each.
    ///
    /// A month of shifts with a break each has 88.
    private static let lineLimit = 120
    /// An event that came no later after it happened than this came in time.
    private static let lateness: Duration = .seconds(60)
    /// Reasons of what is so as long as an agent never clocked in: it has no beginning that could lie before the picture.
    private static let neverBegan: Set<String> = ["no_events", Rule.default.rawValue]
    /// Stretches that a lane's description names.
    private static let namedLimit = 12

    var values: [String: Any] {
        let lanes = lanes
        let lines = lanes.map(\.lines) + [eventLines, lateLines, commandLines]
        return [
            "zone": clock.name,
            "span": span,
            // Where now is; its line stays within the picture.
            "now_x": window.isLatest ? number(min(max(window.place(now), 1), 999)) : false,
            "earlier": link(window.span, until: window.from),
            "later": window.isLatest ? false : link(window.span, until: window.next),
            "spans": TimelineSpan.allCases.map { span in
                [
                    "word": span.rawValue, "label": words("timeline." + span.rawValue),
                    "href": link(span, until: window.isLatest ? nil : window.to), "selected": span == window.span,
                ]
            },
            "ticks": window.lines.map { line in
                [
                    "x": number(window.place(line)),
                    "label": window.span.days == nil ? clock.time(line) : clock.day(line),
                ]
            },
            "lanes": lanes.map(\.values) + [markLane],
            "legend": ["full", "half", "bad", "thin", "gap", "event", "late", "command", "carried"].map { kind in
                let bar = Self.bars[kind] ?? (2, 20)
                return [
                    "kind": kind, "label": words("timeline.legend." + kind), "y": bar.y, "height": bar.height,
                    "is_mark": kind == "carried",
                ]
            },
            "picture": words("timeline.title", ["span": span]),
            "lines": lines.flatMap { $0.suffix(Self.lineLimit) },
            "is_cut": lines.contains { $0.count > Self.lineLimit },
        ]
    }

    /// How much of the past it shows, in words.
    private var span: String { words("timeline." + window.span.rawValue) }

    private func link(_ span: TimelineSpan, until: Timestamp?) -> String {
        let end = until.map { $0 > now ? "" : "&until=" + pathEscaped($0.rfc3339) } ?? ""
        return path + "?span=" + span.rawValue + end + "#timeline"
    }

    private var lanes: [Lane] {
        [
            lane("shift", history.timeline.shift) { interval in
                let text = words("shift." + (interval.state ?? "out"))
                return interval.reason == "no_events" ? words("timeline.no_events") : text
            },
            lane("wanted", history.timeline.desired) { words("state." + ($0.state ?? "stopped")) },
            lane("seen", observed) { interval in
                interval.state.map { words.session($0) }
                    ?? words(interval.reason == "not_read" ? "timeline.not_read" : "timeline.gap")
            },
        ]
    }

    /// What was seen; as long as the last look counts, that is how it is until now.
    private var observed: [Timeline.Interval] {
        var seen = history.timeline.observed
        if isCurrent, window.isLatest, let last = seen.last, last.state == nil,
            let place = seen.lastIndex(where: { $0.reason == "read" }), seen[place].to == last.from
        {
            seen.removeLast()
            seen[place].to = last.to
        }
        return seen.filter { $0.from < $0.to }
    }

    private func lane(
        _ word: String,
        _ intervals: [Timeline.Interval],
        _ text: (Timeline.Interval) -> String
    ) -> Lane {
        // The ends of claims are no stretches; they stand among the commands.
        let all = intervals.filter { $0.from < $0.to }
        var shown = Array(all.suffix(Self.partLimit))
        if let first = all.first, let next = shown.first, shown.count < all.count {
            shown.insert(Timeline.Interval(from: first.from, to: next.from, reason: Timeline.leftOut), at: 0)
        }
        return Lane(
            word: word,
            label: words("timeline." + word),
            stretches: shown.map { interval in
                let isLeftOut = interval.reason == Timeline.leftOut
                return Lane.Stretch(interval: interval, text: isLeftOut ? words("timeline.left_out") : text(interval))
            },
            model: self
        )
    }

    /// One lane: a row of bars, each as high as what it stands for, so that colour is not all that tells them apart.
    private struct Lane {
        struct Stretch {
            let interval: Timeline.Interval
            let text: String
        }

        let word: String
        let label: String
        let stretches: [Stretch]
        let model: TimelineModel

        var values: [String: Any] {
            let first = stretches.first.flatMap { isCarried($0) ? $0 : nil }
            return [
                "word": word, "label": label, "bars": stretches.map(bar), "marks": [[String: Any]](),
                "carried": first == nil ? false : model.words("timeline.carried_in"), "picture": picture,
            ]
        }

        private func bar(_ stretch: Stretch) -> [String: Any] {
            let kind = TimelineModel.kind(stretch.interval.state)
            let bar = TimelineModel.bars[kind] ?? (2, 20)
            let start = model.window.place(stretch.interval.from)
            return [
                "kind": kind, "x": number(start), "y": bar.y, "height": bar.height,
                "width": number(max(model.window.place(stretch.interval.to) - start, 1.5)), "title": title(stretch),
            ]
        }

        private func title(_ stretch: Stretch) -> String {
            model.words(
                "timeline.stretch",
                [
                    "what": stretch.text, "from": model.clock.dayAndTime(stretch.interval.from),
                    "to": model.clock.dayAndTime(stretch.interval.to),
                ]
            )
        }

        private var picture: String {
            let ends = [
                "from": model.clock.dayAndTime(model.window.from), "to": model.clock.dayAndTime(model.window.to),
            ]
            guard !stretches.isEmpty else { return label + ". " + model.words("timeline.picture_empty", ends) }
            let named = stretches.prefix(TimelineModel.namedLimit).map(title).joined(separator: "; ")
            let rest = stretches.count > TimelineModel.namedLimit ? "; …" : ""
            return label + ". "
                + model.words("timeline.picture", ends.merging(["stretches": named + rest]) { end, _ in end })
        }

        private func isCarried(_ stretch: Stretch) -> Bool {
            stretch.interval.from <= model.window.from && stretch.interval.state != nil
                && !TimelineModel.neverBegan.contains(stretch.interval.reason)
        }

        var lines: [[String: Any]] {
            stretches.map { stretch in
                [
                    "lane": label, "what": stretch.text, "is_carried": isCarried(stretch),
                    "from": model.instant(stretch.interval.from), "to": model.instant(stretch.interval.to),
                ]
            }
        }
    }

    /// Those that came late, within the picture.
    private var late: [LedgerEntry] { history.arrivals.filter(isLate) }

    private func isLate(_ event: LedgerEntry) -> Bool { event.receivedAt - event.punch.effectiveAt > Self.lateness }

    /// Events above, also where one came that was late, and commands below.
    private var markLane: [String: Any] {
        let events = history.events.suffix(Self.partLimit).map { event in
            mark("event", event.punch.effectiveAt, 1, 12, title(event))
        }
        let late = late.suffix(Self.partLimit).map { event in
            mark("late", event.receivedAt, 1, 12, lateTitle(event))
        }
        let commands = history.commands.suffix(Self.partLimit).map { command in
            mark("command", command.sentAt ?? command.intendedAt, 12, 23, title(command))
        }
        let names = (history.events.map(title) + history.commands.map(title)).prefix(Self.namedLimit)
        let picture = words("timeline.marks") + ". " + names.joined(separator: "; ")
        return [
            "word": "marks", "label": words("timeline.marks"), "bars": [[String: Any]](),
            "marks": late + events + commands, "carried": false, "picture": picture,
        ]
    }

    private func mark(_ kind: String, _ at: Timestamp, _ from: Int, _ to: Int, _ title: String) -> [String: Any] {
        [
            "kind": kind, "x": number(min(max(window.place(at), 1), 999)), "from": from, "to": to,
            "title": clock.dayAndTime(at) + " " + title,
        ]
    }

    private func title(_ event: LedgerEntry) -> String {
        let values = ["what": words("kind." + event.punch.kind.rawValue), "source": event.source]
        guard isLate(event) else { return words("timeline.event", values) }
        return words("timeline.late_event", values.merging(["time": clock.dayAndTime(event.receivedAt)]) { $1 })
    }

    /// Of a late event, for where it came.
    private func lateTitle(_ event: LedgerEntry) -> String {
        words(
            "timeline.late_came",
            [
                "what": words("kind." + event.punch.kind.rawValue), "source": event.source,
                "time": clock.dayAndTime(event.punch.effectiveAt),
            ]
        )
    }

    private func title(_ command: CommandEntry) -> String {
        words(
            "timeline.command",
            ["what": words("action." + command.action), "outcome": words.outcome(command)]
        )
    }

    private var eventLines: [[String: Any]] { markLines(history.events.map { ($0.punch.effectiveAt, title($0)) }) }

    private var lateLines: [[String: Any]] { markLines(late.map { ($0.receivedAt, lateTitle($0)) }) }

    private var commandLines: [[String: Any]] {
        markLines(history.commands.map { ($0.sentAt ?? $0.intendedAt, title($0)) })
    }

    private func markLines(_ marks: [(Timestamp, String)]) -> [[String: Any]] {
        marks.sorted { $0.0 < $1.0 }.map { at, title in
            [
                "lane": words("timeline.marks"), "what": title, "is_carried": false,
                "from": instant(at), "to": false,
            ]
        }
    }

    /// An instant of the table: by the clock that the picture goes by, whoever reads it.
    private func instant(_ at: Timestamp) -> [String: Any] {
        ["exact": at.rfc3339, "local": clock.dateAndTime(at)]
    }

    /// What a state looks like.
    private static func kind(_ state: String?) -> String {
        switch state {
        case nil: "gap"
        case "in", "running", "WORKING": "full"
        case "out", "stopped", "STOPPED": "thin"
        case "FAILED", "MISSING": "bad"
        default: "half"
        }
    }

    /// Top and height of each kind of bar, of 24; a gap is an empty frame, as high as what is missing could be.
    private static let bars: [String: (y: Int, height: Int)] = [
        "full": (2, 20), "half": (9, 13), "thin": (18, 4), "bad": (2, 11), "gap": (3, 18), "event": (1, 11),
        "late": (1, 11), "command": (12, 11),
    ]
}

/// A number of a picture, with one figure behind the point.
func number(_ value: Double) -> String {
    let tenths = Int((value * 10).rounded())
    return tenths % 10 == 0 ? String(tenths / 10) : "\(tenths / 10).\(tenths % 10)"
}
