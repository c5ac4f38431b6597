/// How often the instances of one engine account are looked at, and from when a look counts as too old.
package struct Freshness: Sendable, Hashable {
    /// Between two looks at an instance that should run.
    package var onShift: Duration
    /// Between two looks at any other.
    package var offShift: Duration

    /// A look counts for this many intervals.
    package static let intervals = 3

    /// The effective intervals: as set, or as long as one round of the fleet takes, whichever is longer.
    ///
    /// - Parameters:
    ///   - onShift: `ROLLCALL_SWEEP_INTERVAL`.
    ///   - offShift: `ROLLCALL_OFF_SHIFT_SWEEP_INTERVAL`.
    ///   - instances: how many the account has; not negative.
    ///   - callsPerSecond: the account's budget; at least 1.
    package init(onShift: Duration, offShift: Duration, instances: Int, callsPerSecond: Int) {
        let round = Duration.milliseconds(instances * 1000 / max(callsPerSecond, 1))
        self.onShift = max(onShift, round)
        self.offShift = max(offShift, round)
    }

    /// How long a walk waits after some of its looks: their share of the interval.
    ///
    /// All of an account's walks together then want no more than its budget.
    ///
    /// - Parameters:
    ///   - looks: that were put in line just now.
    ///   - count: looks of the whole walk; without any the interval passes.
    ///   - desired: of the instances that are walked through.
    ///   - shortest: the least that is waited.
    /// - Returns: the wait.
    package func pause(after looks: Int, of count: Int, desired: RunState, shortest: Duration) -> Duration {
        let interval = desired == .running ? onShift : offShift
        guard count > 0 else { return interval }
        return max(interval * min(looks, count) / count, shortest)
    }

    /// How long the last look of an instance counts.
    package func lifetime(desired: RunState) -> Duration {
        (desired == .running ? onShift : offShift) * Self.intervals
    }

    /// How long a look counts where nobody knows any more what was desired.
    package var longestLifetime: Duration { max(onShift, offShift) * Self.intervals }

    /// Whether what was read then is too old to be shown as current; what was never read is.
    package func isStale(readAt: Timestamp?, desired: RunState, now: Timestamp) -> Bool {
        guard let readAt else { return true }
        return now - readAt > lifetime(desired: desired)
    }
}
