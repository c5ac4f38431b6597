import Testing

@testable import Service

/// When a batch begins, and for whom it waits.
@Suite("Gathering")
struct GatheringTests {
    private let committed = ContinuousClock.now

    @Test
    func `a first event waits for nobody`() {
        #expect(Gathering().isOver(waiting: 1, now: committed))
    }

    @Test(arguments: [0, 1, 3])
    func `few senders are not waited for`(count: Int) {
        #expect(Gathering(after: count, waiting: 0, at: committed).isOver(waiting: 1, now: committed))
    }

    @Test(arguments: [(16, 8, 22), (64, 0, 56), (4, 0, 4), (256, 40, 264)])
    func `most of those just answered are waited for, beside those who wait`(count: Int, waiting: Int, expected: Int) {
        let gathering = Gathering(after: count, waiting: waiting, at: committed)
        #expect(!gathering.isOver(waiting: expected - 1, now: committed))
        #expect(gathering.isOver(waiting: expected, now: committed))
    }

    @Test
    func `whoever stays away is waited for a millisecond`() {
        let gathering = Gathering(after: 64, waiting: 0, at: committed)
        #expect(!gathering.isOver(waiting: 1, now: committed + .microseconds(999)))
        #expect(gathering.isOver(waiting: 1, now: committed + .milliseconds(1)))
        #expect(gathering.until == committed + .milliseconds(1))
    }
}
