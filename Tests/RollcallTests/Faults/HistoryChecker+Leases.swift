/// Whose command a lease allowed, and whose it did not.
extension HistoryChecker {
    /// No command comes from a replica after another has taken its account, or after its lease has run out with nobody to take it.
    func checkLeases(_ history: History, _ verdict: inout Verdict) {
        let accounts = accounts(history)
        var forgiven: Set<InHand> = []
        let sights = Dictionary(grouping: history.sights, by: \.account)
        for call in history.calls where call.isCommand {
            guard let account = accounts[call.instance],
                let over = leaseEnd(of: call, account, sights[account] ?? [], history)
            else { continue }
            let freeze = history.freezes.first { freeze in
                freeze.replica == call.replica && freeze.from <= over.at && freeze.to <= call.receivedAt
                    && call.receivedAt - freeze.to <= resumption
            }
            // Of each session one command at most was past its check: there is one at a time.
            guard let freeze, forgiven.insert(InHand(freeze: freeze, instance: call.instance)).inserted else {
                verdict.findings.append(.lateCommand(call: call.number))
                continue
            }
            verdict.lateFromFrozen += 1
            let actedFor = over.isTaken ? call.receivedAt : actingAgain(account, sights[account] ?? [], call, history)
            let lookedAtBy = call.received + (actedFor - call.receivedAt) + sweepInterval + callTimeout
            // Where nobody took the account, who sent it has it still, or again.
            let isSeen = history.calls.contains { look in
                !look.isCommand && look.instance == call.instance && look.received > call.received
                    && look.received <= lookedAtBy && (look.replica != call.replica || !over.isTaken)
            }
            if !isSeen { verdict.findings.append(.unrepaired(call: call.number)) }
        }
    }

    /// Whether there is what commands are judged by: of each account that was commanded a term that a replica logged, and a sight of
    /// its lease.
    func showsLeases(_ history: History) -> Bool {
        let accounts = accounts(history)
        let commanded = Set(history.calls.filter(\.isCommand).compactMap { accounts[$0.instance] })
        return commanded.isSubset(of: history.terms.map(\.account))
            && commanded.isSubset(of: history.sights.map(\.account))
    }

    /// The account of each session that was mapped.
    private func accounts(_ history: History) -> [String: String] {
        var accounts: [String: String] = [:]
        for mapping in history.map {
            if let instance = mapping.instance { accounts[instance] = mapping.account }
        }
        return accounts
    }

    /// What a replica may have had in hand when it was frozen.
    private struct InHand: Hashable {
        var freeze: History.Freeze
        var instance: String
    }

    /// When somebody first acts for an account again whose lease had run out before a call.
    private func actingAgain(
        _ account: String,
        _ sights: [History.Sight],
        _ call: History.Call,
        _ history: History
    ) -> Int64 {
        let taken = history.terms.filter { $0.account == account && $0.takenAt > call.receivedAt }.map(\.takenAt).min()
        let beat = sights.first { $0.beatAt > call.receivedAt }?.beatAt
        return [taken, beat].compactMap { $0 }.min() ?? call.receivedAt
    }

    /// How the lease that a call would have needed was over by the time the call came.
    private struct LeaseEnd {
        var at: Int64
        /// Whether another had taken it.
        var isTaken = false
    }

    /// `nil` where the lease was not over.
    private func leaseEnd(
        of call: History.Call,
        _ account: String,
        _ sights: [History.Sight],
        _ history: History
    ) -> LeaseEnd? {
        let terms = history.terms.filter { $0.account == account && $0.takenAt <= call.receivedAt }
        let term = terms.max { $0.number < $1.number }
        if let term, term.replica != call.replica { return LeaseEnd(at: term.takenAt, isTaken: true) }
        if let term, let seen = othersTerm(after: term, sights, history, by: call.receivedAt) {
            return LeaseEnd(at: seen.seenAt, isTaken: true)
        }
        if let term, let end = unbeatenEnd(of: term, sights, by: call.receivedAt) { return LeaseEnd(at: end) }
        // Nobody can take it meanwhile, and its holder has to know by its own clock.
        let outage = history.outages.first { outage in
            call.receivedAt > outage.from + leaseTTL + way && call.receivedAt < outage.to
        }
        return outage.map { LeaseEnd(at: $0.from + leaseTTL) }
    }

    /// The first sight of a later term than a holder's own, of those by an instant; `nil` where there was none.
    ///
    /// Who takes an account logs that only after its commit, or never where it ends in between. What the holder logs later as its
    /// own is no other's.
    private func othersTerm(
        after term: History.Term,
        _ sights: [History.Sight],
        _ history: History,
        by instant: Int64
    ) -> History.Sight? {
        let seen = sights[..<firstSight(in: sights, from: instant + 1)]
        // Terms only grow, so of most calls the last sight says enough.
        guard let last = seen.last, last.term > term.number else { return nil }
        let own = history.terms.filter { $0.account == term.account && $0.replica == term.replica }.map(\.number)
        guard !own.contains(last.term) else { return nil }
        return seen.first { $0.term > term.number && !own.contains($0.term) }
    }

    /// When a lease ran out that nobody had taken by an instant, for want of its holder's heartbeats; `nil` where it had not.
    ///
    /// The first sight after the instant names the last heartbeat before it, unless there was one between the two or another term:
    /// then nothing can be said. A call is given no time for its way beyond the lease's end: none may leave in a lease's last half
    /// second.
    private func unbeatenEnd(of term: History.Term, _ sights: [History.Sight], by instant: Int64) -> Int64? {
        let next = firstSight(in: sights, from: instant)
        guard next < sights.count, sights[next].term == term.number, sights[next].beatAt < instant else { return nil }
        let end = sights[next].beatAt + leaseTTL
        return instant > end ? end : nil
    }

    /// The place of the first sight that is not before an instant; how many there are where all are.
    private func firstSight(in sights: [History.Sight], from instant: Int64) -> Int {
        var (low, high) = (0, sights.count)
        while low < high {
            let middle = (low + high) / 2
            if sights[middle].seenAt < instant { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
