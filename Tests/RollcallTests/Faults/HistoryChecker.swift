/// Judges a run by its history: what was answered 2xx, what the ledger holds, what the engine was asked.
///
/// Pure, and knows nothing of how the service works: its own bookkeeping is never asked.
struct HistoryChecker {
    /// What is wrong with a history.
    enum Finding: Hashable, CustomStringConvertible {
        /// Nobody was mapped, nothing was taken, or the engine was never commanded: nothing is proved.
        case emptyLog
        /// Nobody answered, though whoever was asked ran all the while.
        case unanswered(String)
        /// An agent that was mapped is not there at the end, or not with its session.
        case vanished(String)
        /// An event was answered 2xx and is not in the ledger as it was said.
        case lost(String)
        /// An event is in the ledger twice, or was given two numbers.
        case doubled(String)
        /// An agent's shift is not what the ledger's events make of it.
        case wrongEffect(String)
        /// A start or restart came too soon after a stop, or after the soonest end that a stop without an answer may have had.
        case gapBroken(call: Int)
        /// A command came while another of the same session was under way.
        case twoAtATime(call: Int)
        /// A command came from a replica that no longer had the lease, and cannot have been past its check of it when it was frozen:
        /// another had taken the account, or the database had taken no heartbeat of it, or of anybody, for longer than a lease lasts.
        case lateCommand(call: Int)
        /// A frozen replica's late command was followed by no read in time.
        case unrepaired(call: Int)
        /// At the end a session was not where its agent's shift wants it.
        case unconverged(String)

        var description: String {
            switch self {
            case .emptyLog: "the log is empty"
            case .unanswered(let event): "unanswered: \(event)"
            case .vanished(let agent): "vanished: \(agent)"
            case .lost(let event): "lost: \(event)"
            case .doubled(let event): "doubled: \(event)"
            case .wrongEffect(let agent): "wrong effect: \(agent)"
            case .gapBroken(let call): "gap broken by call \(call)"
            case .twoAtATime(let call): "two at a time, the second being call \(call)"
            case .lateCommand(let call): "late command: call \(call)"
            case .unrepaired(let call): "late command without a look in time: call \(call)"
            case .unconverged(let agent): "unconverged: \(agent)"
            }
        }
    }

    /// What came of a check.
    struct Verdict {
        var findings: [Finding] = []
        /// Events that were answered 2xx.
        var taken = 0
        /// Agents whose latest event by arrival is not their latest, and says the opposite: order by arrival would be seen.
        var reordered = 0
        /// Commands that a replica sent which was frozen right before, past its check of the lease.
        var lateFromFrozen = 0
    }

    /// The least time between the end of a stop and a start, in microseconds.
    var gap: Int64 = 3_000_000
    /// After this long a call without an answer is over, in microseconds.
    var callTimeout: Int64 = 3_000_000
    /// How long a lease lasts after its holder's last heartbeat, in microseconds.
    var leaseTTL: Int64 = 3_500_000
    /// How long a call may be on its way to the engine on a busy machine, in microseconds: who has no answer counts from when it
    /// left, and the engine knows only when it came.
    var way: Int64 = 500_000
    /// How long after a replica goes on a command may come that was past its check, in microseconds: all that it had in hand goes on
    /// at once.
    var resumption: Int64 = 1_000_000
    /// How often each session is looked at, as the replicas are set, in microseconds.
    var sweepInterval: Int64 = 2_000_000
    /// How far two clocks of one machine may be apart, in microseconds: the caller's time-out begins before the engine hears.
    var tolerance: Int64 = 50_000

    func check(_ history: History) -> Verdict {
        var verdict = Verdict()
        checkEvents(history, &verdict)
        checkAnswers(history, &verdict)
        checkEnds(history, &verdict)
        checkOrder(history, &verdict)
        checkLeases(history, &verdict)
        let commands = history.calls.filter(\.isCommand)
        if verdict.taken == 0 || commands.isEmpty || history.map.isEmpty { verdict.findings.append(.emptyLog) }
        return verdict
    }

    /// What was answered 2xx is in the ledger exactly once, as it was said.
    private func checkEvents(_ history: History, _ verdict: inout Verdict) {
        let rows = Dictionary(grouping: history.ledger, by: \.event.id)
        for id in rows.keys.sorted() where rows[id]?.count ?? 0 > 1 { verdict.findings.append(.doubled(id)) }
        let taken = Dictionary(grouping: history.attempts.filter(\.isTaken), by: \.event)
        verdict.taken = taken.count
        for event in taken.keys.sorted(by: { $0.id < $1.id }) {
            let numbers = Set((taken[event] ?? []).compactMap(\.sequence))
            if numbers.count > 1 { verdict.findings.append(.doubled(event.id)) }
            let isThere = (rows[event.id] ?? []).contains { $0.event == event && numbers.contains($0.sequence) }
            if !isThere { verdict.findings.append(.lost(event.id)) }
        }
    }

    /// Who runs answers, if only to refuse.
    private func checkAnswers(_ history: History, _ verdict: inout Verdict) {
        let open = history.attempts.filter { $0.status == nil && !$0.isCalledOff }
        for attempt in open where !history.gone.contains(attempt.replica) {
            let stoodStill = history.freezes.contains { freeze in
                freeze.replica == attempt.replica && freeze.from <= attempt.answeredAt && attempt.sentAt <= freeze.to
            }
            if !stoodStill { verdict.findings.append(.unanswered(attempt.event.id)) }
        }
    }

    /// Everybody who was mapped is there, on the shift that the latest of the events makes, by when they happened, and with a session
    /// that is where that wants it.
    private func checkEnds(_ history: History, _ verdict: inout Verdict) {
        let rows = Dictionary(grouping: history.ledger, by: \.event.agent)
        let ends = Dictionary(grouping: history.ends, by: \.agent)
        for mapping in history.map {
            let events = rows[mapping.agent] ?? []
            let latest = events.max { $0.event.occurredAt < $1.event.occurredAt }
            let lastToArrive = events.max { $0.sequence < $1.sequence }
            if latest?.event.kind != lastToArrive?.event.kind { verdict.reordered += 1 }
            guard let end = ends[mapping.agent]?.first, end.instance == mapping.instance, end.account == mapping.account
            else {
                verdict.findings.append(.vanished(mapping.agent))
                continue
            }
            let shift = latest?.event.kind == "clock_in" ? "in" : "out"
            if end.shift != shift { verdict.findings.append(.wrongEffect(mapping.agent)) }
            if !isConverged(end) { verdict.findings.append(.unconverged(mapping.agent)) }
        }
    }

    /// One command at a time for each session, and the gap.
    private func checkOrder(_ history: History, _ verdict: inout Verdict) {
        let proofs = Dictionary(grouping: history.calls.filter { $0.reading == "STOPPED" }, by: \.instance)
        for (instance, calls) in Dictionary(grouping: history.calls.filter(\.isCommand), by: \.instance) {
            var before: History.Call?
            var stop: History.Call?
            for call in calls.sorted(by: { $0.received < $1.received }) {
                if let before, call.received < end(of: before) - tolerance {
                    verdict.findings.append(.twoAtATime(call: call.number))
                }
                if call.operation == "stop" {
                    stop = call
                } else if let stop, call.received < soonestEnd(of: stop, proofs[instance] ?? []) + gap {
                    verdict.findings.append(.gapBroken(call: call.number))
                }
                before = call
            }
        }
    }

    /// From when on the gap after a stop may be counted.
    ///
    /// One without an answer is taken to end when its caller's time is over, or when a look that left after it is told STOPPED.
    private func soonestEnd(of stop: History.Call, _ proofs: [History.Call]) -> Int64 {
        if let answered = stop.answered { return answered }
        let proved = proofs.map(\.received).filter { $0 > stop.received }.min()
        return min(stop.received + callTimeout, proved ?? .max) - way
    }

    private func end(of call: History.Call) -> Int64 { call.answered ?? call.received + callTimeout }

    /// No command comes from a replica after another has taken its account, or after its lease has run out with nobody to take it.
    private func checkLeases(_ history: History, _ verdict: inout Verdict) {
        var accounts: [String: String] = [:]
        for mapping in history.map {
            if let instance = mapping.instance { accounts[instance] = mapping.account }
        }
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
        if let term, let end = unbeatenEnd(of: term, sights, by: call.receivedAt) { return LeaseEnd(at: end) }
        // Nobody can take it meanwhile, and its holder has to know by its own clock.
        let outage = history.outages.first { outage in
            call.receivedAt > outage.from + leaseTTL + way && call.receivedAt < outage.to
        }
        return outage.map { LeaseEnd(at: $0.from + leaseTTL) }
    }

    /// When a lease ran out that nobody had taken by an instant, for want of its holder's heartbeats; `nil` where it had not.
    ///
    /// The first sight after the instant names the last heartbeat before it, unless there was one between the two or another term:
    /// then nothing can be said. A call is given no time for its way beyond the lease's end: none may leave in a lease's last half
    /// second.
    private func unbeatenEnd(of term: History.Term, _ sights: [History.Sight], by instant: Int64) -> Int64? {
        var (low, high) = (0, sights.count)
        while low < high {
            let middle = (low + high) / 2
            if sights[middle].seenAt < instant { low = middle + 1 } else { high = middle }
        }
        guard low < sights.count, sights[low].term == term.number, sights[low].beatAt < instant else { return nil }
        let end = sights[low].beatAt + leaseTTL
        return instant > end ? end : nil
    }

    private func isConverged(_ end: History.End) -> Bool {
        guard end.instance != nil else { return true }
        return end.condition == "converged" && end.session == (end.shift == "in" ? "WORKING" : "STOPPED")
    }
}
