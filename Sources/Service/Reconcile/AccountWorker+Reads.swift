import Domain
import Logging

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
    func carryOut(_ job: ListJob) async {
        guard !job.isOver, leases.lease(of: account) != nil, let engine = engine as? any ListingEngine else {
            return job.finish(nil)
        }
        let sentAt = standing.asked()
        let list = await engine.list()
        standing.activity.took(list.answer.verdict)
        meters.listed(list.answer.verdict, in: clock.now() - sentAt)
        // A key that may not list can be one that may read its sessions, so only a session's own read judges the account.
        if list.answer.verdict != .auth { standing.note(list.answer) }
        guard list.answer.verdict == .ok else {
            logger.debug("sessions not listed", metadata: ["verdict": "\(list.answer.verdict.rawValue)"])
            return job.finish(nil)
        }
        if !list.isWhole {
            logger.notice("the engine's list is too long, the rest is read one by one")
        }
        job.finish(ListedSessions(list: list, sentAt: sentAt))
    }

    /// Takes in what a list says about an instance.
    ///
    /// `entry`: the instance as it was stored a moment ago.
    /// `run`: the sweep that somebody asked for; it has counted on the instance.
    /// Returns `false` when the list says nothing: only a read of its own can.
    func take(_ finding: ListFinding, of entry: SweepEntry, sentAt: Timestamp, run: SweepRun?) -> Bool {
        let instance = entry.instance
        switch finding {
        case .asStored: if let reading = entry.reading { takeAsStored(reading, of: instance, sentAt: sentAt, run: run) }
        case .read(let reading): take(reading, of: instance, sentAt: sentAt, priority: .repair, run: run)
        case .notListed: return false
        }
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
