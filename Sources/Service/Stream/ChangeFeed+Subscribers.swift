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
            noteWatchers(state)
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
        state.withLock { state in
            state.subscriptions.removeValue(forKey: subscription.id)
            noteWatchers(state)
        }
        subscription.end()
    }

    /// Says to who commits whether anybody wants to hear of it.
    func noteWatchers(_ state: State) {
        touches.withLock { touches in
            touches.isWatched = !state.subscriptions.isEmpty
            touches.isRemembered = state.readAt != nil
        }
    }

    /// Where a list that is read now can be followed up from; `nil` while the feed does not know all agents yet.
    var position: UInt64? {
        state.withLock { $0.isComplete ? $0.ring.last : nil }
    }

    /// The id of the event at ``position``; `nil` as there.
    var eventID: String? { position.map { EventText(run: run).id($0) } }

    /// Whether a stream can go on after an event.
    func holds(after sequence: UInt64) -> Bool {
        state.withLock { $0.isComplete && $0.ring.holds(after: sequence) }
    }

    /// All that a watcher takes when it is woken.
    ///
    /// `place`: the one that it stands at; `nil` for who has none.
    /// `isShared`: whether it filters nothing, is bound to no teams and was told no counts newer than its place.
    func look(after place: UInt64?, isShared: Bool) -> FeedLook {
        state.withLock { state -> FeedLook in
            var look = FeedLook(pulses: state.pulses, news: nil, last: state.ring.last)
            if let place { look.news = state.ring.news(after: place, isShared: isShared) }
            return look
        }
    }

    /// The counts as they are known now; `nil` while the feed does not know all agents yet.
    var counts: FeedCounts? { state.withLock { $0.counts } }

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
