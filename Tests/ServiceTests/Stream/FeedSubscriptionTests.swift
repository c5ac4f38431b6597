import Synchronization
import Testing

@testable import Service

@Suite("FeedSubscription")
struct FeedSubscriptionTests {
    @Test
    func `a browser that takes nothing for a minute is cut off, one that takes something is not`() {
        let cuts = Mutex(0)
        let subscription = FeedSubscription(id: 1) { cuts.withLock { $0 += 1 } }
        let later = ContinuousClock.now + FeedSubscription.patience + .seconds(5)
        subscription.pulse(now: later)
        #expect(cuts.withLock { $0 } == 0)
        subscription.beginWriting()
        subscription.pulse(now: .now)
        #expect(cuts.withLock { $0 } == 0)
        subscription.pulse(now: later)
        #expect(cuts.withLock { $0 } == 1)
        subscription.endWriting()
        subscription.pulse(now: later)
        #expect(cuts.withLock { $0 } == 1)
    }

    @Test
    func `however often it is woken, there is one signal to take`() async {
        let subscription = FeedSubscription(id: 1) {}
        for _ in 0..<1000 { subscription.wake() }
        subscription.end()
        var signals = 0
        for await _ in subscription.signals { signals += 1 }
        #expect(signals == 1)
    }
}
