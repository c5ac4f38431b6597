import Synchronization
import Testing

@testable import Service

@Suite("ChangeFeed", .timeLimit(.minutes(2)))
struct ChangeFeedTests {
    @Test
    func `no stream is always the last that is told`() {
        var state = ChangeFeed.State(ring: FeedRing(run: "r"))
        for id in 0..<UInt64(200) { state.subscriptions[id] = FeedSubscription(id: id) {} }
        var last: Set<UInt64> = []
        for _ in 0..<25 {
            let order = state.inTurn().map(\.id)
            #expect(order.count == 200 && Set(order).count == 200)
            last.formUnion(order.suffix(8))
        }
        #expect(last.count == 200)
    }

    @Test
    func `those who are left are told in turn, and where nobody is, nobody`() {
        var state = ChangeFeed.State(ring: FeedRing(run: "r"))
        for id in 0..<UInt64(20) { state.subscriptions[id] = FeedSubscription(id: id) {} }
        for left in (0...20).reversed() {
            let told = state.inTurn()
            #expect(told.count == left)
            if let first = told.first { state.subscriptions[first.id] = nil }
        }
    }

    @Test
    func `a page that reloads finds all known, and soon after the last nothing is read any more`() async throws {
        try await withPage { page in
            try await page.management.addAgent("a1")
            let first = try #require(page.feed.subscribe {})
            try await page.wait { page.feed.position != nil }
            page.feed.unsubscribe(first)
            #expect(page.feed.position != nil)
            let second = try #require(page.feed.subscribe {})
            #expect(page.feed.position != nil)
            page.feed.unsubscribe(second)
            try await Task.sleep(for: ChangeFeed.linger)
            try await page.wait { page.feed.position == nil }
            // Nor is anything remembered of what is touched.
            try await page.wait { page.feed.touches.withLock { !$0.isRemembered } }
        }
    }
}
