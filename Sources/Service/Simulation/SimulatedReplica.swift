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
    private let engine: SimulatedEngine
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
        self.engine = engine
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
                try await self.clock.measure { () async throws(PQError) in try await self.store.now() }
                self.isOpen.withLock { $0 = true }
                await self.reconciler.run()
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
    /// `answer`: told whether it was answered with 2xx.
    func post(_ reports: [SentReport], answer: @escaping @Sendable (Bool) -> Void) {
        Task(executorPreference: executor) {
            answer(await Serving.$isRequest.withValue(true) { await self.ingest(reports) })
        }
    }

    /// The events of a report, from one source those in our own format, from another the records.
    private func admitted(_ report: SentReport, now: Timestamp) -> [IncomingEvent]? {
        var events: [IncomingEvent]
        switch report {
        case .event(let sent):
            let admission = EventAdmission(skew: Scenario.skew)
            // What is refused is answered with 4xx.
            guard let body = try? ClockEventBody(sent.body),
                let event = try? admission.admit(body, sourceID: SentReport.eventSource, now: now)
            else { return nil }
            events = [event]
        case .record(let reading):
            let admission = DeliveryAdmission(
                sourceID: SentReport.recordSource,
                matchesAgentID: true,
                skew: Scenario.skew
            )
            events = admission.admit(reading, receivedAt: now)
        }
        planted?.spoil(&events)
        return events
    }

    /// Returns whether it was taken.
    private func ingest(_ reports: [SentReport]) async -> Bool {
        guard isOpen.withLock({ $0 }) else { return false }
        let now = clock.now()
        let admitted = reports.compactMap { self.admitted($0, now: now) }
        guard admitted.count == reports.count else { return false }
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
                if planted == .requestStops { await stop(result.plans) }
                for (event, outcome) in zip(events, result.outcomes) {
                    guard case .receipt(let receipt) = outcome else { return false }
                    store.database.witness.tell(
                        "\(id.short) has committed \(event.eventID) of \(receipt.agentID ?? "nobody"): "
                            + "\(receipt.effect.rawValue), \(receipt.agent?.desired.rawValue ?? "unmatched")"
                    )
                }
                return result.outcomes.count == events.count
            } catch {
                tried.failed(error)
                if planted == .acknowledgedEarly { return true }
                if planted == .unreplicatedCounts, error.kind == .notReplicated { return true }
                guard error.isTransient || error.kind == .commitUnknown,
                    clock.monotonic() - began < AppendQueue.retryFor.microseconds
                else { return false }
            }
            try? await clock.sleep(for: AppendQueue.retryPause)  // Cancelled: the next try says so.
        }
    }

    /// Sends the stops of plans at once; for the bug of that name.
    private func stop(_ plans: [Plan]) async {
        let caller = EngineCaller(replica: id, clock: clock)
        for plan in plans where plan.command?.action == .stop {
            let session = plan.subject.address.instanceID
            let account = plan.subject.account
            _ = await engine.exchange(.stop, session, account: account, caller: caller, departure: CallDeparture())
        }
    }

    /// Takes an order of a person, as the management routes do.
    ///
    /// `change`: of the tables, with whom it wakes.
    func order(_ change: @escaping @Sendable (inout MemoryTables, ReconcilePolicy, Timestamp) -> [Wake]) {
        Task(executorPreference: executor) {
            // One that fails was not taken.
            await Serving.$isRequest.withValue(true) {
                guard self.isOpen.withLock({ $0 }),
                    let wakes = try? await self.store.order(change, policy: self.policy, clock: self.clock)
                else {
                    return
                }
                self.reconciler.ring(wakes)
            }
        }
    }

    /// Takes a webhook, as ``HintDesk`` does.
    func take(_ hint: SessionHint, _ wake: Wake) {
        Task(executorPreference: executor) {
            await Serving.$isRequest.withValue(true) { await self.heed(hint, wake) }
        }
    }

    private func heed(_ hint: SessionHint, _ wake: Wake) async {
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
            tables.subject(instance).map { subject in
                let evidence = subject.evidence
                return HintedSession(
                    reading: evidence.reading,
                    readAt: evidence.readAt,
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
        try await database.serve { tables, _ in
            let before = tables.known
            let wakes = change(&tables, policy, clock.now())
            database.witness.see { $0.checkRequest(before, tables, by: replica) }
            return wakes
        }
    }
}
