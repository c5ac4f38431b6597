import Domain
import Testing

@testable import Service

@Suite("YieldWait")
struct YieldWaitTests {
    private let limit = YieldWait.limit.microseconds

    @Test
    func `a lease is laid down once nothing is under way, and after a while whatever is`() {
        var wait = YieldWait()
        // However many beats there are.
        let first = [0, 1, 2, limit - 1].map { now in wait.ready([1, 2], now: now) { $0 == 2 } }
        #expect(first.allSatisfy { $0 == [2] })
        let last = wait.ready([1], now: limit) { _ in false }
        #expect(last == [1])
    }

    @Test
    func `one that is not to be laid down after all has as long the next time`() {
        var wait = YieldWait()
        let first = wait.ready([1], now: 0) { _ in false }
        let between = wait.ready([], now: limit - 1) { _ in false }
        let again = [limit, 2 * limit - 1].map { now in wait.ready([1], now: now) { _ in false } }
        #expect((again + [first, between]).allSatisfy { $0.isEmpty })
    }
}
