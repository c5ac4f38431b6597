import Domain
import Testing

@testable import Service

@Suite("CallQueue", .timeLimit(.minutes(1)))
struct CallQueueTests {
    /// How many of ten calls leave within a second of simulated time after two quiet ones.
    ///
    /// `early`: comes a second and a half before.
    private func callsInASecond(
        early: @escaping @Sendable (CallQueue) -> Void = { _ in },
        _ before: @escaping @Sendable (CallQueue) -> Void
    ) -> Int {
        let scheduler = Scheduler(seed: 1)
        let process = SimulatedProcessClock(scheduler: scheduler, start: 0, drift: 0)
        let queue = CallQueue(callsPerSecond: 5, clock: DatabaseClock(process: process))
        let executor = scheduler.addProcess()
        let counter = Counted()
        let lane = Task(executorPreference: executor) {
            while await queue.next() != nil { counter.add() }
        }
        let pacer = Task(executorPreference: executor) { await queue.runPacer() }
        scheduler.after(500_000) { early(queue) }
        scheduler.after(2_000_000) {
            before(queue)
            for number in 1...10 as ClosedRange<Int64> {
                let address = SessionAddress(instanceID: "i\(number)")
                _ = queue.push(.look(LookJob(instance: number, address: address, priority: .repair)), priority: .repair)
            }
        }
        scheduler.run(until: 2_999_000) { false }
        let count = counter.count
        _ = queue.close()
        lane.cancel()
        pacer.cancel()
        #expect(scheduler.clearUp() != nil)
        return count
    }

    @Test
    func `a new holder begins with what the last one has left of the budget, and with nothing where nobody knows`() {
        #expect(callsInASecond { _ in } == 5)
        #expect(callsInASecond { $0.beginBudget(Handover()) } == 0)
        #expect(callsInASecond { $0.beginBudget(Handover(spent: 0)) } == 5)
        #expect(callsInASecond { $0.beginBudget(Handover(spent: 3)) } == 2)
        #expect(callsInASecond { $0.beginBudget(Handover(spent: 7)) } == 0)
        // Half a second ago all of it: half a second later all of it again, spread.
        #expect(callsInASecond { $0.beginBudget(Handover(age: .milliseconds(500))) } == 4)
        #expect(callsInASecond { $0.beginBudget(Handover(spent: 5, age: .seconds(2))) } == 5)
    }

    @Test
    func `a call that was made beside the holder a moment ago counts when its maker becomes the holder`() {
        let none = Handover(spent: 0)
        let early = callsInASecond { queue in
            queue.noteBeside()
            queue.beginBudget(none)
        }
        #expect(early == 4)
        let late = callsInASecond { queue in
            queue.beginBudget(none)
            queue.noteBeside()
        }
        #expect(late == 4)
        let last = callsInASecond { queue in
            queue.noteBeside()
            queue.beginBudget(Handover(spent: 4, age: .milliseconds(10)))
        }
        #expect(last == 0)
        #expect(callsInASecond(early: { $0.noteBeside() }) { $0.beginBudget(none) } == 5, "it is long over")
    }

    @Test
    func `answers to reads that prove nothing neither end a pause nor count for one`() {
        let scheduler = Scheduler(seed: 1)
        let process = SimulatedProcessClock(scheduler: scheduler, start: 0, drift: 0)
        let queue = CallQueue(callsPerSecond: 5, clock: DatabaseClock(process: process))
        for failure in 1...20 {
            #expect(queue.noteOutcome(.permanent, ofRead: true) == nil)
            let pause = queue.noteOutcome(.transient)
            #expect(pause == (failure == 20 ? Duration.seconds(1) : nil), "as without them")
        }
        for verdict in [.already, .verify, .errorBody, .permanent] as [EngineVerdict] {
            #expect(queue.noteOutcome(verdict, ofRead: true) == nil)
            #expect(queue.load.isPaused, "\(verdict)")
        }
        #expect(queue.noteOutcome(.permanent) == nil)
        #expect(!queue.load.isPaused, "a command that is refused was understood")
    }

    /// What a call was answered: so many seconds to wait, if any.
    private func answer(_ status: Int, _ retryAfter: Int64?) -> EngineAnswer {
        EngineAnswer(verdict: .transient, httpStatus: status, retryAfter: retryAfter.map { .seconds($0) })
    }

    @Test
    func `who is asked to wait leaves the account alone for so long, whatever older calls bring`() {
        for status in [429, 503] {
            let asked = answer(status, 2)
            #expect(callsInASecond { _ = $0.noteAskedPause(asked) } == 0)
            let count = callsInASecond { queue in
                _ = queue.noteAskedPause(asked)
                _ = queue.noteOutcome(.ok)
                #expect(queue.load.isPaused)
            }
            #expect(count == 0)
        }
        // Nobody asked, or what failed is one call.
        for other in [answer(429, nil), answer(429, 0), answer(500, 2), answer(502, 2)] {
            let count = callsInASecond { #expect($0.noteAskedPause(other) == nil) }
            #expect(count == 5)
        }
    }

    @Test
    func `a pause that was asked for ends, is told once, and is never longer than five minutes`() {
        let hour = answer(429, 3600)
        let queue = CallQueue(callsPerSecond: 5)
        #expect(queue.noteAskedPause(hour) == .seconds(300))
        #expect(queue.noteAskedPause(hour) == nil)
        let scheduler = Scheduler(seed: 1)
        let process = SimulatedProcessClock(scheduler: scheduler, start: 0, drift: 0)
        let paused = CallQueue(callsPerSecond: 5, clock: DatabaseClock(process: process))
        let executor = scheduler.addProcess()
        let counter = Counted()
        let lane = Task(executorPreference: executor) {
            while await paused.next() != nil { counter.add() }
        }
        let pacer = Task(executorPreference: executor) { await paused.runPacer() }
        scheduler.after(2_000_000) {
            _ = paused.noteAskedPause(hour)
            let look = LookJob(instance: 1, address: SessionAddress(instanceID: "i"), priority: .people)
            _ = paused.push(.look(look), priority: .people)
        }
        scheduler.run(until: 301_900_000) { false }
        #expect(counter.count == 0)
        scheduler.run(until: 303_100_000) { false }
        #expect(counter.count == 1)
        _ = paused.close()
        lane.cancel()
        pacer.cancel()
        #expect(scheduler.clearUp() != nil)
    }

    @Test
    func `a queue says how many calls left in the last second`() {
        let count = callsInASecond { #expect($0.spent == 0) }
        #expect(count == 5)
        let queue = CallQueue(callsPerSecond: 5, clock: DatabaseClock())
        queue.beginBudget(Handover(spent: 4))
        #expect(queue.spent == 4)
    }
}
