import Domain
import Testing

@testable import Service

@Suite("Alarm", .timeLimit(.minutes(1)))
struct AlarmTests {
    /// When a task that waits for ten seconds at most is woken, in simulated seconds.
    private func wokenAfter(_ deed: @escaping @Sendable (Alarm, Scheduler) -> Void) -> Int64 {
        let scheduler = Scheduler(seed: 1)
        let clock = DatabaseClock(process: SimulatedProcessClock(scheduler: scheduler, start: 0, drift: 0))
        let alarm = Alarm()
        let woken = Counted()
        deed(alarm, scheduler)
        let task = Task(executorPreference: scheduler.addProcess()) {
            await alarm.wait(atMost: .seconds(10), by: clock)
            for _ in 0..<(scheduler.now / 1_000_000) { woken.add() }
        }
        scheduler.run(until: 20_000_000) { false }
        task.cancel()
        return Int64(woken.count)
    }

    @Test
    func `it wakes at the instant, or sooner when it is rung`() {
        #expect(wokenAfter { _, _ in } == 10)
        #expect(wokenAfter { alarm, scheduler in scheduler.after(4_000_000) { alarm.ring() } } == 4)
        #expect(wokenAfter { alarm, _ in alarm.ring() } == 0, "rung before anybody waits")
    }
}
