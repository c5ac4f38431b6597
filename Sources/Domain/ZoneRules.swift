/// When the clocks of one IANA zone were and will be changed.
///
/// The rules themselves are the system's compiled tzdata, which the operator already keeps up to date for PostgreSQL.
/// `FoundationEssentials.TimeZone` knows no names on Linux. `Foundation.TimeZone` does, but answers from a table inside
/// the toolchain: beside tzdata 2026f it was wrong on 78 of 36,470 instants next to a clock change (Moldova, Morocco).
package struct ZoneRules: Sendable, Hashable {
    /// The IANA name, for example `Europe/Berlin`.
    package let name: String
    /// Every change that the zone's file lists, in order of time.
    let changes: [ClockChange]
    /// Seconds east of UTC before the first of them.
    let firstOffset: Int64
    /// How clocks change after the last of them; `nil` when they do not.
    let yearly: YearlyRule?

    init(name: String, changes: [ClockChange], firstOffset: Int64, yearly: YearlyRule?) {
        self.name = name
        self.changes = changes
        self.firstOffset = firstOffset
        self.yearly = yearly
    }

    /// The instant at which the zone's clocks showed a time.
    ///
    /// Total: a time that was shown twice is read as the first, and one that was skipped as if the change had not
    /// happened yet, which moves it forward; both are marked (``LocalReading/isExact``). That is Python's `fold=0`.
    package func reading(of local: LocalTime) -> LocalReading {
        let (second, microsecond) = local.microseconds.flooredDivision(by: 1_000_000)
        let (last, next) = neighbours(of: second)
        let instant = (second - (last?.after ?? firstOffset)) * 1_000_000 + microsecond
        return LocalReading(
            instant: Timestamp(microseconds: instant),
            isExact: next.map { second < $0.unsettledFrom } ?? true
        )
    }

    /// Seconds east of UTC that the zone's clocks show at an instant.
    package func offset(at instant: Timestamp) -> Int64 {
        let second = instant.microseconds.flooredDivision(by: 1_000_000).quotient
        var last = changes.last { $0.at <= second }
        if last == changes.last, let yearly {
            let listedUntil = last?.at ?? .min
            for change in yearly.changes(around: second) where change.at > listedUntil && change.at <= second {
                last = change
            }
        }
        return last?.after ?? firstOffset
    }

    /// The last change that a clock showing `second` certainly has behind it, and the one after.
    private func neighbours(of second: Int64) -> (last: ClockChange?, next: ClockChange?) {
        var low = 0
        var high = changes.count
        while low < high {
            let middle = (low + high) / 2
            if changes[middle].settledFrom <= second { low = middle + 1 } else { high = middle }
        }
        var last = low > 0 ? changes[low - 1] : nil
        guard low == changes.count, let yearly else { return (last, low < changes.count ? changes[low] : nil) }
        let listedUntil = last?.at ?? .min
        for change in yearly.changes(around: second) where change.at > listedUntil {
            guard change.settledFrom <= second else { return (last, change) }
            last = change
        }
        return (last, nil)
    }
}

/// One change of a zone's clocks.
struct ClockChange: Sendable, Hashable {
    /// Unix seconds of the first instant at which the new offset holds.
    var at: Int64
    /// Seconds east of UTC before the change.
    var before: Int64
    /// Seconds east of UTC from the change on.
    var after: Int64

    /// From this wall-clock second on, a reading can only be meant after the change, or is meant so.
    var settledFrom: Int64 { at + max(before, after) }
    /// From here until ``settledFrom`` the clock's times are skipped or shown twice.
    var unsettledFrom: Int64 { at + min(before, after) }
}
