/// In which order and how fast subscribers are woken.
extension ChangeFeed {
    /// Subscribers woken at a time: who posts events waits for a few writes and not for hundreds.
    fileprivate static let wokenAtATime = 8
    /// The pause after them, which leaves the processors to who posts.
    ///
    /// A few writes take a millisecond, the reading of them included.
    private static let wakingPause = Duration.milliseconds(4)
    /// All pauses of one telling together at the most.
    private static let longestTelling = Duration.milliseconds(100)

    /// Does something to every subscriber, to a few at a time.
    static func each(of subscriptions: [FeedSubscription], _ body: (FeedSubscription) -> Void) async {
        let pause = min(wakingPause, longestTelling / max(1, subscriptions.count / wokenAtATime))
        for (place, subscription) in subscriptions.enumerated() {
            if place > 0, place % wokenAtATime == 0 {
                try? await Task.sleep(for: pause)  // Cancelled: the rest at once.
            }
            body(subscription)
        }
    }
}

extension ChangeFeed.State {
    /// All subscriptions, beginning with others each time: the last one hears of a change a telling later than the first.
    mutating func inTurn() -> [FeedSubscription] {
        let all = Array(subscriptions.values)
        guard !all.isEmpty else { return [] }
        let first = turn % all.count
        turn = first + ChangeFeed.wokenAtATime
        return Array(all[first...] + all[..<first])
    }
}
