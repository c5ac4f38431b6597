import Synchronization

/// For subscribers.
extension ChangeFeed {
    /// Starts to watch.
    ///
    /// - Returns: `nil` when too many do, or the service is ending.
    func subscribe(onStuck: @escaping @Sendable () -> Void) -> FeedSubscription? {
        let subscription = state.withLock { state -> FeedSubscription? in
            guard !state.isEnding, state.subscriptions.count < Self.subscriberLimit else { return nil }
            let subscription = FeedSubscription(id: state.nextID, onStuck: onStuck)
            state.nextID += 1
            state.subscriptions[subscription.id] = subscription
            return subscription
        }
        if subscription != nil {
            ringer.yield()
            sideRinger.yield()
        }
        return subscription
    }

    /// Ends a subscription; its signals end with it.
    func unsubscribe(_ subscription: FeedSubscription) {
        state.withLock { _ = $0.subscriptions.removeValue(forKey: subscription.id) }
        subscription.end()
    }

    /// Where a list that is read now can be followed up from; `nil` while the feed does not know all agents yet.
    var position: UInt64? {
        state.withLock { $0.isComplete ? $0.ring.last : nil }
    }

    /// Whether a stream can go on after an event.
    func holds(after sequence: UInt64) -> Bool {
        state.withLock { $0.isComplete && $0.ring.holds(after: sequence) }
    }

    /// The events after one, oldest first; `nil` when some of them are gone.
    func events(after sequence: UInt64, limit: Int) -> ArraySlice<FeedEvent>? {
        state.withLock { $0.ring.events(after: sequence, limit: limit) }
    }

    /// The counts as they are known now; `nil` while the feed does not know all agents yet.
    var counts: FeedCounts? { state.withLock { $0.counts } }

    /// How the engines do, and which reading that is; version 0 before the first.
    var pulses: EnginePulses { state.withLock { $0.pulses } }

    /// Whether what is told is up to date: the database answered a moment ago.
    var isCurrent: Bool {
        state.withLock { state in
            guard let readAt = state.readAt, let sidesReadAt = state.sidesReadAt else { return false }
            return min(readAt, sidesReadAt) + Self.silence > .now
        }
    }

    /// Whether one more may watch.
    var hasRoom: Bool { state.withLock { !$0.isEnding && $0.subscriptions.count < Self.subscriberLimit } }

    /// How many watch, for metrics and tests.
    package var subscriberCount: Int { state.withLock { $0.subscriptions.count } }
}
