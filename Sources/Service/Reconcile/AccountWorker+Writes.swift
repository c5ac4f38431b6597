import Domain
import LibPQ
import Logging
import Synchronization

/// Writing what was learned of an account's sessions, and carrying out what was decided.
extension AccountWorker {
    /// How long after its lease's end a replica that is told to stop still tries to write: who acts now settles by reading what
    /// it does not find written.
    static let writePatience: Duration = .seconds(10)

    /// Writes a batch, again and again while the database is away: what was learned is not forgotten.
    func write(_ batch: PassLoop.Batch) async {
        var isTold = false
        let tried = TriedCommands()
        defer { for item in tried.lost { giveBack(item.command) } }
        while true {
            do {
                if !batch.looks.isEmpty { try await store.record(batch.looks, of: account) }
                if !batch.items.isEmpty { try await writePasses(batch.items, tried) }
                return
            } catch is PassTransaction.LeaseLost {
                let outcomes = batch.items.count(where: \.isOutcome)
                meters.refusedOutcomes(outcomes)
                logger.notice(
                    "lease lost, passes dropped",
                    metadata: [LogKeys.count: "\(batch.items.count)", LogKeys.outcomes: "\(outcomes)"]
                )
                drop(batch.items)
                forget()
                return
            } catch let error as PQError
                where error.isTransient || error.kind == .commitUnknown || error.kind == .notReplicated
            {
                // What was committed is found so when it is written again, and then what follows from it is carried out.
                tried.failed(error)
                let isLong = passes.unwrittenSince(now: clock.now()) != nil
                logger.log(
                    level: isLong && !isTold ? .warning : .debug,
                    "passes not written, trying again",
                    metadata: [LogKeys.account: "\(name)", LogKeys.error: "\(error)"]
                )
                isTold = isTold || isLong
                if isDraining.load(ordering: .relaxed), isLongOver() {
                    logger.warning(
                        "stopped before what was learned could be written; who acts next reads it anew",
                        metadata: [LogKeys.count: "\(batch.items.count)", LogKeys.error: "\(error)"]
                    )
                    return drop(batch.items)
                }
                try? await clock.sleep(for: PassLoop.retryPause)  // Cancelled at the end only.
            } catch {
                if let (first, second) = batch.halves {
                    // One row that cannot be written spoils no other.
                    await write(first)
                    return await write(second)
                }
                logger.error("pass refused by the database", metadata: [LogKeys.error: "\(error)"])
                return drop(batch.items)
            }
        }
    }

    private func isLongOver() -> Bool {
        guard let lease = leases.lastKnown(of: account) else { return true }
        return clock.monotonic() - lease.deadline >= Self.writePatience.microseconds
    }

    /// Lets go of what is never written.
    private func drop(_ items: [PassItem]) {
        for item in items { item.run?.look(succeeded: false) }
        settle(items)
    }

    /// Lets go of commands: what became of them is written, or never will be by this replica.
    ///
    /// Not before: what is decided meanwhile knows nothing of their end, and would take a read from before it for one after it.
    private func settle(_ items: [PassItem]) {
        for item in items {
            guard case .outcome(let command, _, _, _) = item.news else { continue }
            leases.setCommanded(command.key, of: account, false)
        }
    }

    private func writePasses(_ items: [PassItem], _ tried: TriedCommands) async throws {
        guard let lease = leases.lease(of: account) ?? leases.lastKnown(of: account) else {
            throw PassTransaction.LeaseLost()
        }
        let began = clock.monotonic()
        let plans = try await transaction.run(
            items,
            term: lease.term,
            mayAct: leases.lease(of: account) != nil && !isDraining.load(ordering: .relaxed),
            isRefused: leases.isRefused(account),
            tried: tried
        )
        settle(items)
        meters.passed(items.count, in: .microseconds(clock.monotonic() - began))
        let runs = SweepRun.byInstance(items)
        SweepRun.settle(runs, with: plans)
        onCommit(plans)
        carryOut(plans, runs: runs)
        let departed = Departures.due(plans)
        if !departed.isEmpty { await letGo(of: departed) }
    }

    /// Lets go of what left.
    ///
    /// Where that fails, as behind whoever has the whole map in hand, it is done by a later pass over them: the outcomes of others
    /// do not wait for it, and this batch is written already.
    private func letGo(of departed: [Int64]) async {
        do {
            try await store.letGo(of: departed)
        } catch {
            logger.notice("departed instances not let go of yet", metadata: [LogKeys.error: "\(error)"])
            if isDraining.load(ordering: .relaxed) {
                try? await clock.sleep(for: PassLoop.retryPause)  // Cancelled at the end only.
                for instance in departed { passes.add(PassItem(instance: instance, priority: .repair)) }
            } else {
                let later = clock.now() + Self.departurePause
                for instance in departed { timers.schedule(instance, at: later, priority: .repair) }
            }
        }
    }

    /// Until departed instances are tried again that could not be let go of.
    private static let departurePause: Duration = .seconds(1)
}
