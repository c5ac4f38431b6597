import Domain
import NIOCore
import Testing

@testable import Service

@Suite("FeedRing")
struct FeedRingTests {
    private func summary(groups: Int = 0) -> FeedEvent {
        let group = Summary.Group(team: "t", shift: .in, desired: .running, condition: .converged, count: 1)
        let counts = Summary(groups: Array(repeating: group, count: groups), asOf: Timestamp(seconds: 0))
        return FeedEvent(.summary(counts))
    }

    @Test
    func `a subscriber gets what came after its place, in order`() throws {
        var ring = FeedRing(run: "r")
        for _ in 0..<5 { ring.append(summary()) }
        #expect(try #require(ring.events(after: 2, limit: 10)).map(\.sequence) == [3, 4, 5])
        #expect(try #require(ring.events(after: 0, limit: 2)).map(\.sequence) == [1, 2])
        #expect(try #require(ring.events(after: 5, limit: 10)).isEmpty)
    }

    @Test
    func `a place that the ring has gone past is lost, the oldest one still there is not`() {
        var ring = FeedRing(run: "r", eventLimit: 3)
        for _ in 0..<5 { ring.append(summary()) }
        #expect(ring.events(after: 1, limit: 10) == nil)
        #expect(ring.events(after: 2, limit: 10)?.map(\.sequence) == [3, 4, 5])
    }

    @Test
    func `large events push out more of the old ones`() {
        var ring = FeedRing(run: "r", sizeLimit: 10_000)
        for _ in 0..<10 { ring.append(summary(groups: 50)) }
        #expect(ring.holds(after: 9))
        #expect(!ring.holds(after: 5))
    }

    @Test
    func `after a pause nobody goes on, not even who had seen everything`() {
        var ring = FeedRing(run: "r")
        ring.append(summary())
        let seen = ring.last
        ring.clear()
        #expect(!ring.holds(after: seen))
        #expect(ring.holds(after: ring.last))
    }

    @Test
    func `a place that was never given away is no place`() {
        let ring = FeedRing(run: "r")
        #expect(!ring.holds(after: 1))
        #expect(ring.holds(after: 0))
    }
}
