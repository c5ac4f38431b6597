import Domain

/// The figures of a day hour by hour: as pictures with an axis, and as a table.
struct StatsCharts {
    let figures: Stats
    /// Of the day: 24 hours, or what a change of the clocks makes of them.
    let length: Duration
    let clock: LocalClock
    let words: Catalogue

    /// A bar from the axis on: its share of the highest one.
    private struct Bar {
        var at: Timestamp
        var kind: String
        var share: Double
        var title: String
    }

    /// Of a picture, as in its template.
    private static let width = 960.0
    private static let height = 120.0
    /// Hours between two labels of the axis.
    private static let labelStep = 3

    var values: [[String: Any]] { [way, drift, hibernation] }

    private var way: [String: Any] {
        let hours = figures.hours.filter { $0.total.count > 0 }
        let top = max(hours.compactMap(\.total.p95).max() ?? 1, 1)
        let bars = hours.flatMap { hour in
            [("p95", hour.total.p95), ("p50", hour.total.median)].map { kind, value in
                Bar(at: hour.at, kind: kind, share: (value ?? 0) / top, title: title(hour))
            }
        }
        return chart("way", bars, top: text(top), middle: text(top / 2))
    }

    private var drift: [String: Any] {
        let top = max(figures.drifts.map(\.found).max() ?? 1, 1)
        let bars = figures.drifts.flatMap { hour in
            [("p95", hour.found), ("p50", hour.repaired)].map { kind, count in
                Bar(at: hour.at, kind: kind, share: Double(count) / Double(top), title: title(hour))
            }
        }
        return chart("drift", bars, top: String(top), middle: top % 2 == 0 ? String(top / 2) : "")
    }

    private var hibernation: [String: Any] {
        let top = max(figures.hibernation.map(\.hours).max() ?? 0, 0.2)
        let bars = figures.hibernation.map { hour in
            let title = words(
                "stats.chart.hibernation_bar",
                ["at": clock.dateAndTime(hour.at), "n": number(hour.hours)]
            )
            return Bar(at: hour.at, kind: "p50", share: hour.hours / top, title: title)
        }
        return chart("hibernation", bars, top: hoursText(top), middle: hoursText(top / 2))
    }

    private func chart(_ word: String, _ bars: [Bar], top: String, middle: String) -> [String: Any] {
        let title = words("stats.chart." + word)
        let meaning = words("stats.chart.\(word)_words")
        let count = max(length.inSeconds / 3600, 1)
        let step = Self.width / count
        let ticks = (0..<Int(count.rounded(.up))).map { hour in
            hour % Self.labelStep == 0 ? clock.time(figures.from + .seconds(Int64(hour) * 3600)) : ""
        }
        let drawn = bars.map { bar -> [String: Any] in
            let start = max((bar.at - figures.from).inSeconds / 3600, 0)
            let height = bar.share * (Self.height - 4)
            return [
                "kind": bar.kind, "x": number(start * step + 1), "width": number(max(step - 2, 1)),
                "y": number(Self.height - height), "height": number(height), "title": bar.title,
            ]
        }
        return [
            "word": word, "title": title, "meaning": meaning, "top": top, "middle": middle, "has_bars": !bars.isEmpty,
            "picture": words("stats.chart.picture", ["title": title, "words": meaning, "top": top]),
            "ticks": ticks, "bars": drawn,
        ]
    }

    /// A line for each hour in which there was anything.
    var lines: [[String: Any]] {
        let ways = Dictionary(figures.hours.map { ($0.at, $0.total) }) { first, _ in first }
        let drifts = Dictionary(figures.drifts.map { ($0.at, $0) }) { first, _ in first }
        let stopped = Dictionary(figures.hibernation.map { ($0.at, $0.hours) }) { first, _ in first }
        let unread = Dictionary(figures.unread.map { ($0.at, $0.hours) }) { first, _ in first }
        return Set(ways.keys).union(drifts.keys).union(stopped.keys).union(unread.keys).sorted().map { at in
            [
                "at": ["exact": at.rfc3339, "local": clock.dateAndTime(at)] as [String: Any],
                "p50": text(ways[at]?.median), "p95": text(ways[at]?.p95), "count": ways[at]?.count ?? 0,
                "found": drifts[at]?.found ?? 0, "repaired": drifts[at]?.repaired ?? 0,
                "hibernated": number(stopped[at] ?? 0), "unread_hours": number(unread[at] ?? 0),
            ]
        }
    }

    private func title(_ hour: Stats.Hour) -> String {
        words(
            "stats.bar",
            [
                "label": clock.dateAndTime(hour.at), "p50": text(hour.total.median), "p95": text(hour.total.p95),
                "n": String(hour.total.count),
            ]
        )
    }

    private func title(_ hour: Stats.Drift) -> String {
        words(
            "stats.chart.drift_bar",
            ["at": clock.dateAndTime(hour.at), "found": String(hour.found), "repaired": String(hour.repaired)]
        )
    }

    private func hoursText(_ hours: Double) -> String { words("stats.n_hours", ["n": number(hours)]) }

    private func text(_ milliseconds: Double?) -> String {
        milliseconds.map { words.short(.milliseconds(Int64($0.rounded()))) } ?? "–"
    }
}
