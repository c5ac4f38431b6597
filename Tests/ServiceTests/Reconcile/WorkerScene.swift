import Domain
import FoundationEssentials
import Logging
import Synchronization
import Testing

@testable import Service

/// A worker in simulated time, with or without its account's lease.
final class WorkerScene {
    static let width = 2
    let scheduler = Scheduler(seed: 1)
    let clock: DatabaseClock
    let engine: NotingEngine
    private let holding: Bool
    private let worker: AccountWorker
    private let executor: ProcessExecutor

    /// Makes one.
    ///
    /// `verdict`: what the engine answers to every call.
    /// `isLeaseStored`: whether the database knows of the lease, so that what was read can be written; otherwise the first writing
    /// finds it lost, and what waits is forgotten.
    /// `answersAfter`: how long it takes to, in microseconds.
    /// `pairing`: why it refuses what pairs a session.
    init(
        holding: Bool = true,
        verdict: EngineVerdict = .ok,
        isLeaseStored: Bool = false,
        answersAfter: Int64 = 0,
        pairing: EngineVerdict = .permanent
    ) {
        self.holding = holding
        clock = DatabaseClock(process: SimulatedProcessClock(scheduler: scheduler, start: 0, drift: 0))
        engine = NotingEngine(
            verdict: verdict,
            answersAfter: .microseconds(answersAfter),
            pairing: pairing,
            clock: clock
        )
        let leases = LeaseBook(clock: StillClock())
        if holding { leases.replace(with: [1: HeldLease(term: 1, deadline: 1)]) }
        let rules = Witness.Rules(
            policy: ReconcilePolicy(),
            sweep: SweepPolicy(),
            callsPerSecond: 10,
            width: Self.width
        )
        let witness = Witness(rules: rules, keepsHistory: false, scheduler: scheduler)
        let database = SimulatedDatabase(seed: 1, scheduler: scheduler, witness: witness, planted: nil)
        if isLeaseStored { database.withTables { tables, _ in tables.leases[1] = .init(holder: UUID(), term: 1) } }
        executor = scheduler.addProcess()
        let store = MemoryStore(database: database, process: executor.number, replica: UUID())
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        worker = AccountWorker(
            AccountSettings(
                name: "main",
                engine: engine,
                callsPerSecond: 10,
                concurrency: Self.width,
                timeout: .seconds(5)
            ),
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
    }

    /// What is planned now for an instance of an agent.
    ///
    /// `mayAct`: whether an intent may be written; `nil` where it may while the lease is held.
    func plan(_ instance: Int64, desired run: RunState, _ evidence: Evidence, mayAct: Bool? = nil) -> Plan {
        let subject = Subject(
            instance: instance,
            account: 1,
            address: SessionAddress(instanceID: "\(instance)"),
            evidence: evidence,
            condition: .unknown,
            reason: .neverRead
        )
        let state = ShiftState(shift: run == .running ? .in : .out)
        let facts = AgentFacts(
            agent: instance,
            generation: 1,
            state: state,
            desired: run,
            rule: .shift,
            isLeaving: false
        )
        let change = AgentChange(before: facts, after: facts, desired: DesiredState(run: run, rule: .shift))
        let context = PlanningContext(
            policy: ReconcilePolicy(),
            now: clock.now(),
            mayAct: mayAct ?? holding,
            isAccountRefused: false
        )
        return Service.plan(subject, agent: change, priority: .people, context: context)
    }

    /// Runs `body` alone, where lanes and the writer would be.
    func runLanes(_ body: @escaping @Sendable (AccountWorker) async -> Void) throws {
        let worker = worker
        let tasks = [
            Task(executorPreference: executor) { await worker.calls.runPacer() },
            Task(executorPreference: executor) { await body(worker) },
        ]
        scheduler.run(until: 10_000_000) { false }
        for task in tasks { task.cancel() }
        _ = try #require(scheduler.clearUp())
    }

    /// Runs the worker for as long as a call takes and more; `body` comes a second after its beginning.
    func run(_ body: @escaping @Sendable (AccountWorker) -> Void) throws {
        let worker = worker
        let task = Task(executorPreference: executor) { await worker.run() }
        scheduler.after(1_000_000) { body(worker) }
        scheduler.after(4_000_000) { worker.drain() }
        scheduler.run(until: 10_000_000) { false }
        task.cancel()
        _ = try #require(scheduler.clearUp())
    }
}

/// Answers everything alike but what pairs a session, and notes what it was asked.
final class NotingEngine: PairingEngine {
    private let verdict: EngineVerdict
    private let answersAfter: Duration
    private let refusal: EngineVerdict
    private let clock: DatabaseClock
    private let noted = Mutex<[String]>([])
    private let taken = Mutex<[Duration]>([])

    /// `pairing`: why it refuses what pairs a session.
    init(verdict: EngineVerdict, answersAfter: Duration, pairing: EngineVerdict, clock: DatabaseClock) {
        self.verdict = verdict
        self.answersAfter = answersAfter
        refusal = pairing
        self.clock = clock
    }

    var calls: [String] { noted.withLock { $0 } }
    /// For how much longer each call that was taken back might have left.
    var takenBack: [Duration] { taken.withLock { $0 } }

    func send(
        _ call: EngineCall,
        to session: SessionAddress,
        departure: CallDeparture
    ) async -> EngineAnswer {
        guard verdict != .notSent else {
            taken.withLock { $0.append(departure.remaining?() ?? .zero) }
            return EngineAnswer(verdict: .notSent)
        }
        departure.hasLeft()
        noted.withLock { $0.append("\(call.rawValue) \(session.instanceID)") }
        if answersAfter > .zero { try? await clock.sleep(for: answersAfter) }  // Cancelled: it answers at once.
        return EngineAnswer(verdict: verdict, status: .stopped, httpStatus: verdict == .auth ? 401 : 200)
    }

    func pairing(_ wish: PairingWish, of session: SessionAddress, departure: CallDeparture) async -> PairingAnswer {
        departure.hasLeft()
        noted.withLock { $0.append("pairing \(session.instanceID)") }
        return .refused(EngineAnswer(verdict: refusal, httpStatus: refusal == .auth ? 401 : 404))
    }
}
