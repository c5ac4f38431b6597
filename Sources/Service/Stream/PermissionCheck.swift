import Synchronization

/// Says when something that costs a query is to be checked again.
final class PermissionCheck: Sendable {
    private let interval: Duration
    private let dueAt: Mutex<ContinuousClock.Instant>

    /// The first check is due after `interval`.
    init(interval: Duration) {
        self.interval = interval
        dueAt = Mutex(.now + interval)
    }

    /// Whether it is time; asking sets the next time.
    func isDue(now: ContinuousClock.Instant = .now) -> Bool {
        dueAt.withLock { dueAt in
            guard dueAt <= now else { return false }
            dueAt = now + interval
            return true
        }
    }
}
