import Glibc

/// An instant of the machine's monotonic clock, in nanoseconds; means nothing outside this process.
struct Tick: Hashable, Comparable, Sendable {
    var nanoseconds: Int64

    /// The present.
    ///
    /// Jumps of the wall clock do not touch it.
    static func now() -> Tick {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return Tick(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    /// The earlier of two deadlines; `nil` is none.
    static func earlier(_ one: Tick?, _ other: Tick?) -> Tick? {
        guard let one, let other else { return one ?? other }
        return min(one, other)
    }

    static func < (left: Tick, right: Tick) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    static func + (tick: Tick, duration: Duration) -> Tick {
        let (sum, overflow) = tick.nanoseconds.addingReportingOverflow(duration.wholeNanoseconds)
        return Tick(nanoseconds: overflow ? .max : sum)
    }

    static func - (later: Tick, earlier: Tick) -> Duration {
        .nanoseconds(later.nanoseconds - earlier.nanoseconds)
    }
}

extension Duration {
    /// The length in nanoseconds, held within what 64 bits can say (292 years).
    var wholeNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow else { return seconds > 0 ? .max : .min }
        let (sum, carried) = whole.addingReportingOverflow(attoseconds / 1_000_000_000)
        return carried ? (seconds > 0 ? .max : .min) : sum
    }

    /// The length in milliseconds, rounded up, from 0 to 2^31 - 1: what libpq and PostgreSQL take.
    var wholeMilliseconds: Int32 {
        let nanoseconds = max(0, wholeNanoseconds)
        return Int32(clamping: nanoseconds / 1_000_000 + (nanoseconds % 1_000_000 == 0 ? 0 : 1))
    }

    /// The length in seconds, rounded up, at least 1: what TCP keepalives take.
    var wholeSeconds: Int64 {
        max(1, Int64(wholeMilliseconds) / 1000 + (wholeMilliseconds % 1000 == 0 ? 0 : 1))
    }
}
