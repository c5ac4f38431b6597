import Synchronization
import Testing

@testable import rollcall

@Suite("OpenLoop")
struct OpenLoopTests {
    @Test(arguments: [(LoadSchedule.burst(500), 8), (.burst(3), 64), (LoadSchedule(count: 50, rate: 10_000), 4)])
    func `every call is made once`(schedule: LoadSchedule, connections: Int) async {
        let made = Mutex<[Int]>([])
        let outcome = await OpenLoop(schedule: schedule, connections: connections).run { number in
            made.withLock { $0.append(number) }
            return true
        }
        #expect(made.withLock { $0.sorted() } == Array(0..<schedule.count))
        #expect(outcome.latency.count == schedule.count)
        #expect(outcome.failures == 0)
    }

    @Test func `a failure is counted and has no latency`() async {
        let outcome = await OpenLoop(schedule: .burst(10), connections: 2).run { !$0.isMultiple(of: 2) }
        #expect(outcome.failures == 5)
        #expect(outcome.latency.count == 5)
    }

    @Test func `a call that had to wait for a connection is charged from when it was due`() async {
        // One connection, held by the first call until the clock has moved on: the second was due at once as well.
        let clock = ContinuousClock()
        let outcome = await OpenLoop(schedule: .burst(2), connections: 1).run { number in
            let end = clock.now + .milliseconds(number == 0 ? 5 : 0)
            while clock.now < end { await Task.yield() }
            return true
        }
        #expect((outcome.latency.percentile(0.5) ?? .zero) >= .milliseconds(5))
        #expect(outcome.latency.percentile(1) ?? .zero >= .milliseconds(5))
    }

    @Test func `a steady load is due evenly`() {
        let schedule = LoadSchedule.steady(rate: 50, for: .seconds(2))
        #expect(schedule.count == 100)
        #expect(schedule.due(0) == .zero)
        #expect(schedule.due(50) == .seconds(1))
        #expect(LoadSchedule.burst(7).due(6) == .zero)
    }
}
