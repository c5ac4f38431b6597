import Domain

/// The time of one process: a clock that only runs forward, and waiting by it.
package protocol ProcessClock: Sendable {
    /// Microseconds since some instant of the past; never goes back.
    func monotonic() -> Int64
    /// Waits until ``monotonic()`` has reached an instant.
    ///
    /// - Throws: `CancellationError` as soon as the task is cancelled.
    func sleep(until instant: Int64) async throws
}

extension ProcessClock {
    package func sleep(for duration: Duration) async throws {
        try await sleep(until: monotonic() + duration.microseconds)
    }
}

/// This machine's time.
package struct SystemProcessClock: ProcessClock {
    private static let start = ContinuousClock.now

    package init() {}

    package func monotonic() -> Int64 { (ContinuousClock.now - Self.start).microseconds }

    package func sleep(until instant: Int64) async throws {
        try await Task.sleep(for: .microseconds(max(0, instant - monotonic())))
    }
}
