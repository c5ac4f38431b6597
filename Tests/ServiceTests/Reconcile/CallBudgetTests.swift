import Testing

@testable import Service

@Suite("CallBudget")
struct CallBudgetTests {
    private static let second: Int64 = 1_000_000

    /// A call as the engine sees it, in microseconds.
    private struct Call {
        var takenAt: Int64
        var leftAt: Int64
        var arrivesAt: Int64
        var answeredAt: Int64
    }

    /// Calls that are let go as soon as the budget allows, each with a wait for a connection and a way of its own, until `end`.
    private func calls(
        perSecond: Int,
        from start: Int64,
        until end: Int64,
        budget: inout CallBudget,
        wait: (Int64) -> Int64 = { _ in 0 },
        way: (Int64) -> (there: Int64, back: Int64)
    ) -> [Call] {
        var calls: [Call] = []
        var waiting: [Call] = []
        var open: [Call] = []
        for now in stride(from: start, to: end, by: 1000) {
            for call in open where call.answeredAt <= now {
                budget.ended(leftAt: call.leftAt, wasAnswered: true, now: now)
            }
            open.removeAll { $0.answeredAt <= now }
            while budget.take(now: now) {
                let leftAt = now + wait(now) / 1000 * 1000
                let (there, back) = way(now)
                let arrivesAt = leftAt + there
                waiting.append(Call(takenAt: now, leftAt: leftAt, arrivesAt: arrivesAt, answeredAt: arrivesAt + back))
            }
            for call in waiting where call.leftAt == now {
                budget.left(now: now)
                calls.append(call)
                open.append(call)
            }
            waiting.removeAll { $0.leftAt == now }
        }
        return calls
    }

    private func most(_ calls: [Call]) -> Int {
        let times = calls.map(\.arrivesAt).sorted()
        return times.indices.map { first in
            times[first...].prefix { $0 < times[first] + Self.second }.count
        }.max() ?? 0
    }

    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func `no second holds more calls at the engine than the budget, however long each is on its way`(seed: UInt64) {
        var numbers = SeededNumbers(seed: seed, stream: 1)
        let perSecond = numbers.pick([1, 3, 20, 60])
        let longest = numbers.pick([2000, 40_000, 240_000]) as Int64
        var budget = CallBudget(perSecond: perSecond, spent: 0, now: 0)
        let calls = calls(perSecond: perSecond, from: 0, until: 8 * Self.second, budget: &budget) { _ in
            let there = numbers.microseconds(0...longest)
            return (there, numbers.microseconds(0...longest))
        }
        #expect(most(calls) <= perSecond)
        // A call takes its place for a second and its way, and no longer.
        let way = Double(min(2 * longest, CallBudget.longestWay)) / Double(Self.second)
        #expect(Double(calls.count) >= 7 * Double(perSecond) / (1.03 + way))
    }

    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func `nor does it however long each waits for a connection first`(seed: UInt64) {
        var numbers = SeededNumbers(seed: seed, stream: 2)
        let perSecond = numbers.pick([1, 3, 20, 60])
        var budget = CallBudget(perSecond: perSecond, spent: 0, now: 0)
        var waits = SeededNumbers(seed: seed, stream: 3)
        let calls = calls(
            perSecond: perSecond,
            from: 0,
            until: 20 * Self.second,
            budget: &budget,
            wait: { _ in waits.chance(500) ? waits.microseconds(0...4_000_000) : 0 },
            way: { _ in (numbers.microseconds(0...240_000), numbers.microseconds(0...2_000_000)) }
        )
        #expect(calls.contains { $0.leftAt > $0.takenAt + Self.second })
        #expect(most(calls) <= perSecond)
        // As long as a call waits, a second and its way, and no longer: 4 + 1 + 0.25 s at the most.
        #expect(calls.count >= 3 * perSecond)
    }

    @Test
    func `what is let go and never leaves counts until it is over, and as if it had left then`() {
        var budget = CallBudget(perSecond: 1, spent: 0, now: 0)
        let isTaken = budget.take(now: 0)
        #expect(isTaken)
        #expect(counts(&budget, at: 60 * Self.second) == [1], "it may still leave")
        budget.ended(leftAt: nil, wasAnswered: false, now: 60 * Self.second)
        let free = 61 * Self.second + 10_000 + CallBudget.longestWay
        #expect(counts(&budget, at: free - 1, free) == [1, 0])
    }

    @Test
    func `what is given up right after it left may still be on its way`() {
        var budget = CallBudget(perSecond: 1, spent: 0, now: 0)
        #expect(takes(&budget, at: 0) == [true])
        budget.ended(leftAt: 0, wasAnswered: false, now: 1000)
        let free = Self.second + 10_000 + CallBudget.longestWay
        #expect(counts(&budget, at: free - 1, free) == [1, 0])
    }

    @Test
    func `a new budget goes on with what has not left`() {
        var budget = CallBudget(perSecond: 3, spent: 0, now: 0)
        let areTaken = [budget.take(now: 0), budget.take(now: 0)]
        #expect(areTaken == [true, true])
        budget.left(now: 0)
        var next = CallBudget(perSecond: 3, spent: 0, now: 5 * Self.second)
        next.adopt(waitingOf: budget)
        #expect(counts(&next, at: 5 * Self.second, 9 * Self.second) == [1, 1])
        next.left(now: 9 * Self.second)
        #expect(counts(&next, at: 9 * Self.second, 11 * Self.second) == [1, 0])
    }

    @Test
    func `counting from departure alone would let more than the budget arrive`() {
        var budget = CallBudget(perSecond: 20, spent: 0, now: 0)
        var isSlow = false
        // Every other second's calls take 200 ms on their way; that they were answered is said as soon as they leave.
        let calls = calls(perSecond: 20, from: 0, until: 4 * Self.second, budget: &budget) { now in
            isSlow = (now / Self.second).isMultiple(of: 2)
            return (isSlow ? 200_000 : 0, -200_000)
        }
        #expect(most(calls) > 20)
    }

    /// Whether a call is taken at each of some instants, in order; it leaves at once.
    private func takes(_ budget: inout CallBudget, at instants: Int64...) -> [Bool] {
        instants.map { now in
            let isTaken = budget.take(now: now)
            if isTaken { budget.left(now: now) }
            return isTaken
        }
    }

    /// How many calls count at each of some instants, in order.
    private func counts(_ budget: inout CallBudget, at instants: Int64...) -> [Int] {
        instants.map { budget.spent(now: $0) }
    }

    @Test
    func `a call that is not answered counts as arrived after a quarter of a second`() {
        var budget = CallBudget(perSecond: 2, spent: 0, now: 0)
        #expect(takes(&budget, at: 0, 0, 0) == [true, true, false])
        let free = CallBudget.longestWay + 1_010_000
        #expect(counts(&budget, at: Self.second, free - 1, free) == [2, 2, 0])
        // It was forgotten; that it is answered now takes nothing.
        budget.ended(leftAt: 0, wasAnswered: true, now: free)
        #expect(counts(&budget, at: free) == [0])
    }

    @Test
    func `what somebody else made last may still be on its way`() {
        var known = CallBudget(perSecond: 3, spent: 3, now: 0)
        let free = CallBudget.longestWay + 1_010_000
        #expect(takes(&known, at: free - 1, free) == [false, true])
        var unknown = CallBudget(perSecond: 3, now: 0)
        #expect(takes(&unknown, at: 1_009_999, 1_010_000) == [false, true])
    }

    @Test
    func `an answer begins the second after which the call is forgotten`() {
        var budget = CallBudget(perSecond: 1, spent: 0, now: 0)
        #expect(takes(&budget, at: 0) == [true])
        budget.ended(leftAt: 0, wasAnswered: true, now: 100_000)
        #expect(takes(&budget, at: 1_109_999) == [false])
        #expect(budget.nextAllowed(now: 1_109_999) == 1_110_000)
        #expect(takes(&budget, at: 1_110_000) == [true])
    }
}
