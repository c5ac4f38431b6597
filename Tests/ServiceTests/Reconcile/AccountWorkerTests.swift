import Domain
import FoundationEssentials
import Logging
import Synchronization
import Testing

@testable import Service

@Suite("AccountWorker", .timeLimit(.minutes(1)))
struct AccountWorkerTests {
    /// Runs a worker in simulated time, with or without its account's lease, for as long as a call takes and more.
    private func looks(holding: Bool) throws -> Int {
        let scheduler = Scheduler(seed: 1)
        let clock = DatabaseClock(process: SimulatedProcessClock(scheduler: scheduler, start: 0, drift: 0))
        let leases = LeaseBook(clock: StillClock())
        if holding { leases.replace(with: [1: HeldLease(term: 1, deadline: 1)]) }
        let rules = Witness.Rules(policy: ReconcilePolicy(), sweep: SweepPolicy(), callsPerSecond: 10, width: 2)
        let witness = Witness(rules: rules, keepsHistory: false, scheduler: scheduler)
        let database = SimulatedDatabase(seed: 1, scheduler: scheduler, witness: witness, planted: nil)
        let executor = scheduler.addProcess()
        let store = MemoryStore(database: database, process: executor.number, replica: UUID())
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let engine = CountingEngine()
        let worker = AccountWorker(
            AccountSettings(name: "main", engine: engine, callsPerSecond: 10, concurrency: 2, timeout: .seconds(5)),
            account: 1,
            dependencies: ReconcilerDependencies(
                store: store,
                leases: leases,
                policy: ReconcilePolicy(),
                sweep: SweepPolicy(),
                clock: clock,
                incidents: IncidentLog(logger: logger),
                channel: WakeChannel(store: store, clock: clock, logger: logger),
                crashPoints: CrashPoints(),
                transactionTimeout: .seconds(5),
                logger: logger
            ),
            onCommit: { _ in }
        )
        let subject = Subject(
            instance: 1,
            account: 1,
            address: SessionAddress(instanceID: "i"),
            evidence: Evidence(),
            condition: .unknown,
            reason: .neverRead
        )
        let context = PlanningContext(
            policy: ReconcilePolicy(),
            now: clock.now(),
            mayAct: holding,
            isAccountRefused: false
        )
        let wantsLook = plan(subject, agent: nil, priority: .people, context: context)
        try #require(wantsLook.decision.wantsLook(at: clock.now()))
        let task = Task(executorPreference: executor) { await worker.run() }
        scheduler.after(1_000_000) { worker.carryOut([wantsLook]) }
        scheduler.after(4_000_000) { worker.drain() }
        scheduler.run(until: 10_000_000) { false }
        task.cancel()
        _ = try #require(scheduler.clearUp())
        return engine.count
    }

    @Test
    func `only who holds the lease looks: the account's budget is its holder's`() throws {
        #expect(try looks(holding: true) == 1)
        #expect(try looks(holding: false) == 0)
    }
}

private final class CountingEngine: SessionEngine {
    private let calls = Mutex(0)

    var count: Int { calls.withLock { $0 } }

    func send(_ call: EngineCall, to session: SessionAddress) async -> EngineAnswer {
        calls.withLock { $0 += 1 }
        return EngineAnswer(verdict: .ok, status: .stopped, httpStatus: 200)
    }
}
