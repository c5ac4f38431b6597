import Domain

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// One real instant on both clocks of the machine, for the call log.
struct RealTime: Sendable {
    /// Microseconds of the monotonic clock; comparable between processes of one machine.
    var monotonic: Int64
    /// Microseconds since 1970 of the wall clock.
    var wall: Int64

    /// Reads both clocks.
    static var now: RealTime {
        RealTime(monotonic: microseconds(CLOCK_MONOTONIC), wall: microseconds(CLOCK_REALTIME))
    }

    private static func microseconds(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }
}
