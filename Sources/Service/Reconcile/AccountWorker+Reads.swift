import Domain
import Logging
import Synchronization

/// What reads say, and reading all of an account's sessions in one call where the engine can.
extension AccountWorker {
    var canList: Bool { engine is any ListingEngine }

    /// Lists the account's sessions: one call, in the line and the budget of all others.
    ///
    /// - Returns: `nil` when the engine cannot, or the call failed, was kept back or cancelled.
    func list(priority: JobPriority) async -> ListedSessions? {
        guard canList else { return nil }
        let job = ListJob()
        put(.list(job), priority: priority)
        return await job.wait()
    }

    /// Makes the call.
    func carryOut(_ job: ListJob, _ departure: CallDeparture) async -> EngineVerdict {
        guard !job.isOver, leases.lease(of: account) != nil, let engine = engine as? any ListingEngine else {
            return giveUp(.list(job))
        }
        let sentAt = standing.asked()
        let list = await engine.list(departure: departure)
        let verdict = list.answer.verdict
        if verdict != .notSent { meters.listed(verdict, in: clock.now() - sentAt) }
        // A key that may not list can be one that may read its sessions, so only a session's own read judges the account.
        if verdict == .auth {
            standing.activity.took(.auth, askedAt: sentAt, at: clock.now())
        } else {
            heed(standing.note(list.answer, askedAt: sentAt, isRead: true))
        }
        guard verdict == .ok else {
            logger.debug("sessions not listed", metadata: [LogKeys.verdict: "\(verdict.rawValue)"])
            job.finish(nil)
            return verdict
        }
        if !list.isWhole {
            logger.notice("the engine's list is too long, the rest is read one by one")
        }
        job.finish(ListedSessions(list: list, sentAt: sentAt))
        return verdict
    }

    /// Puts a look in line unless the instance has one.
    ///
    /// `isWanted`: whether somebody knows of something that a look which has left may have missed; one more follows it then.
    /// Returns whether it did; if not, `run` is told nothing.
    @discardableResult
    func look(
        _ instance: Int64,
        _ address: SessionAddress,
        priority: JobPriority,
        expected: SessionReading? = nil,
        run: SweepRun? = nil,
        purpose: LookPurpose = .usual,
        isWanted: Bool = false,
        probe: Probe? = nil
    ) -> Bool {
        let isPatient = priority == .sweep || run != nil || purpose == .scan
        let known = looking.withLock { looking in
            let known = looking[instance]
            looking[instance, default: PendingLook(isPatient: isPatient)].note(
                isPatient: isPatient,
                again: isWanted ? purpose : nil
            )
            return known
        }
        if let known {
            // What waits further back would come too late for somebody who wants it now.
            if !known.hasLeft, !isPatient { calls.promote(instance, purpose) }
            return false
        }
        var job = LookJob(instance: instance, address: address, priority: priority, expected: expected, run: run)
        job.queuedAt = clock.now()
        job.probe = probe
        job.purpose = purpose
        put(.look(job), priority: priority)
        return true
    }

    /// Whether an instance has a look under way or waiting.
    func isLooking(at instance: Int64) -> Bool { looking.withLock { $0[instance] != nil } }

    /// Makes a look, if the lease still lasts.
    func read(_ look: LookJob, _ departure: CallDeparture) async -> EngineVerdict {
        // The account's budget is its holder's.
        guard leases.lease(of: account) != nil else { return giveUpOnTheWay(look) }
        looking.withLock { $0[look.instance]?.hasLeft = true }
        let sentAt = standing.asked()
        look.probe?.left(at: sentAt)
        let answer = await engine.send(.info, to: look.address, departure: departure)
        guard answer.verdict != .notSent else {
            heed(standing.note(answer, askedAt: sentAt))
            return giveUpOnTheWay(look)
        }
        let time = clock.now() - sentAt
        meters.called(.info, answer.verdict, in: time)
        forecaster.lookTook(time, of: look.instance, waited: look.queuedAt.map { max(.zero, sentAt - $0) } ?? .zero)
        let pending = looking.withLock { $0.removeValue(forKey: look.instance) }
        heed(standing.noteLook(answer, at: look.instance, askedAt: sentAt))
        look.probe?.ended(answer.verdict)
        var look = look
        if pending?.isPatient == false {
            // Somebody wanted one while it was under way; what it says is thought over as if it had been theirs.
            look.expected = nil
            look.priority = min(look.priority, .repair)
        }
        take(answer, of: look, sentAt: sentAt)
        // What it said may be from before whatever they know of.
        if let again = pending?.again, leases.lease(of: account) != nil, !leases.isRefused(account) {
            self.look(look.instance, look.address, priority: .repair, purpose: again)
        }
        return answer.verdict
    }

    private func take(_ answer: EngineAnswer, of look: LookJob, sentAt: Timestamp) {
        guard let reading = answer.reading else {
            logger.debug(
                "look without a result",
                metadata: [
                    LogKeys.instance: "\(look.address.instanceID)", LogKeys.verdict: "\(answer.verdict.rawValue)",
                    LogKeys.detail: "\(answer.detail)",
                ]
            )
            look.run?.look(succeeded: false)
            guard look.priority != .sweep else { return }
            let now = clock.now()
            let since = unreadSince.withLock { unread in
                let since = unread[look.instance] ?? now
                unread[look.instance] = since
                return since
            }
            passes.add(PassItem(instance: look.instance, news: .unread(answer, since: since), priority: .repair))
            return
        }
        unreadSince.withLock { $0[look.instance] = nil }
        if let expected = look.expected, expected == reading {
            if look.probe == nil {
                takeAsStored(reading, of: look.instance, sentAt: sentAt, run: look.run)
            } else {
                passes.addIdleLook(Look(instance: look.instance, lookedAt: sentAt, reading: reading))
            }
        } else {
            let priority: JobPriority = look.priority == .sweep ? .repair : look.priority
            take(reading, of: look.instance, sentAt: sentAt, priority: priority, run: look.run)
        }
    }

    /// Takes in what a list says about an instance.
    ///
    /// `entry`: the instance as it was stored a moment ago.
    /// `run`: the sweep that somebody asked for; it has counted on the instance.
    /// Returns `false` when the list says nothing: only a read of its own can.
    func take(_ finding: ListFinding, of entry: SweepEntry, sentAt: Timestamp, run: SweepRun?) -> Bool {
        let instance = entry.instance
        if finding != .notListed { unreadSince.withLock { $0[instance] = nil } }
        switch finding {
        case .asStored: if let reading = entry.reading { takeAsStored(reading, of: instance, sentAt: sentAt, run: run) }
        case .read(let reading): take(reading, of: instance, sentAt: sentAt, priority: .repair, run: run)
        case .notListed: return false
        }
        standing.noteProof()
        return true
    }

    /// Takes in a read that says what is stored, which leaves nothing to decide.
    func takeAsStored(_ reading: SessionReading, of instance: Int64, sentAt: Timestamp, run: SweepRun?) {
        passes.addCleanLook(Look(instance: instance, lookedAt: sentAt, reading: reading))
        run?.look(succeeded: true)
    }

    /// Takes in a read that a pass has to think over.
    func take(_ reading: SessionReading, of instance: Int64, sentAt: Timestamp, priority: JobPriority, run: SweepRun?) {
        crashPoints.reach(.afterLook)
        let news = News.read(reading, sentAt: sentAt)
        passes.add(PassItem(instance: instance, news: news, priority: priority, run: run))
    }
}

/// A look at an instance that waits in line or is under way.
struct PendingLook: Sendable {
    /// Whether nobody waits for it but a sweep, or whoever is to scan a code.
    var isPatient: Bool
    var hasLeft = false
    /// What the next one is for, where somebody wanted it since this one left.
    var again: LookPurpose?

    /// Takes in that it is wanted once more.
    ///
    /// `again`: what for, where an answer may be older than what somebody knows of.
    fileprivate mutating func note(isPatient: Bool, again: LookPurpose?) {
        self.isPatient = self.isPatient && isPatient
        if hasLeft, self.again != .person { self.again = again ?? self.again }
    }
}
