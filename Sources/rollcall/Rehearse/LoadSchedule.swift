/// When each call of a load is due, whatever became of the calls before: an open loop.
///
/// Latency counts from the due time, so a service that stalls is charged for everybody it kept waiting.
struct LoadSchedule: Sendable, Hashable {
    /// How many calls there are.
    var count: Int
    /// Calls a second; `nil` for all at once.
    var rate: Double?

    /// `seconds` of load at a rate; at least one call.
    static func steady(rate: Double, for duration: Duration) -> LoadSchedule {
        let seconds = Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
        return LoadSchedule(count: max(1, Int(rate * seconds)), rate: rate)
    }

    /// All at once.
    static func burst(_ count: Int) -> LoadSchedule {
        LoadSchedule(count: count, rate: nil)
    }

    /// How long after the begin a call is due.
    ///
    /// - Parameter number: 0 to `count - 1`.
    /// - Returns: zero for a burst.
    func due(_ number: Int) -> Duration {
        guard let rate else { return .zero }
        return .nanoseconds(Int64(Double(number) / rate * 1e9))
    }
}
