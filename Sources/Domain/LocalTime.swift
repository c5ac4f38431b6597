/// What a clock on the wall shows: a date and a time of day, without saying in which zone.
package struct LocalTime: Sendable, Hashable {
    /// Microseconds since this clock showed 1970-01-01T00:00:00, as if it had never been changed.
    package var microseconds: Int64

    package init(microseconds: Int64) {
        self.microseconds = microseconds
    }

    /// The instant it names where clocks show UTC.
    package var inUTC: Timestamp { Timestamp(microseconds: microseconds) }
}

/// The instant that a local time was taken for.
package struct LocalReading: Sendable, Hashable {
    package var instant: Timestamp
    /// Whether the clock showed this time exactly once.
    ///
    /// False for a time in the hour it repeats, which is then read as the first of the two, and for one in the hour
    /// it skips, which is then moved forward by what was skipped.
    package var isExact: Bool

    package init(instant: Timestamp, isExact: Bool) {
        self.instant = instant
        self.isExact = isExact
    }
}
