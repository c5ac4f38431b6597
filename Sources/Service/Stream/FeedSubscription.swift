import Synchronization

/// One watcher of the feed: a signal that there is something to take, and nothing else that could grow.
final class FeedSubscription: Sendable {
    let id: UInt64
    /// One element however often it was woken meanwhile; ends when the subscription does.
    let signals: AsyncStream<Void>
    private let signal: AsyncStream<Void>.Continuation
    private let onStuck: @Sendable () -> Void
    private let writingSince = Mutex<ContinuousClock.Instant?>(nil)

    /// A browser that takes nothing for so long is cut off; one that lives comes back by itself.
    static let patience = Duration.seconds(60)

    /// `onStuck`: closes the connection of a browser that takes nothing.
    init(id: UInt64, onStuck: @escaping @Sendable () -> Void) {
        self.id = id
        self.onStuck = onStuck
        (signals, signal) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        signal.yield()
    }

    func wake() { signal.yield() }

    /// Wakes it every second, and sees whether it is stuck.
    func pulse(now: ContinuousClock.Instant = .now) {
        let isStuck = writingSince.withLock { $0.map { $0 + Self.patience < now } ?? false }
        if isStuck { onStuck() } else { signal.yield() }
    }

    func end() { signal.finish() }

    /// Bytes are on their way from now on.
    func beginWriting() { writingSince.withLock { $0 = .now } }

    /// They were taken, or the connection broke.
    func endWriting() { writingSince.withLock { $0 = nil } }
}
