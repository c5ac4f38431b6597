import Domain
import Synchronization

/// What does not leave: given back, or forgotten with the lease.
extension AccountWorker {
    /// The lease is gone: nothing that waits here may leave.
    ///
    /// Should it be kept after all, under the same term, the line is read again.
    func forget() {
        hasForgotten.store(true, ordering: .sequentiallyConsistent)
        for job in calls.clear() { giveUp(job) }
        timers.removeAll()
        unreadSince.withLock { $0 = [:] }
        forecaster.forget()
    }

    /// Notes that a command was not sent.
    func giveBack(_ command: PlannedCommand) {
        let news = News.unsent(command, at: clock.now())
        passes.add(PassItem(instance: command.instance, news: news, priority: command.priority))
    }

    /// Ends what is not sent.
    @discardableResult
    func giveUp(_ job: CallJob) -> EngineVerdict {
        switch job {
        case .command(let command, _, let run):
            leases.setCommanded(command.key, of: account, false)
            giveBack(command)
            run?.repairEnded()
        case .look(let look):
            looking.withLock { $0[look.instance] = nil }
            look.run?.look(succeeded: false)
            look.probe?.ended(.notSent)
        case .list(let list):
            list.finish(nil)
        case .pairing(let pairing):
            pairing.answer.give(nil)
        }
        return .notSent
    }

    /// Ends a look that was kept back on its way, and has thought over what somebody wanted it for: their time is spent.
    func giveUpOnTheWay(_ look: LookJob) -> EngineVerdict {
        let isWanted = look.purpose == .scan || looking.withLock { $0[look.instance]?.isPatient == false }
        let again = looking.withLock { $0[look.instance]?.again }
        giveUp(.look(look))
        if isWanted || again != nil {
            let isOfPerson = look.purpose == .person || again == .person
            passes.add(
                PassItem(
                    instance: look.instance,
                    priority: isOfPerson ? .people : .repair,
                    look: isOfPerson || again != nil ? .now : nil
                )
            )
        }
        return .notSent
    }
}
