import Testing

@testable import Service

@Suite("DeliveryBudget")
struct DeliveryBudgetTests {
    @Test
    func `a second's worth may come at once, and then as much as time brings`() {
        let start = ContinuousClock.now
        let budget = DeliveryBudget(perSecond: 3, now: start)
        #expect((0..<5).map { _ in budget.take(now: start) } == [true, true, true, false, false])
        #expect(!budget.take(now: start + .milliseconds(300)))
        #expect(budget.take(now: start + .milliseconds(400)))
        #expect(!budget.take(now: start + .milliseconds(400)))
        let later = start + .seconds(60)
        #expect((0..<5).map { _ in budget.take(now: later) } == [true, true, true, false, false])
    }

    @Test
    func `a clock that stands still or goes back brings nothing`() {
        let start = ContinuousClock.now
        let budget = DeliveryBudget(perSecond: 1, now: start)
        #expect(budget.take(now: start))
        #expect(!budget.take(now: start - .seconds(9)))
        #expect(!budget.take(now: start))
    }
}
