import Domain
import Testing

@testable import Service

@Suite("RestartLine")
struct RestartLineTests {
    private let start = Timestamp(seconds: 1_800_000_000)

    @Test(arguments: [0, 2])
    func `many that fail stay many as long as they are down, with restarts or without`(restartLimit: Int) {
        var policy = ReconcilePolicy()
        policy.restartLimit = restartLimit
        var fleet = FailingFleet(1...12, .status(.failed), since: start, policy: policy)
        var told: [Bool] = []
        for step in 1...540 {
            let now = start + .seconds(step * 10)
            if let news = fleet.line.take(fleet.pass(.status(.failed), at: now), now: now) { told.append(news) }
        }
        // An hour and a half: the budget was used up and renewed more than once.
        #expect(told == [true])
        if restartLimit == 0 { #expect(fleet.reasons == Array(repeating: .restartBudgetUsed, count: 12)) }
        for step in 541...550 {
            let now = start + .seconds(step * 10)
            if let news = fleet.line.take(fleet.pass(.status(.working), at: now), now: now) { told.append(news) }
        }
        #expect(told == [true, false])
    }

    @Test
    func `who takes over goes on with those that have no budget left`() {
        let line = RestartLine()
        line.begin(isStorm: true)
        for instance in 1...12 as ClosedRange<Int64> { line.meet(instance, since: start - .seconds(1200), now: start) }
        for minute in 0...30 { #expect(line.take([], now: start + .seconds(minute * 60)) == nil) }
        let other = RestartLine()
        other.begin(isStorm: false)
        for instance in 1...12 as ClosedRange<Int64> { other.meet(instance, since: start - .seconds(1200), now: start) }
        #expect(other.take([], now: start) == nil, "that is no news")
    }

    @Test(arguments: [SessionReading.status(.scanQRCode), .missing])
    func `who waits for something else than a restart fails no more`(reading: SessionReading) {
        var policy = ReconcilePolicy()
        policy.restartLimit = 0
        var fleet = FailingFleet(1...12, .status(.failed), since: start, policy: policy)
        var told: [Bool] = []
        for step in 1...30 {
            let now = start + .seconds(step * 10)
            let found = step <= 10 ? SessionReading.status(.failed) : reading
            if let news = fleet.line.take(fleet.pass(found, at: now), now: now) { told.append(news) }
        }
        #expect(told == [true, false])
    }
}
