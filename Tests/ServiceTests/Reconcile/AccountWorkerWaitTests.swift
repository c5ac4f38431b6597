import Domain
import Synchronization
import Testing

@testable import Service

/// How long a worker lets instances wait of which it has learned nothing.
@Suite("AccountWorker's waits", .timeLimit(.minutes(1)))
struct AccountWorkerWaitTests {
    @Test(arguments: [true, false])
    func `what was planned while the account was refused is passed over at once where it is accepted by now`(
        isRefused: Bool
    ) throws {
        let scene = WorkerScene(isLeaseStored: true)
        var waits = scene.plan(1, desired: .stopped, Evidence())
        let later = scene.clock.now() + ReconcilePolicy().longestRetry
        waits.decision = Decision(nil, .accountRefused, .needsAttention, lookAgainAt: later)
        waits.dueAt = later
        waits.looksWhenDue = false
        let (plan, scheduler) = (waits, scene.scheduler)
        let due = Mutex<[Int]>([])
        try scene.run { worker in
            // Both may turn between the plan and this.
            _ = worker.leases.setRefused(1, isRefused)
            worker.carryOut([plan])
            due.withLock { $0.append(worker.timers.count) }
            scheduler.after(500_000) { due.withLock { $0.append(worker.timers.count) } }
        }
        #expect(due.withLock { $0 } == [1, isRefused ? 1 : 0])
    }

    @Test
    func `reads that fail in a row count from the first, until a list tells or the lease is another's`() throws {
        let scene = WorkerScene(verdict: .permanent)
        let clock = scene.clock
        let told = Mutex<[Timestamp]>([])
        try scene.runLanes { worker in
            for number in 1...4 {
                if number == 3 { worker.forget() }
                if number == 4 { worker.listed(1, at: clock.now()) }
                let look = LookJob(instance: 1, address: SessionAddress(instanceID: "1"), priority: .repair)
                _ = await worker.read(look, CallDeparture())
                for item in await worker.passes.next()?.items ?? [] {
                    guard case .unread(_, let since) = item.news else { continue }
                    told.withLock { $0.append(since) }
                }
                try? await clock.sleep(for: .seconds(2))  // Cancelled: the test is over.
            }
        }
        let since = told.withLock { $0 }
        try #require(since.count == 4)
        #expect(since[0] == since[1] && since[2] - since[0] >= .seconds(4) && since[3] - since[2] >= .seconds(2))
    }
}

extension AccountWorker {
    /// Takes in a list that says of an instance what is known of it.
    fileprivate func listed(_ instance: Int64, at sentAt: Timestamp) {
        let entry = SweepEntry(
            instance: instance,
            address: SessionAddress(instanceID: "1"),
            reading: nil,
            condition: .converged
        )
        _ = take(.asStored, of: entry, sentAt: sentAt, run: nil)
    }
}
