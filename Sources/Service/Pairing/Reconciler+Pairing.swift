import Domain

extension Reconciler {
    /// Has a pairing read made by the worker of an account, before everything else that waits.
    ///
    /// - Returns: `nil` when this replica does not act for the account, or no longer.
    func pairing(
        _ wish: PairingWish,
        of address: SessionAddress,
        account: Int32,
        by deadline: ContinuousClock.Instant
    ) async -> PairingAnswer? {
        guard let worker = actingWorker(account) else { return nil }
        let answer = OneShot<PairingAnswer?>()
        worker.put(.pairing(PairingJob(wish: wish, address: address, answer: answer)), priority: .people)
        let alarm = Task {
            try? await Task.sleep(until: deadline)  // Cancelled: the answer came first.
            answer.give(nil)
        }
        defer { alarm.cancel() }
        return await answer.wait()
    }

    /// Makes a pairing read where another replica acts.
    ///
    /// `remaining`: for how much longer it may leave.
    /// - Returns: with ``PairingAnswer/wasSent`` `false` when it did not.
    func pairingBeside(
        _ wish: PairingWish,
        of address: SessionAddress,
        account: Int32,
        remaining: @escaping @Sendable () -> Duration
    ) async -> PairingAnswer {
        guard let worker = worker(account), let engine = worker.engine as? any PairingEngine else { return .notOffered }
        worker.calls.noteBeside()
        // Again when it leaves, should this replica act for the account by then.
        let departure = CallDeparture(remaining: remaining) { worker.calls.noteBeside() }
        return await engine.pairing(wish, of: address, departure: departure)
    }

    /// Whether the account's budget has room for a call of replicas that do not act.
    func leavesRoom(_ account: Int32) -> Bool { worker(account)?.calls.leavesRoom ?? false }
}

extension AccountWorker {
    /// Makes a pairing read; one that nobody waits for any more is dropped.
    func carryOut(_ job: PairingJob, _ departure: CallDeparture) async -> EngineVerdict {
        guard !job.answer.isGiven, leases.lease(of: account) != nil else { return giveUp(.pairing(job)) }
        guard let engine = engine as? any PairingEngine else {
            job.answer.give(.notOffered)
            return .notSent
        }
        let answer = await engine.pairing(job.wish, of: job.address, departure: departure)
        guard answer.wasSent else { return giveUp(.pairing(job)) }
        job.answer.give(answer)
        guard case .refused(let refusal) = answer else { return .ok }
        // A key that may not pair can be one that may read and start sessions, so only a session's own read and commands judge the
        // account and end a refusal.
        if refusal.verdict == .auth || refusal.verdict == .missing {
            standing.activity.took(refusal.verdict, askedAt: nil, at: clock.now())
        } else {
            heed(standing.note(refusal, askedAt: nil))
        }
        return refusal.verdict
    }
}
