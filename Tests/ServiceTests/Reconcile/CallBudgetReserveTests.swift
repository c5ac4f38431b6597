import Testing

@testable import Service

@Suite("Calls left to other replicas")
struct CallBudgetReserveTests {
    /// How many calls a budget allows in a second.
    private func allowed(_ budget: inout CallBudget, from start: Int64) -> Int {
        (0..<1_000).reduce(0) { count, millisecond in
            let now = start + Int64(millisecond) * 1_000
            guard budget.take(now: now) else { return count }
            budget.left(now: now)
            return count + 1
        }
    }

    @Test
    func `with others there is one call a second less, and without them all of it`() {
        var budget = CallBudget(perSecond: 5, now: 0)
        #expect(budget.leavesRoom)
        #expect(allowed(&budget, from: 2_000_000) == 5)
        budget.reserved = 1
        #expect(allowed(&budget, from: 4_000_000) == 4)
        let next = budget.nextAllowed(now: 4_999_999)
        #expect(next > 4_999_999 && next <= 5_020_000 + CallBudget.longestWay)
        budget.reserved = 0
        #expect(allowed(&budget, from: 7_000_000) == 5)
    }

    @Test
    func `a budget of one call leaves none`() {
        let queue = CallQueue(callsPerSecond: 1)
        #expect(!queue.leavesRoom)
        queue.reserve(true)
        var budget = CallBudget(perSecond: 1, now: 0)
        #expect(!budget.leavesRoom)
        #expect(allowed(&budget, from: 2_000_000) == 1)
    }
}
