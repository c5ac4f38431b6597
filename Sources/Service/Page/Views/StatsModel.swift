import Domain

/// The page that says how well it goes: from the clock-in to a running session, by stage and by hour.
struct StatsModel {
    let frame: PageFrame
    let figures: Stats
    /// `2026-03-02`, by ``clock``.
    let day: String
    let today: String
    /// Of the day: 24 hours, or what a change of the clocks makes of them.
    let length: Duration
    /// The clock that all times of the page are by.
    let clock: LocalClock
    /// The zones that may be chosen.
    let zones: [String]
    let team: String?
    let teams: [String]
    /// Whether the figures are of some teams alone: one is chosen, or the key sees no others.
    let isOfTeams: Bool
    let now: Timestamp

    /// Less than so many hours are shown as none.
    private static let leastUnread = 0.05

    private var words: Catalogue { frame.words }

    var values: [String: Any] {
        let stages = Stats.Stage.allCases.compactMap { stage in
            figures.stages[stage].flatMap { $0.count > 0 ? (stage, $0) : nil }
        }
        let charts = StatsCharts(figures: figures, length: length, clock: clock, words: words)
        let lines = charts.lines
        let own: [String: Any] = [
            "at_stats": true,
            "has_pictures": true,
            "day": day,
            "today": today,
            "teams": teams.map { ["word": $0, "label": balanced($0), "selected": $0 == team] },
            "zone": clock.name,
            "zones": zones.map { ["word": $0, "label": $0, "selected": $0 == clock.name] },
            "counted": words.time(figures.countedAt, now: now),
            "from": instant(figures.from),
            "to": instant(figures.to),
            "is_of_teams": isOfTeams,
            "total": total,
            "unread": unread,
            "has_unread": figures.unreadHours >= Self.leastUnread,
            "stages": self.stages(stages),
            "has_stages": !stages.isEmpty,
            "charts": charts.values,
            "hours": lines,
            "has_hours": !lines.isEmpty,
        ]
        return frame.values(title: words("layout.stats"), script: "stats.js").merging(own) { _, own in own }
    }

    private var total: [String: Any] {
        let total = figures.stages[.total] ?? Stats.Spread(count: 0)
        return [
            "p50": text(total.median), "p95": text(total.p95), "count": total.count,
            "drift": words(
                "stats.drift_of",
                ["found": String(figures.driftFound), "repaired": String(figures.driftRepaired)]
            ),
            "hibernated": number(figures.hibernatedHours),
        ]
    }

    /// What is said of the time of which nothing is known; nothing where there is next to none.
    private var unread: Any {
        guard figures.unreadHours >= Self.leastUnread || figures.driftFoundLate > 0 else { return false }
        var sentences: [String] = []
        if figures.unreadHours >= Self.leastUnread {
            sentences.append(words("stats.unread_words", ["n": number(figures.unreadHours)]))
        }
        if figures.driftFoundLate > 0 { sentences.append(words.count("stats.late", figures.driftFoundLate)) }
        return ["hours": number(figures.unreadHours), "words": sentences.joined(separator: " ")] as [String: Any]
    }

    /// Bars one behind the other, as the stages follow each other; the whole begins at the start again.
    private func stages(_ stages: [(Stats.Stage, Stats.Spread)]) -> [[String: Any]] {
        let longest = max(stages.compactMap(\.1.p95).max() ?? 1, 1)
        let sum = stages.filter { $0.0 != .total }.reduce(0) { $0 + ($1.1.median ?? 0) }
        let scale = 200 / max(longest + sum, 1)
        var start = 0.0
        return stages.map { stage, spread in
            let begin = stage == .total ? 0 : start
            start += spread.median ?? 0
            let label = words("stats.stage." + stage.rawValue)
            return [
                "word": stage.rawValue, "label": label, "meaning": words("stats.meaning." + stage.rawValue),
                "p50": text(spread.median), "p95": text(spread.p95), "count": spread.count, "x": number(begin * scale),
                "p50_width": number((spread.median ?? 0) * scale), "p95_width": number((spread.p95 ?? 0) * scale),
                "picture": description(label, spread),
            ]
        }
    }

    private func instant(_ at: Timestamp) -> [String: Any] {
        ["exact": at.rfc3339, "local": clock.dateAndTime(at)]
    }

    private func text(_ milliseconds: Double?) -> String {
        milliseconds.map { words.short(.milliseconds(Int64($0.rounded()))) } ?? "–"
    }

    private func description(_ label: String, _ spread: Stats.Spread) -> String {
        words(
            "stats.bar",
            ["label": label, "p50": text(spread.median), "p95": text(spread.p95), "n": String(spread.count)]
        )
    }
}
