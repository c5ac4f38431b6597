import Domain

/// Spans and instants, as people read them.
extension Catalogue {
    /// How long ago something was, in the largest unit that leaves two figures or so; hours with their minutes.
    func age(of instant: Timestamp, now: Timestamp) -> String {
        let span = span(now - instant)
        return self("age." + span.unit, span.parts)
    }

    /// For how long something has been so.
    func lasting(since instant: Timestamp, now: Timestamp) -> String {
        let span = span(now - instant)
        return self("age.for." + span.unit, span.parts)
    }

    /// How long it is until then; what is over is now.
    func ahead(_ instant: Timestamp, now: Timestamp) -> String {
        guard instant > now else { return self("ahead.now") }
        let span = span(instant - now)
        return self("ahead." + span.unit, span.parts)
    }

    /// A duration in the largest unit that it is a whole number of.
    func duration(_ duration: Duration) -> String {
        let seconds = duration.components.seconds
        for (unit, word) in [(86_400, "days"), (3600, "hours"), (60, "minutes")] as [(Int64, String)]
        where seconds >= unit && seconds % unit == 0 {
            return self("span." + word, ["n": String(seconds / unit)])
        }
        return self("span.seconds", ["n": String(seconds)])
    }

    /// A span in one unit: milliseconds below a second, and tenths of one below ten; hours with their minutes.
    func short(_ duration: Duration) -> String {
        let milliseconds = duration.microseconds / 1000
        guard milliseconds >= 1000 else { return self("span.milliseconds", ["n": String(milliseconds)]) }
        guard milliseconds >= 10_000 else {
            return self("span.seconds", ["n": number(Double(milliseconds / 100) / 10)])
        }
        let span = span(duration)
        return self("span." + (span.unit == "hours" ? "hours_minutes" : span.unit), span.parts)
    }

    /// The unit of a span, and what sentences say of it: `n` of that unit, and `m` of the next smaller one beside.
    private func span(_ duration: Duration) -> (unit: String, parts: [String: String]) {
        let seconds = max(0, duration.components.seconds)
        let (unit, whole, rest): (String, Int64, Int64) =
            switch seconds {
            case ..<60: ("seconds", seconds, 0)
            case ..<3600: ("minutes", seconds / 60, seconds % 60)
            case ..<172_800: ("hours", seconds / 3600, seconds % 3600 / 60)
            default: ("days", seconds / 86_400, seconds % 86_400 / 3600)
            }
        return (unit, ["n": String(whole), "m": String(rest)])
    }

    /// An instant as a template shows it: exact for machines, its age, how long it lasts and its clock time for people.
    func time(_ instant: Timestamp, now: Timestamp) -> [String: Any] {
        [
            "exact": instant.rfc3339, "age": age(of: instant, now: now), "clock": clockTime(instant),
            "ahead": ahead(instant, now: now), "for": lasting(since: instant, now: now),
        ]
    }
}

/// `2026-03-02 08:15:00 UTC`.
func clockTime(_ instant: Timestamp) -> String {
    let text = Timestamp(microseconds: instant.microseconds - instant.microseconds % 1_000_000).rfc3339
    return text.dropLast().map { $0 == "T" ? " " : String($0) }.joined() + " UTC"
}
