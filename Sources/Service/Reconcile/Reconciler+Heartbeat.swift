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

/// Where a heartbeat leaves what follows from it.
///
/// Each keeps the newest alone: what nobody took up by then is in what the next beat answers.
private struct BeatFollowers: Sendable {
    let news: AsyncStream<BeatNews>.Continuation
    let parked: AsyncStream<[Int64]>.Continuation
    let beat: AsyncStream<Void>.Continuation
}

/// The heartbeat, and what follows from it beside it.
///
/// A lease lasts as long as its holder's heartbeat, so the beat awaits nothing but itself.
extension Reconciler {
    /// Beats, and does what follows from it, until the task is cancelled.
    func runHeartbeat(_ housekeeping: Housekeeping, workers: [Int32: AccountWorker]) async {
        let (beats, beat) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let (answers, news) = AsyncStream<BeatNews>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let (lists, parked) = AsyncStream<[Int64]>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let followers = BeatFollowers(news: news, parked: parked, beat: beat)
        await withDiscardingTaskGroup { group in
            group.addTask { await self.beat(housekeeping, workers: workers, at: beats, followers) }
            group.addTask { await self.follow(answers, workers: workers) }
            group.addTask { await self.unpark(lists) }
            group.addTask { await self.tick { beat.yield() } }
            group.addTask {
                await self.dependencies.channel.run { wakes in
                    self.hear(wakes)
                    beat.yield()
                } onChange: { news in
                    self.show(news)
                }
            }
        }
    }

    private func tick(_ beat: () -> Void) async {
        // The first beat only registers the replica; the second, right after it, may take leases.
        beat()
        try? await dependencies.clock.sleep(for: .milliseconds(50))  // Cancelled: the loop ends.
        while !Task.isCancelled {
            beat()
            try? await dependencies.clock.sleep(for: Housekeeping.interval)  // As above.
        }
    }

    private func beat(
        _ housekeeping: Housekeeping,
        workers: [Int32: AccountWorker],
        at beats: AsyncStream<Void>,
        _ followers: BeatFollowers
    ) async {
        var last = Housekeeping.Answer()
        for await _ in beats {
            do {
                let now = dependencies.clock.now()
                let silences = workers.compactMapValues { $0.standing.activity.silentSince(now: now) }
                let answer = try await housekeeping.beat(
                    after: last,
                    spent: workers.filter { last.yielding.contains($0.key) }.mapValues(\.calls.spent),
                    silences: silences,
                    unwritten: workers.compactMapValues { $0.passes.unwrittenSince(now: now) }
                )
                hold(answer, after: last, workers: workers)
                last = answer
                health.withLock { $0 = ContinuousClock.now }
                for wake in answer.due {
                    workers[wake.account]?.wake(wake.instance, priority: .repair, look: .ifStillDue)
                }
                orders?.note(answer.sweeps)
                dependencies.channel.note(otherReplicas: answer.otherReplicas)
                for worker in workers.values { worker.calls.reserve(answer.otherReplicas > 0) }
                if !answer.parked.isEmpty { followers.parked.yield(answer.parked) }
                followers.news.yield(
                    BeatNews(leases: answer.leases, silences: silences, keyVersion: answer.keyVersion)
                )
                // What others put in line waits for no second.
                if answer.hasMore { followers.beat.yield() }
            } catch {
                logger.warning("heartbeat failed", metadata: [LogKeys.error: "\(error)"])
            }
        }
    }

    /// Takes in the leases as a beat answered them; what waits in line under another term may not leave.
    private func hold(_ answer: Housekeeping.Answer, after last: Housekeeping.Answer, workers: [Int32: AccountWorker]) {
        let inOrder = workers.sorted { $0.key < $1.key }
        for (account, worker) in inOrder {
            guard let lease = answer.leases[account], lease.term != last.leases[account]?.term else { continue }
            // Before the lease: with it calls may leave, and what is put in line from then on stays there.
            worker.forget()
            worker.calls.beginBudget(answer.handovers[account] ?? Handover())
        }
        dependencies.leases.replace(with: answer.leases, at: dependencies.clock.now())
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
            for (account, worker) in inOrder where terms[account] != news.leases[account]?.term {
                published[account] = nil
                do {
                    if let lease = news.leases[account] { try await takeUp(worker, lease) }
                    terms[account] = news.leases[account]?.term
                } catch {
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

    /// Takes up the work for an account: what is in line in the database becomes what is in line here.
    private func takeUp(_ worker: AccountWorker, _ lease: HeldLease) async throws(PQError) {
        try await dependencies.store.begin(worker.standing)
        logger.notice("lease taken", metadata: [LogKeys.account: "\(worker.name)", LogKeys.term: "\(lease.term)"])
        let line = try await dependencies.store.line(of: worker.account)
        dependencies.crashPoints.reach(.lineRead)
        guard dependencies.leases.lastKnown(of: worker.account)?.term == lease.term else { return }
        // The rows say when each is due at the latest; when it is due indeed follows from a pass over its evidence.
        let now = dependencies.clock.now()
        for entry in line { worker.timers.schedule(entry.instance, at: now, priority: entry.priority) }
    }
}
