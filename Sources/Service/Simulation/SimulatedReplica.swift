import Domain
import FoundationEssentials
import LibPQ
import Logging
import Synchronization

/// One run of a `serve` process in the simulation: the real reconciler on simulated ports, and the door for clock events.
final class SimulatedReplica: Sendable {
    let id: UUID
    let process: Int
    let reconciler: Reconciler
    private let executor: ProcessExecutor
    private let store: MemoryStore
    private let clock: DatabaseClock
    private let leases: LeaseBook
    private let policy: ReconcilePolicy
    private let decider: Decider
    private let planted: PlantedBug?
    private let hints = Mutex(HintMemory())
    /// Whether it knows the time; nothing is served before.
    private let isOpen = Mutex(false)
    private let stopSignal = StopSignal()
    private let task = Mutex<Task<Void, Never>?>(nil)

    private static let logger = Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() }

    init(_ scenario: Scenario, id: UUID, drift: Int64, clockStart: Int64, engine: SimulatedEngine) {
        let database = engine.database
        self.id = id
        planted = engine.planted
        executor = database.scheduler.addProcess()
        process = executor.number
        let time = SimulatedProcessClock(scheduler: database.scheduler, start: clockStart, drift: drift)
        clock = DatabaseClock(process: time)
        leases = LeaseBook(clock: planted == .deadlineUnchecked ? StoppedClock() : time)
        var policy = scenario.policy
        planted?.spoil(&policy)
        self.policy = policy
        decider = planted?.decider ?? decide
        store = MemoryStore(database: database, process: executor.number, replica: id)
        var sweep = scenario.sweep
        planted?.spoil(&sweep)
        var dependencies = ReconcilerDependencies(
            store: store,
            leases: leases,
            policy: policy,
            sweep: sweep,
            clock: clock,
            incidents: IncidentLog(logger: Self.logger),
            channel: WakeChannel(store: store, clock: clock, logger: Self.logger),
            crashPoints: CrashPoints(),
            transactionTimeout: .seconds(5),
            logger: Self.logger
        )
        dependencies.replica = id
        dependencies.decider = decider
        let stopSignal = stopSignal
        dependencies.untilStopped = { await stopSignal.wait() }
        let caller = EngineCaller(replica: id, clock: clock)
        let planted = planted
        let accounts = (0..<scenario.accounts).map { number in
            let one = SimulatedSessionEngine(engine: engine, account: Int32(number + 1), caller: caller)
            var settings = AccountSettings(
                name: Scenario.account(number),
                engine: scenario.lists ? SimulatedListingEngine(one: one) : one,
                callsPerSecond: scenario.callsPerSecond,
                concurrency: scenario.width,
                timeout: scenario.policy.callTimeout
            )
            planted?.spoil(&settings)
            return settings
        }
        reconciler = Reconciler(accounts: accounts, dependencies: dependencies, release: "simulated") { _ in }
    }

    /// Begins to run.
    ///
    /// `onEnd`: it ended by itself, in order or because it could not begin.
    func start(onEnd: @escaping @Sendable () -> Void) {
        let task = Task(executorPreference: executor) {
            do {
                let sent = self.clock.monotonic()
                let now = try await self.store.now()
                self.clock.measured(now, between: sent, and: self.clock.monotonic())
                self.isOpen.withLock { $0 = true }
                try await self.reconciler.run()
            } catch {
                // As a process that cannot reach its database at boot.
            }
            onEnd()
        }
        self.task.withLock { $0 = task }
    }

    /// As SIGTERM would.
    func stop() { stopSignal.give() }

    /// Ends it when the run is over.
    func cancel() { task.withLock { $0 }?.cancel() }

    /// Takes one request with clock events, as the route does.
    ///
    /// `answer`: told of the events that were answered with 2xx; of `nil` for any other answer.
    func post(_ reports: [SentReport], answer: @escaping @Sendable ([IncomingEvent]?) -> Void) {
        Task(executorPreference: executor) { answer(await self.ingest(reports)) }
    }

    /// The events of a report, from one source those in our own format, from another the records.
    private func admitted(_ report: SentReport, now: Timestamp) -> [IncomingEvent]? {
        let skew = Duration.seconds(2)
        switch report {
        case .event(let body):
            let event = (try? ClockEventBody(body)).flatMap { body in
                try? EventAdmission(skew: skew).admit(body, sourceID: 1, now: now)
            }
            return event.map { [$0] }
        case .record(let reading):
            return DeliveryAdmission(sourceID: 2, matchesAgentID: true, skew: skew).admit(reading, receivedAt: now)
        }
    }

    private func ingest(_ reports: [SentReport]) async -> [IncomingEvent]? {
        guard isOpen.withLock({ $0 }) else { return nil }
        let now = clock.now()
        let admitted = reports.compactMap { self.admitted($0, now: now) }
        guard admitted.count == reports.count else { return nil }
        let events = admitted.flatMap(\.self)
        let began = clock.monotonic()
        let tried = TriedCommands()
        defer { reconciler.giveBack(tried.lost) }
        while true {
            do throws(PQError) {
                let result = try await store.append(
                    events,
                    leases: leases,
                    policy: policy,
                    decider: decider,
                    clock: clock,
                    tried: tried
                )
                tried.committed()
                reconciler.carryOut(result.plans)
                for (event, outcome) in zip(events, result.outcomes) {
                    guard case .receipt(let receipt) = outcome else { return nil }
                    store.database.witness.tell(
                        "\(id.short) has committed \(event.eventID) of \(receipt.agentID ?? "nobody"): "
                            + "\(receipt.effect.rawValue), \(receipt.agent?.desired.rawValue ?? "unmatched")"
                    )
                }
                return result.outcomes.count == events.count ? events : nil
            } catch {
                tried.failed(error)
                if planted == .acknowledgedEarly { return events }
                if planted == .unreplicatedCounts, error.kind == .notReplicated { return events }
                guard error.isTransient || error.kind == .commitUnknown,
                    clock.monotonic() - began < AppendQueue.retryFor.microseconds
                else { return nil }
            }
            try? await clock.sleep(for: AppendQueue.retryPause)  // Cancelled: the next try says so.
        }
    }

    /// Takes an order of a person, as the management routes do.
    ///
    /// `change`: of the tables, with whom it wakes.
    func order(_ change: @escaping @Sendable (inout MemoryTables, ReconcilePolicy, Timestamp) -> [Wake]) {
        Task(executorPreference: executor) {
            // One that fails was not taken.
            guard self.isOpen.withLock({ $0 }),
                let wakes = try? await self.store.order(change, policy: self.policy, clock: self.clock)
            else {
                return
            }
            self.reconciler.ring(wakes)
        }
    }

    /// Takes a webhook, as ``HintDesk`` does.
    func take(_ hint: SessionHint, _ wake: Wake) {
        Task(executorPreference: executor) {
            guard self.isOpen.withLock({ $0 }), self.hints.withLock({ $0.isFirst(hint, of: "") }) else { return }
            if self.planted == .hintBelieved, let status = hint.status {
                let worker = self.reconciler.actingWorker(wake.account)
                let now = self.clock.now()
                worker?.take(.status(status), of: wake.instance, sentAt: now, priority: .repair, run: nil)
            }
            guard let known = try? await self.store.hinted(wake.instance) else { return }
            let effect = self.hints.withLock { hints in
                hints.effect(
                    of: hint,
                    on: known,
                    instance: wake.instance,
                    now: self.clock.now(),
                    commandLasts: self.policy.startingTimeout
                )
            }
            if effect.looks { self.reconciler.heed([wake]) }
        }
    }
}

/// A clock that stands still, for leases that never run out.
private struct StoppedClock: ProcessClock {
    func monotonic() -> Int64 { .min / 2 }
    func sleep(until instant: Int64) async throws {}
}

extension MemoryStore {
    func now() async throws(PQError) -> Timestamp {
        do {
            return try await database.serve(isWrite: false) { _, now in now }
        } catch let error as PQError {
            throw error
        } catch {
            throw PQError(.cancelled, "simulated")
        }
    }

    /// What is stored of a session that a webhook is about; `nil` where nothing is.
    func hinted(_ instance: Int64) async throws -> HintedSession? {
        try await database.serve(isWrite: false) { tables, _ in
            tables.instances[instance].map { row in
                let evidence = row.subject.evidence
                return HintedSession(
                    reading: evidence.reading,
                    action: evidence.lastCommand?.action,
                    sentAt: evidence.lastCommand?.sentAt
                )
            }
        }
    }

    func order(
        _ change: @Sendable (inout MemoryTables, ReconcilePolicy, Timestamp) -> [Wake],
        policy: ReconcilePolicy,
        clock: DatabaseClock
    ) async throws -> [Wake] {
        try await database.serve { tables, _ in change(&tables, policy, clock.now()) }
    }
}
