import Domain
import Synchronization
import Testing

@testable import Service

@Suite("Timers")
struct TimersTests {
    private let scheduler = Scheduler(seed: 1)
    private var clock: DatabaseClock {
        DatabaseClock(process: SimulatedProcessClock(scheduler: scheduler, start: 0, drift: 0))
    }

    @Test
    func `what was set to another time does not pile up`() {
        let timers = Timers(clock: clock)
        let now = clock.now()
        for round in 0..<1000 {
            for instance in 1...100 as ClosedRange<Int64> {
                timers.schedule(instance, at: now + .seconds(86_400 + round), priority: .repair)
            }
        }
        #expect(timers.count == 100)
        #expect(timers.heldCount <= 200)
        for instance in 1...100 as ClosedRange<Int64> { timers.cancel(instance) }
        timers.schedule(1, at: now + .seconds(86_400), priority: .repair)
        #expect(timers.count == 1 && timers.heldCount <= 64)
    }

    @Test
    func `what counts is due in its order after the rest was dropped`() {
        let timers = Timers(clock: clock)
        let now = clock.now()
        for round in 0..<100 {
            for instance in 1...9 as ClosedRange<Int64> {
                timers.schedule(instance, at: now + .seconds(Int(instance) + 100 - round), priority: .repair)
            }
        }
        let fired = Fired()
        let task = Task(executorPreference: scheduler.addProcess()) { await timers.run { fired.note($0.instance) } }
        scheduler.run(until: 30_000_000) { false }
        task.cancel()
        #expect(fired.all == Array(1...9))
    }
}

/// The instances that were due, in order.
private final class Fired: Sendable {
    private let state = Mutex<[Int64]>([])

    var all: [Int64] { state.withLock { $0 } }

    func note(_ instance: Int64) { state.withLock { $0.append(instance) } }
}
