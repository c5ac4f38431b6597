import Domain
import LibPQ
import Logging
import Synchronization

/// What a heartbeat answered that takes its time to follow.
struct BeatNews: Sendable {
    /// As they are now.
    var leases: [Int32: HeldLease]
    /// Since when the engines of accounts have not answered, as the beat said it.
    var silences: [Int32: Timestamp]
    /// Changes whenever an API key is made or revoked.
    var keyVersion: String
}

/// Asks for the next beat; whoever asks while one is asked for gets the same.
struct BeatBell: Sendable {
    /// One element for each beat to be made.
    let rings: AsyncStream<Void>
    private let bell: AsyncStream<Void>.Continuation

    init() {
        (rings, bell) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func ring() { bell.yield() }
}

/// Where a heartbeat leaves what follows from it.
///
/// Each keeps the newest alone: what nobody took up by then is in what the next beat answers.
private struct BeatFollowers: Sendable {
    let news: AsyncStream<BeatNews>.Continuation
    let parked: AsyncStream<[Int64]>.Continuation
}

/// The heartbeat, and what follows from it beside it.
///
/// A lease lasts as long as its holder's heartbeat, so the beat awaits nothing but itself.
extension Reconciler {
    /// Beats until every account is drained or the task is cancelled, and until the service is told to stop does what follows
    /// from it.
    func runHeartbeat(
        _ housekeeping: Housekeeping,
        workers: [Int32: AccountWorker],
        _ drain: AccountDrain,
        _ bell: BeatBell
    ) async {
        let (answers, news) = AsyncStream<BeatNews>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let (lists, parked) = AsyncStream<[Int64]>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let followers = BeatFollowers(news: news, parked: parked)
        await withDiscardingTaskGroup { group in
            group.addTask { await self.untilStopped { await self.follow(answers, workers: workers) } }
            group.addTask { await self.untilStopped { await self.unpark(lists) } }
            group.addTask { await self.untilStopped { await self.runChannel(bell) } }
            group.addTask { await self.tick(bell) }
            await beat(housekeeping, workers: workers, drain, bell, followers)
            group.cancelAll()
        }
    }

    private func runChannel(_ bell: BeatBell) async {
        await dependencies.channel.run { wakes in
            self.hear(wakes)
            bell.ring()
        } onChange: { news in
            self.show(news)
        }
    }

    private func tick(_ bell: BeatBell) async {
        // The first beat only registers the replica; the second, right after it, may take leases.
        bell.ring()
        try? await dependencies.clock.sleep(for: .milliseconds(50))  // Cancelled: the loop ends.
        while !Task.isCancelled {
            bell.ring()
            try? await dependencies.clock.sleep(for: Housekeeping.interval)  // As above.
        }
    }

    private func beat(
        _ housekeeping: Housekeeping,
        workers: [Int32: AccountWorker],
        _ drain: AccountDrain,
        _ bell: BeatBell,
        _ followers: BeatFollowers
    ) async {
        var last = Housekeeping.Answer()
        var wait = YieldWait()
        // An outage is told once, and not with every beat that it takes.
        var isTold = false
        for await _ in bell.rings {
            var drained: Set<Int32>?
            switch drain.phase {
            case .acting: break
            case .draining(let accounts): drained = accounts
            case .over: return
            }
            if let drained { await layDown(drained, of: &last, housekeeping, workers: workers) }
            let instant = dependencies.clock.monotonic()
            last.yielding = wait.ready(last.yielding, now: instant) { workers[$0]?.isQuiet ?? true }
            do {
                let silences = self.silences(of: workers)
                let now = dependencies.clock.now()
                let answer = try await housekeeping.beat(
                    after: last,
                    spent: workers.filter { last.yielding.contains($0.key) }.mapValues(\.calls.spent),
                    silences: silences,
                    unwritten: workers.compactMapValues { $0.passes.unwrittenSince(now: now) },
                    isDraining: drained != nil
                )
                if let error = answer.unmoved {
                    logger.warning("leases not taken or laid down yet", metadata: [LogKeys.error: "\(error)"])
                }
                hold(answer, after: last, workers: workers)
                last = answer
                health.withLock { $0 = ContinuousClock.now }
                isTold = false
                if drained == nil { heed(answer, silences, workers: workers, bell, followers) }
            } catch {
                logger.log(
                    level: isTold ? .debug : .warning,
                    "heartbeat failed",
                    metadata: [LogKeys.error: "\(error)"]
                )
                isTold = true
            }
        }
    }

    private func silences(of workers: [Int32: AccountWorker]) -> [Int32: Timestamp] {
        let now = dependencies.clock.now()
        return workers.compactMapValues { $0.standing.activity.silentSince(now: now) }
    }

    /// Lays down the leases of accounts that are drained.
    ///
    /// A failure is no beat's: the others' leases go on, and the next beat tries again.
    ///
    /// `last`: loses those that were.
    private func layDown(
        _ drained: Set<Int32>,
        of last: inout Housekeeping.Answer,
        _ housekeeping: Housekeeping,
        workers: [Int32: AccountWorker]
    ) async {
        let accounts = drained.intersection(last.leases.keys)
        guard !accounts.isEmpty else { return }
        // Before they are anybody's: nothing may be begun under them.
        dependencies.leases.letGo(of: accounts)
        dependencies.crashPoints.reach(.beforeLeave)
        let spent = workers.filter { accounts.contains($0.key) }.mapValues(\.calls.spent)
        do {
            try await housekeeping.layDown(accounts, spent: spent)
        } catch {
            logger.warning("leases not laid down yet", metadata: [LogKeys.error: "\(error)"])
            return
        }
        for account in accounts.sorted() {
            last.leases[account] = nil
            logger.notice("lease laid down", metadata: [LogKeys.account: "\(workers[account]?.name ?? "")"])
        }
    }

    /// Does at once what a beat answered besides leases.
    private func heed(
        _ answer: Housekeeping.Answer,
        _ silences: [Int32: Timestamp],
        workers: [Int32: AccountWorker],
        _ bell: BeatBell,
        _ followers: BeatFollowers
    ) {
        for wake in answer.due {
            workers[wake.account]?.wake(wake.instance, priority: .repair, look: .ifStillDue)
        }
        orders?.note(answer.sweeps)
        dependencies.channel.note(otherReplicas: answer.otherReplicas)
        for worker in workers.values { worker.calls.reserve(answer.otherReplicas > 0) }
        if !answer.parked.isEmpty { followers.parked.yield(answer.parked) }
        followers.news.yield(BeatNews(leases: answer.leases, silences: silences, keyVersion: answer.keyVersion))
        // What others put in line waits for no second.
        if answer.hasMore { bell.ring() }
    }

    /// Takes in the leases as a beat answered them; what waits in line under another term may not leave.
    private func hold(_ answer: Housekeeping.Answer, after last: Housekeeping.Answer, workers: [Int32: AccountWorker]) {
        let inOrder = workers.sorted { $0.key < $1.key }
        for (account, worker) in inOrder {
            guard let lease = answer.leases[account], lease.term != last.leases[account]?.term else { continue }
            // Before the lease: with it calls may leave, and what is put in line from then on stays there.
            worker.forget()
            worker.calls.beginBudget(answer.handovers[account] ?? Handover())
            // Before the lease, too: no command of the new holder is older than this line.
            logger.notice("lease taken", metadata: [LogKeys.account: "\(worker.name)", LogKeys.term: "\(lease.term)"])
        }
        dependencies.leases.replace(with: answer.leases, at: dependencies.clock.now())
        // What waits in line is given back while that can be recorded.
        for (account, worker) in inOrder where answer.yielding.contains(account) { worker.forget() }
        for (account, worker) in inOrder where last.leases[account] != nil && answer.leases[account] == nil {
            worker.forget()
            logger.notice("lease laid down", metadata: [LogKeys.account: "\(worker.name)"])
        }
    }

    /// Does what takes its time: takes up the work for accounts whose leases are new, publishes, and tells of the keys.
    ///
    /// What fails is done again after the next beat.
    private func follow(_ answers: AsyncStream<BeatNews>, workers: [Int32: AccountWorker]) async {
        var terms: [Int32: Int64] = [:]
        var published: [Int32: LineForecast] = [:]
        let inOrder = workers.sorted { $0.key < $1.key }
        for await news in answers {
            for (account, worker) in inOrder where terms[account] != news.leases[account]?.term || mustReadAgain(worker)
            {
                published[account] = nil
                let isNew = terms[account] != news.leases[account]?.term
                do {
                    if let lease = news.leases[account] { try await takeUp(worker, lease, isNew: isNew) }
                    terms[account] = news.leases[account]?.term
                } catch {
                    worker.hasForgotten.store(true, ordering: .sequentiallyConsistent)
                    logger.warning(
                        "work for an account not taken up yet",
                        metadata: [LogKeys.account: "\(worker.name)", LogKeys.error: "\(error)"]
                    )
                }
            }
            await publishForecasts(of: workers, &published, silences: news.silences)
            await onBeat(news.keyVersion)
        }
    }

    /// Whether a worker forgot its line and acts all the same, as when a lease that was to be another's stays.
    private func mustReadAgain(_ worker: AccountWorker) -> Bool {
        worker.hasForgotten.load(ordering: .sequentiallyConsistent)
            && dependencies.leases.lease(of: worker.account) != nil
    }

    /// Takes up the work for an account: what is in line in the database becomes what is in line here.
    ///
    /// `isNew`: whether the lease is.
    private func takeUp(_ worker: AccountWorker, _ lease: HeldLease, isNew: Bool) async throws(PQError) {
        if isNew { try await dependencies.store.begin(worker.standing) }
        // Before it is read: what is forgotten from now on is read once more.
        worker.hasForgotten.store(false, ordering: .sequentiallyConsistent)
        let line = try await dependencies.store.line(of: worker.account)
        dependencies.crashPoints.reach(.lineRead)
        guard dependencies.leases.lastKnown(of: worker.account)?.term == lease.term else { return }
        // The rows say when each is due at the latest; when it is due indeed follows from a pass over its evidence.
        let now = dependencies.clock.now()
        for entry in line { worker.timers.schedule(entry.instance, at: now, priority: entry.priority) }
    }
}
