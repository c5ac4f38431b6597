import Domain
import LibPQ
import Logging
import Synchronization

/// Acts for one engine account while this replica holds its lease: makes the calls, writes what came of them, and looks
/// again when something is due.
final class AccountWorker: Sendable {
    let account: Int32
    let name: String
    let calls: CallQueue
    let passes: PassLoop
    let timers: Timers
    let engine: any SessionEngine
    private let executor: (any TaskExecutor)?
    private let width: Int
    let transaction: PassTransaction
    let store: any ReconcilerStore
    let leases: LeaseBook
    let clock: DatabaseClock
    let standing: AccountStanding
    let crashPoints: CrashPoints
    /// Told of every committed batch's plans.
    let onCommit: @Sendable ([Plan]) -> Void
    let logger: Logger
    let meters: WorkerMeters
    /// What people asked for, and when it is done.
    let forecaster: LineForecaster
    /// Instances with a look under way or waiting, so that none has two.
    let looking = Mutex<[Int64: PendingLook]>([:])
    /// Since when the reads of instances have failed, one after the other, where a pass was told.
    let unreadSince = Mutex<[Int64: Timestamp]>([:])
    let isDraining = Atomic(false)
    /// Whether what is in line in the database is to be read again, should this replica go on to act.
    let hasForgotten = Atomic(false)
    /// Ends once what waited at the end is kept back.
    private let keptBack = AsyncStream<Never>.makeStream()

    init(
        _ settings: AccountSettings,
        account: Int32,
        dependencies: ReconcilerDependencies,
        onCommit: @escaping @Sendable ([Plan]) -> Void
    ) {
        self.onCommit = onCommit
        self.account = account
        name = settings.name
        engine = settings.engine
        executor = settings.executor
        width = settings.concurrency
        calls = CallQueue(callsPerSecond: settings.callsPerSecond, clock: dependencies.clock)
        passes = PassLoop(clock: dependencies.clock)
        clock = dependencies.clock
        timers = Timers(clock: dependencies.clock)
        store = dependencies.store
        leases = dependencies.leases
        crashPoints = dependencies.crashPoints
        var policy = dependencies.policy
        policy.callTimeout = settings.timeout
        transaction = PassTransaction(
            store: dependencies.store,
            account: account,
            policy: policy,
            clock: dependencies.clock,
            timeout: dependencies.transactionTimeout,
            leases: dependencies.leases,
            decider: dependencies.decider,
            crashPoints: dependencies.crashPoints
        )
        var logger = dependencies.logger
        logger[metadataKey: LogKeys.account] = "\(settings.name)"
        self.logger = logger
        meters = WorkerMeters(account: settings.name)
        forecaster = LineForecaster(width: settings.concurrency, delay: policy.confirmationDelay)
        standing = AccountStanding(
            account: account,
            calls: calls,
            leases: dependencies.leases,
            incidents: dependencies.incidents,
            meters: meters,
            restarts: transaction.restarts,
            calm: policy.alikeCalm,
            refusedReadsAfter: policy.refusedReadsAfter,
            clock: dependencies.clock,
            logger: logger
        )
    }

    /// Runs lanes, timers and the writer until ``drain()``.
    ///
    /// Lanes run where their calls leave, and the writer on the store's own thread: a call or a pass then changes no thread.
    func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask(on: executor) {
                await withDiscardingTaskGroup { lanes in
                    for _ in 0..<self.width { lanes.addTask { await self.runLane() } }
                }
                // The lanes may end while ``drain()`` still keeps back what waited.
                for await _ in self.keptBack.stream {}
                // Only now is every outcome among the passes.
                self.passes.close()
            }
            group.addTask { await self.calls.runPacer() }
            let timing = AsyncStream<Never>.makeStream()
            group.addTask {
                await withDiscardingTaskGroup { inner in
                    inner.addTask { await self.timers.run { self.isDue($0) } }
                    for await _ in timing.stream {}
                    inner.cancelAll()
                }
            }
            group.addTask(on: store.executor) {
                while let batch = await self.passes.next() { await self.write(batch) }
                timing.continuation.finish()
            }
        }
    }

    /// Ends ``run()``: what waits is kept back, what is under way is awaited and written, and nothing new is begun.
    func drain() {
        isDraining.store(true, ordering: .relaxed)
        for job in calls.close() { giveUp(job) }
        keptBack.continuation.finish()
        timers.removeAll()
    }

    /// The time of an instance has come: looks, or passes over it where more than a look may follow.
    private func isDue(_ entry: Timers.Entry) {
        if let address = entry.look, leases.lease(of: account) != nil, !leases.isRefused(account) {
            look(entry.instance, address, priority: max(entry.priority, .repair), purpose: entry.purpose)
        } else {
            passes.add(PassItem(instance: entry.instance, priority: entry.priority))
        }
    }

    /// Something about an instance may have changed: pass over it now, and look at it if there is nothing else to do.
    func wake(_ instance: Int64, priority: JobPriority, look: LookWish = .now) {
        passes.add(PassItem(instance: instance, priority: priority, look: look))
    }

    /// Takes in what holds for the whole account from now on.
    func heed(_ turn: AccountStanding.Turn?) {
        switch turn {
        case .refused: for job in calls.clear() { giveUp(job) }
        case .accepted: timers.bringForward()
        case nil: break
        }
    }

    /// Whether no call is under way, and what came of all of them is written.
    var isQuiet: Bool { calls.underWay == 0 && !passes.hasOutcomes }

    /// Does what committed plans ask for.
    func carryOut(_ plans: [Plan], runs: [Int64: SweepRun] = [:]) {
        let now = clock.now()
        let lease = leases.lease(of: account)
        let isDraining = isDraining.load(ordering: .relaxed)
        let isActing = lease != nil && !isDraining
        if lease != nil {
            forecaster.take(plans, now: now)
            standing.take(plans)
        }
        let overtaken = plans.compactMap(\.overtaken)
        if !overtaken.isEmpty { for job in calls.withdraw(overtaken) { giveUp(job) } }
        for plan in plans {
            let instance = plan.subject.instance
            // Whoever acts for the account reads the queue; here nothing waits. A lease that ran out while this was committed is
            // most often prolonged a moment later, and the row leaves it to this memory when the instance is due.
            guard isActing || plan.command != nil || plan.isActing && !isDraining else { continue }
            let purpose = plan.lookPurpose
            if let dueAt = plan.dueAt {
                timers.schedule(
                    instance,
                    at: max(dueAt, now + .milliseconds(1)),
                    priority: plan.priority,
                    look: plan.looksWhenDue ? plan.subject.address : nil,
                    purpose: purpose
                )
            } else {
                timers.cancel(instance)
            }
            bringForward(plan, now: now)
            if let command = plan.command {
                // Without a lease the term fits no other, so the lane keeps the command back and says so.
                put(.command(command, term: lease?.term ?? 0, run: runs[instance]), priority: plan.priority)
            } else if isActing, plan.decision.wantsLook(at: now) {
                timers.cancel(instance)
                look(
                    instance,
                    plan.subject.address,
                    priority: max(plan.priority, .repair),
                    purpose: purpose == .scan && plan.priority == .people ? .usual : purpose,
                    isWanted: plan.isLookWanted
                )
            }
        }
    }

    /// Passes at once over an instance that waits for its account to be accepted again, where it is by now.
    ///
    /// ``heed(_:)`` brought forward what had a time by then; this one's was still to come. So it is asked after it was set.
    private func bringForward(_ plan: Plan, now: Timestamp) {
        guard plan.decision.reason == .accountRefused, !leases.isRefused(account) else { return }
        timers.schedule(plan.subject.instance, at: now + .milliseconds(1), priority: plan.priority)
    }

    func put(_ job: CallJob, priority: JobPriority) {
        if case .command(let command, _, _) = job { leases.setCommanded(command.key, of: account, true) }
        if !calls.push(job, priority: priority) { giveUp(job) }
    }

    private func runLane() async {
        var last: EndedCall?
        while let call = await calls.next(after: last) {
            let verdict =
                switch call.job {
                case .command(let command, let term, let run):
                    await send(command, term: term, run: run, departure(call.number, term: term, isCommand: true))
                case .look(let look): await read(look, departure(call.number))
                case .list(let list): await carryOut(list, departure(call.number))
                case .pairing(let pairing): await carryOut(pairing, departure(call.number))
                }
            last = EndedCall(number: call.number, wasAnswered: verdict.isAnswer)
        }
    }

    /// What a call is bound to that has to wait for a connection: it leaves under the lease of its beginning or not at all, since
    /// the account's budget is its holder's, and a command only while the engine accepts the account's credential.
    ///
    /// `term`: of the lease that a command was planned under; `nil` for the one that is held.
    private func departure(_ number: Int, term: Int64? = nil, isCommand: Bool = false) -> CallDeparture {
        let term = term ?? leases.lease(of: account)?.term ?? 0
        return calls.departure(of: number) { [leases, account] in
            isCommand && leases.isRefused(account) ? .zero : leases.remaining(of: account, term: term)
        }
    }

    /// Sends a command if its lease still lasts, checked right before it leaves, and the engine accepts the account's credential.
    private func send(
        _ command: PlannedCommand,
        term: Int64,
        run: SweepRun?,
        _ departure: CallDeparture
    ) async -> EngineVerdict {
        crashPoints.reach(.beforeEngineCall)
        guard let lease = leases.lease(of: account), lease.term == term, !leases.isRefused(account) else {
            return giveUp(.command(command, term: term, run: run))
        }
        let sentAt = standing.asked()
        crashPoints.reach(.afterLeaseCheck)
        let answer = await engine.send(command.action.call, to: command.address, departure: departure)
        let endedAt = clock.now()
        crashPoints.reach(.afterEngineCall)
        guard answer.verdict != .notSent else {
            heed(standing.note(answer, askedAt: sentAt))
            return giveUp(.command(command, term: term, run: run))
        }
        meters.called(command.action.call, answer.verdict, in: endedAt - sentAt)
        meters.sent(command)
        forecaster.commandTook(endedAt - sentAt)
        heed(standing.note(answer, askedAt: sentAt))
        standing.noteEnd(of: command, under: lease)
        logger.debug(
            "command sent",
            metadata: [
                LogKeys.instance: "\(command.address.instanceID)", LogKeys.action: "\(command.action.rawValue)",
                LogKeys.reason: "\(command.reason.rawValue)", LogKeys.verdict: "\(answer.verdict.rawValue)",
            ]
        )
        let news = News.outcome(command, answer, sentAt: sentAt, endedAt: endedAt)
        passes.add(PassItem(instance: command.instance, news: news, priority: command.priority))
        crashPoints.reach(.outcomeWaiting)
        run?.repairEnded()
        return answer.verdict
    }
}
