import Domain

/// What the clocks of one zone show; UTC where this machine does not know the zone.
struct LocalClock: Sendable {
    /// The zone's name, as people read it.
    let name: String
    private let rules: ZoneRules?

    /// Reads the zone's file, which is a few kilobytes.
    init(zoneName: String) {
        rules = SystemZones.rules(named: zoneName)
        name = rules?.name ?? "UTC"
    }

    /// Seconds east of UTC.
    private func offset(at instant: Timestamp) -> Int64 { rules?.offset(at: instant) ?? 0 }

    /// `2026-03-02T08:15:00`, by this clock.
    private func text(_ instant: Timestamp) -> String {
        let whole = instant.microseconds - ((instant.microseconds % 1_000_000) + 1_000_000) % 1_000_000
        return String(Timestamp(microseconds: whole + offset(at: instant) * 1_000_000).rfc3339.prefix(19))
    }

    /// `08:15`.
    func time(_ instant: Timestamp) -> String { String(text(instant).dropFirst(11).prefix(5)) }

    /// `03-02`.
    func day(_ instant: Timestamp) -> String { String(text(instant).dropFirst(5).prefix(5)) }

    /// `03-02 08:15`; `10-25 02:40 UTC+2` where this clock shows the same again or did before.
    func dayAndTime(_ instant: Timestamp) -> String { day(instant) + " " + time(instant) + which(instant) }

    /// `2026-03-02`.
    func date(_ instant: Timestamp) -> String { String(text(instant).prefix(10)) }

    /// `2026-03-02 08:15:00`; `2026-10-25 02:40:00 UTC+2` where this clock shows the same again or did before.
    func dateAndTime(_ instant: Timestamp) -> String {
        "\(date(instant)) \(text(instant).dropFirst(11))\(which(instant))"
    }

    /// ` UTC+2` where this clock shows the time of an instant twice, as in the hour that is repeated when summer time ends.
    ///
    /// Letters first, so that sign and figures stay together where words run from right to left.
    private func which(_ instant: Timestamp) -> String {
        let offset = offset(at: instant)
        let shown = LocalTime(microseconds: instant.microseconds + offset * 1_000_000)
        // A time that is skipped is not exact either, but no instant shows it.
        guard let rules, !rules.reading(of: shown).isExact else { return "" }
        let minutes = offset.magnitude % 3600 / 60
        let rest = minutes == 0 ? "" : ":" + (minutes < 10 ? "0" : "") + String(minutes)
        return " UTC" + (offset < 0 ? "-" : "+") + String(offset.magnitude / 3600) + rest
    }

    /// When a day began by this clock, and when the next one does: 23 to 25 hours later as a rule.
    ///
    /// `date`: `2026-03-02`; `nil` for what is none.
    func day(of date: String) -> (from: Timestamp, to: Timestamp)? {
        guard date.utf8.count == 10, let midnight = Timestamp(rfc3339: date + "T00:00:00Z") else { return nil }
        let next = midnight + .seconds(86_400)
        return (instant(showing: midnight), instant(showing: next))
    }

    /// When the day began by this clock that is `days` days after that of `instant`, or before it where that is negative.
    func midnight(of instant: Timestamp, plus days: Int = 0) -> Timestamp {
        let day = Duration.seconds(86_400).microseconds
        let local = instant.microseconds + offset(at: instant) * 1_000_000
        let rest = ((local % day) + day) % day
        return self.instant(showing: Timestamp(microseconds: local - rest + Int64(days) * day))
    }

    /// When this clock showed what a clock in UTC shows at `utc`.
    private func instant(showing utc: Timestamp) -> Timestamp {
        rules?.reading(of: LocalTime(microseconds: utc.microseconds)).instant ?? utc
    }

    /// The first instant from `instant` on at which this clock shows a multiple of `step` since midnight, as long as
    /// it is not changed in between.
    ///
    /// `step`: a part of a day. Whole days are as long as the clock has them: ``midnight(of:plus:)``.
    func ceiling(_ instant: Timestamp, step: Duration) -> Timestamp {
        let step = step.microseconds
        let offset = offset(at: instant) * 1_000_000
        let local = instant.microseconds + offset
        let rest = ((local % step) + step) % step
        return Timestamp(microseconds: (rest == 0 ? local : local - rest + step) - offset)
    }
}
