import Domain
import Testing

@testable import Service

@Suite("CallQueue", .timeLimit(.minutes(1)))
struct CallQueueTests {
    /// How many of ten calls leave within a second of simulated time after two quiet ones.
    private func callsInASecond(_ before: @escaping @Sendable (CallQueue) -> Void) -> Int {
        let scheduler = Scheduler(seed: 1)
        let process = SimulatedProcessClock(scheduler: scheduler, start: 0, drift: 0)
        let queue = CallQueue(callsPerSecond: 5, clock: DatabaseClock(process: process))
        let executor = scheduler.addProcess()
        let counter = Counted()
        let lane = Task(executorPreference: executor) {
            while await queue.next() != nil { counter.add() }
        }
        let pacer = Task(executorPreference: executor) { await queue.runPacer() }
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
    func `a queue says how many calls left in the last second`() {
        let count = callsInASecond { #expect($0.spent == 0) }
        #expect(count == 5)
        let queue = CallQueue(callsPerSecond: 5, clock: DatabaseClock())
        queue.beginBudget(Handover(spent: 4))
        #expect(queue.spent == 4)
    }
}
