import Testing

@testable import Service

@Suite("YieldWait")
struct YieldWaitTests {
    @Test
    func `a lease is laid down once nothing is under way, and after some beats whatever is`() {
        var wait = YieldWait()
        let first = (1...YieldWait.limit).map { _ in wait.ready([1, 2]) { $0 == 2 } }
        #expect(first.allSatisfy { $0 == [2] })
        let last = wait.ready([1]) { _ in false }
        #expect(last == [1])
    }

    @Test
    func `one that is not to be laid down after all has as long the next time`() {
        var wait = YieldWait()
        let first = (1...YieldWait.limit).map { _ in wait.ready([1]) { _ in false } }
        let between = wait.ready([]) { _ in false }
        let again = wait.ready([1]) { _ in false }
        #expect((first + [between, again]).allSatisfy { $0.isEmpty })
    }
}
