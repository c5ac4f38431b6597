/// Judges a run by its history: what was answered 2xx, what the ledger holds, what the engine was asked.
///
/// Pure, and knows nothing of how the service works. Where it needs the service's own word it holds that against another's: an agent's
/// shift against the ledger, a session's condition against the engine, and the lease terms that replicas log against what the
/// database says of the leases.
struct HistoryChecker {
    /// What is wrong with a history.
    enum Finding: Hashable, CustomStringConvertible {
        /// Nobody was mapped, nothing was taken, or the engine was never commanded; or of an account that was commanded no replica
        /// logged a term, or the database was never seen to say whose its lease was: nothing is proved.
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
        /// another had taken the account, as it logged or the database says; or the database had taken no heartbeat of it, or of
        /// anybody, for longer than a lease lasts.
        case lateCommand(call: Int)
        /// A frozen replica's late command was followed by no read in time.
        case unrepaired(call: Int)
        /// At the end a session was not where its agent's shift wants it.
        case unconverged(String)
        /// A secret stands where people read.
        case secretSaid(String, place: String)

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
            case .secretSaid(let name, let place): "secret said: \(name), in \(place)"
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
        checkSecrets(history, &verdict)
        let hasCommands = history.calls.contains(where: \.isCommand)
        if verdict.taken == 0 || !hasCommands || history.map.isEmpty || !showsLeases(history) {
            verdict.findings.append(.emptyLog)
        }
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

    private func isConverged(_ end: History.End) -> Bool {
        guard end.instance != nil else { return true }
        return end.condition == "converged" && end.session == (end.shift == "in" ? "WORKING" : "STOPPED")
    }
}
