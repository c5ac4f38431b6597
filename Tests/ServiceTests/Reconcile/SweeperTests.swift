import Domain
import FoundationEssentials
import Logging
import Synchronization
import Testing

@testable import Service

/// The background's sweep, in simulated time.
@Suite("Sweeper", .timeLimit(.minutes(1)))
struct SweeperTests {
    @Test
    func `a fleet whose round takes longer than the interval is walked as fast as the budget allows`() throws {
        let scene = SweepScene(sessions: 200, callsPerSecond: 5)
        try scene.run(for: 205)
        // A round of 200 at 5 a second is 40 s, twice the interval.
        let looks = scene.engine.looks
        #expect(looks.count == 200)
        #expect(looks.values.allSatisfy { (4...6).contains($0) }, "\(Set(looks.values))")
    }

    @Test
    func `where all fit into an interval each is looked at once in it`() throws {
        let scene = SweepScene(sessions: 10, callsPerSecond: 5)
        try scene.run(for: 205)
        // The interval, and the shortest pause at the end of a walk.
        let looks = scene.engine.looks
        #expect(looks.count == 10)
        #expect(looks.values.allSatisfy { (10...11).contains($0) }, "\(Set(looks.values))")
    }

    @Test
    func `looks that do not leave keep further ones from being put in line`() throws {
        let scene = SweepScene(sessions: 4000, callsPerSecond: 50, callTakes: .seconds(60))
        try scene.run(for: 300)
        #expect(scene.longestLine > 0)
        #expect(scene.longestLine <= Sweeper.pageLimit, "\(scene.longestLine)")
    }

    @Test
    func `an ordered sweep seldom looks at a line that stands still, and ends with the lease`() throws {
        let scene = SweepScene(sessions: 4000, callsPerSecond: 50, callTakes: .seconds(600))
        let jobs = scene.countJobs(between: 10, and: 55)
        let asked = try scene.ask(for: 100, losingLeaseAfter: 60)
        let count = jobs.jobs.withLock { $0 }
        #expect(count < 10_000, "\(count)")
        let ended = try #require(asked.endedAt)
        #expect((60_000_000...60_200_000).contains(ended), "\(ended)")
        #expect(asked.heard == AskedSweep.Heard(at: ended, instances: 1000) && !asked.run.isOver)
    }

    @Test
    func `an ordered sweep whose page cannot be read tells so at once, and reads it once it can`() throws {
        let scene = SweepScene(sessions: 10, callsPerSecond: 5)
        scene.breakDatabase(for: 5)
        let asked = try scene.ask(for: 60)
        let heard = try #require(asked.heard)
        #expect(heard.at < 1_000_000 && heard.instances == 0)
        #expect(asked.endedAt.map { $0 > 5_000_000 } == true)
        #expect(asked.run.isOver && asked.run.counts.read == 10)
        #expect(scene.engine.looks.count == 10)
    }
}

/// A sweep that somebody asked for, and when it was over.
private final class AskedSweep: Sendable {
    /// What whoever waits for it is told.
    struct Heard: Equatable {
        /// In simulated microseconds.
        var at: Int64
        var instances: Int
    }

    let run = SweepRun()
    private let state = Mutex<(endedAt: Int64?, heard: Heard?)>((nil, nil))

    var endedAt: Int64? { state.withLock { $0.endedAt } }
    var heard: Heard? { state.withLock { $0.heard } }

    func ended(at instant: Int64) { state.withLock { $0.endedAt = instant } }

    func hear(at instant: Int64) {
        let instances = run.counts.instances
        state.withLock { $0.heard = Heard(at: instant, instances: instances) }
    }
}

/// A worker with its sweeper over sessions that are all STOPPED and should be, in simulated time.
private final class SweepScene {
    let engine: StoppedEngine
    private let scheduler = Scheduler(seed: 1)
    private let executor: ProcessExecutor
    private let worker: AccountWorker
    private let sweeper: Sweeper
    private let leases: LeaseBook
    private let database: SimulatedDatabase
    private let line = LongestLine()

    /// The most looks of sweeps that waited at any second.
    var longestLine: Int { line.count.withLock { $0 } }

    /// `callTakes`: how long the engine takes for an answer.
    init(sessions: Int, callsPerSecond: Int, callTakes: Duration = .zero) {
        let clock = DatabaseClock(process: SimulatedProcessClock(scheduler: scheduler, start: 0, drift: 0))
        engine = StoppedEngine(clock: clock, callTakes: callTakes)
        leases = LeaseBook(clock: StillClock())
        leases.replace(with: [1: HeldLease(term: 1, deadline: 1)])
        let sweep = SweepPolicy(onShift: .seconds(20), offShift: .seconds(20))
        let rules = Witness.Rules(policy: ReconcilePolicy(), sweep: sweep, callsPerSecond: callsPerSecond, width: 2)
        let witness = Witness(rules: rules, keepsHistory: false, scheduler: scheduler)
        database = SimulatedDatabase(seed: 1, scheduler: scheduler, witness: witness, planted: nil)
        let replica = UUID()
        database.withTables { tables, now in
            tables.leases[1] = MemoryTables.Lease(holder: replica, term: 1)
            for number in 1...sessions {
                let agent = tables.addAgent("a\(number)", now: now)
                _ = tables.addInstance("i-\(number)", account: 1, agent: agent)
            }
        }
        executor = scheduler.addProcess()
        let store = MemoryStore(database: database, process: executor.number, replica: replica)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let settings = AccountSettings(
            name: "main",
            engine: engine,
            callsPerSecond: callsPerSecond,
            concurrency: 2,
            timeout: .seconds(90)
        )
        let dependencies = ReconcilerDependencies(
            store: store,
            leases: leases,
            policy: ReconcilePolicy(),
            sweep: sweep,
            clock: clock,
            incidents: IncidentLog(logger: logger),
            channel: WakeChannel(store: store, clock: clock, logger: logger),
            crashPoints: CrashPoints(),
            transactionTimeout: .seconds(5),
            logger: logger
        )
        worker = AccountWorker(settings, account: 1, dependencies: dependencies) { _ in }
        sweeper = Sweeper(worker: worker, store: store, leases: leases, policy: sweep, logger: logger)
    }

    /// Lets the database be away for some seconds from now on.
    func breakDatabase(for seconds: Int64) { database.failOver(for: seconds * 1_000_000) }

    /// Counts the jobs that run between two seconds.
    func countJobs(between first: Int64, and last: Int64) -> JobCount {
        let (count, scheduler) = (JobCount(), scheduler)
        scheduler.after(first * 1_000_000) { count.jobs.withLock { $0 = scheduler.jobCount } }
        scheduler.after(last * 1_000_000) { count.jobs.withLock { $0 = scheduler.jobCount - $0 } }
        return count
    }

    /// Asks for a sweep, and runs the worker for some seconds.
    ///
    /// `losingLeaseAfter`: seconds until the account is another's.
    func ask(for seconds: Int64, losingLeaseAfter: Int64? = nil) throws -> AskedSweep {
        let (worker, sweeper, scheduler, leases, asked) = (worker, sweeper, scheduler, leases, AskedSweep())
        let tasks = [
            Task(executorPreference: executor) { await worker.run() },
            Task(executorPreference: executor) {
                await sweeper.sweepOnce(asked.run)
                asked.ended(at: scheduler.now)
            },
            Task(executorPreference: executor) {
                await asked.run.wait()
                asked.hear(at: scheduler.now)
            },
        ]
        if let losingLeaseAfter { scheduler.after(losingLeaseAfter * 1_000_000) { leases.replace(with: [:]) } }
        scheduler.after(seconds * 1_000_000) { worker.drain() }
        scheduler.run(until: (seconds + 1000) * 1_000_000) { false }
        for task in tasks { task.cancel() }
        _ = try #require(scheduler.clearUp())
        return asked
    }

    /// Runs both for some seconds.
    func run(for seconds: Int64) throws {
        let (worker, sweeper, line) = (worker, sweeper, line)
        let acting = Task(executorPreference: executor) { await worker.run() }
        let sweeping = Task(executorPreference: executor) { await sweeper.run() }
        for second in 1...seconds {
            scheduler.after(second * 1_000_000) {
                let count = worker.calls.load.counts.sweep
                line.count.withLock { $0 = max($0, count) }
            }
        }
        scheduler.after(seconds * 1_000_000) {
            sweeping.cancel()
            worker.drain()
        }
        scheduler.run(until: (seconds + 200) * 1_000_000) { false }
        acting.cancel()
        _ = try #require(scheduler.clearUp())
    }
}

private final class LongestLine: Sendable {
    let count = Mutex(0)
}

private final class JobCount: Sendable {
    let jobs = Mutex(0)
}

/// Says of every session that it is STOPPED, and counts how often it was asked.
private final class StoppedEngine: SessionEngine {
    private let clock: DatabaseClock
    private let callTakes: Duration
    private let counts = Mutex<[String: Int]>([:])

    init(clock: DatabaseClock, callTakes: Duration) {
        self.clock = clock
        self.callTakes = callTakes
    }

    /// By session.
    var looks: [String: Int] { counts.withLock { $0 } }

    func send(
        _ call: EngineCall,
        to session: SessionAddress,
        departure: CallDeparture
    ) async -> EngineAnswer {
        departure.hasLeft()
        counts.withLock { $0[session.instanceID, default: 0] += 1 }
        // Cancelled: it answers sooner.
        if callTakes > .zero { try? await clock.sleep(for: callTakes) }
        return EngineAnswer(verdict: .ok, status: .stopped, httpStatus: 200)
    }
}
