import Domain
import FoundationEssentials
import Synchronization

/// What has to come once nothing breaks any more.
extension SimulatedWorld {
    /// Judges what is so at every second.
    func tick() {
        let isBeating = withState { state in
            state.replicas.contains { replica in
                replica.map { scheduler.standing(of: $0.process) == .running } ?? false
            }
        }
        let phase = withState { $0.phase }
        // Who just runs again, or comes back, needs a moment.
        let isCalm = phase != .stress && scheduler.now > scenario.stress + 15_000_000
        database.withTables { tables, now in
            witness.see { state in
                state.checkLedger(tables)
                state.checkParked(tables, isBeating: isBeating && isCalm, now: now)
                state.checkShown(tables, ageLimit: planted == .ageUnseen ? 1000 : 1, now: now)
            }
        }
        switch phase {
        case .stress, .over: break
        case .calm(let since): judgeCalm(since: since)
        case .rest(let since): judgeRest(since: since)
        case .wake(let since, _):
            if scheduler.now - since > Scenario.wake { judgeWake(phase) }
        }
        scheduler.after(1_000_000) { self.tick() }
    }

    private func judgeCalm(since: Int64) {
        let now = scheduler.now
        guard let open = unconverged() else {
            // Who has just taken an account over does not know for so long what the one before may have sent.
            let doubt = (scenario.policy.callTimeout + scenario.policy.stopStartGap).microseconds + 5_000_000
            let isSettled = withState { state in
                let first = state.convergedAt ?? now
                state.convergedAt = first
                guard now - first >= doubt else { return false }
                state.phase = .rest(now)
                state.convergedIn = first - since
                return true
            }
            guard isSettled else { return }
            witness.see { state in
                state.tell("all is as it should be")
                state.isAtRest = true
            }
            return
        }
        withState { $0.convergedAt = nil }
        guard now - since > Scenario.bound else { return }
        witness.see { $0.violate(.convergesInTime, open) }
        withState { $0.phase = .over }
    }

    /// The first session that is not as it should be; `nil` when all are.
    private func unconverged() -> String? {
        let (sessions, steps) = engine.withState { state, _ in (state.sessions, state.pendingSteps) }
        if withState({ $0.undelivered }) > 0 { return "senders still send" }
        if steps > 0 { return "sessions are about to change by themselves" }
        return database.withTables { tables, now in
            if let account = witness.see({ $0.refusedAccount(tables) }) {
                return "who acts for account \(account) was answered 401, and has asked nothing since"
            }
            for (_, instance) in tables.instances.sorted(by: { $0.key < $1.key }) {
                let wanted = witness.see { state in
                    instance.agent.map { state.desired($0, tables, now: now) } ?? [.stopped]
                }
                guard wanted.count == 1, let desired = wanted.first else {
                    return "an event of the future has just come due"
                }
                // What people said ends by the clock.
                let agent = instance.agent.flatMap { tables.agents[$0] }
                if agent?.facts.hold.map({ $0.until > now }) ?? false { return "somebody is held" }
                if agent?.facts.state.nextPunchAt != nil { return "an event lies in the future" }
                guard let session = sessions[instance.subject.address.instanceID] else { continue }
                if isConverged(instance.subject, session, desired, now: now) { continue }
                return
                    "\(session.id) is \(session.exists ? session.status.word : "gone"), desired \(desired.rawValue), "
                    + "stored as \(instance.subject.condition.rawValue), \(instance.subject.reason.rawValue)"
            }
            return nil
        }
    }

    private func isConverged(_ subject: Subject, _ session: EngineSession, _ desired: RunState, now: Timestamp) -> Bool
    {
        // Who takes the account over now would not know yet what became of it.
        if let command = subject.evidence.lastCommand, command.verdict == nil {
            let longest = command.action.longest(callTimeout: scenario.policy.callTimeout)
            let over = command.sentAt + longest + scenario.policy.stopStartGap
            guard let readAt = subject.evidence.readAt, readAt >= over else { return false }
        }
        let isSettled = subject.condition == .converged || subject.condition == .held
        guard session.exists else {
            return subject.evidence.reading == .missing && (isSettled || subject.condition == .needsAttention)
        }
        guard subject.evidence.reading == .status(session.status) else { return false }
        switch (desired, session.status) {
        case (.running, .working), (.stopped, .stopped), (.stopped, .failed): return isSettled
        case (.running, .scanQRCode): return subject.condition == .needsPairing
        // Its codes ran out, as far as anybody saw, and a person is waited for.
        case (.running, .failed):
            let hasAsked = witness.see { $0.tracks[subject.instance]?.scanAskedAt != nil }
            return (hasAsked || !session.isPaired) && subject.condition == .needsPairing
        case (.running, .suspect): return subject.condition == .needsAttention && subject.reason == .suspect
        default: return false
        }
    }

    private func judgeRest(since: Int64) {
        let now = scheduler.now
        if let open = unconverged() { return witness.see { $0.violate(.convergesInTime, "no more: \(open)") } }
        if now - since > Scenario.freshAfter {
            database.withTables { tables, now in witness.see { $0.checkFresh(tables, now: now) } }
        }
        guard now - since > Scenario.rest else { return }
        database.withTables { tables, now in
            witness.see { state in
                state.checkRest(tables, now: now)
                state.isAtRest = false
            }
        }
        wakeSomebody()
    }

    /// One more event, taken by a replica that does not act for its account, and no notification reaches anybody.
    private func wakeSomebody() {
        let now = scheduler.now
        let chosen = database.withTables { tables, now -> (agent: MemoryTables.Agent, holder: UUID?)? in
            for (_, instance) in tables.instances.sorted(by: { $0.key < $1.key }) {
                guard let agent = instance.agent.flatMap({ tables.agents[$0] }), agent.facts.hold == nil,
                    !agent.facts.isLeaving, agent.facts.state.nextPunchAt == nil, agent.facts.state.shift != .onBreak,
                    agent.facts.state.last.map({ $0.effectiveAt < now }) ?? true,
                    [.status(.working), .status(.stopped)].contains(instance.subject.evidence.reading)
                else { continue }
                return (agent, tables.leases[instance.account]?.holder)
            }
            return nil
        }
        let other = withState { state in
            state.replicas.compactMap(\.self).first { $0.id != chosen?.holder }
        }
        guard let chosen, let other else { return withState { $0.phase = .over } }
        database.deafen()
        let kind: PunchKind = chosen.agent.facts.state.shift == .in ? .clockOut : .clockIn
        let report = SentReport.event(SentEvent(id: "last", agent: chosen.agent.id, kind: kind))
        witness.see { state in
            state.tell("one more event, of \(chosen.agent.id), through \(other.id.short)")
            state.wrote(report)
        }
        let commands = witness.commandCount
        withState { $0.phase = .wake(now, Int64(commands)) }
        other.post([report]) { isTaken in
            if isTaken { self.witness.see { $0.acknowledged([report]) } }
        }
    }

    private func judgeWake(_ phase: Phase) {
        if case .wake(_, let commands) = phase, witness.commandCount == Int(commands) {
            let line = database.withTables { tables, _ in tables.queue.count }
            witness.see { $0.violate(.wokenInTime, "no command within 5 s; \(line) instances are in line") }
        }
        withState { $0.phase = .over }
    }
}

extension Witness.State {
    /// At rest: every instance was read within two of its intervals, which are what a round takes where that is longer.
    mutating func checkFresh(_ tables: MemoryTables, now: Timestamp) {
        for (number, instance) in tables.instances.sorted(by: { $0.key < $1.key }) {
            let desired = instance.agent.flatMap { tables.agents[$0]?.facts.desired } ?? .stopped
            let freshness = Freshness(
                onShift: rules.sweep.onShift,
                offShift: rules.sweep.offShift,
                instances: tables.instances.count { $0.value.account == instance.account },
                callsPerSecond: rules.callsPerSecond
            )
            let interval = desired == .running ? freshness.onShift : freshness.offShift
            let readAt = tables.subject(number)?.evidence.readAt
            if readAt.map({ now - $0 > interval * 2 }) ?? true {
                violate(
                    .sweepKeepsFresh,
                    "\(instance.subject.address.instanceID) was read at \(readAt?.rfc3339 ?? "no time"), it is \(now.rfc3339)"
                )
            }
        }
    }

    /// At rest: nothing overdue lies in line.
    mutating func checkRest(_ tables: MemoryTables, now: Timestamp) {
        for (number, row) in tables.queue.sorted(by: { $0.key < $1.key }) where now - row.dueAt > .seconds(15) {
            violate(.queueRestsEmpty, "instance \(number) has been due since \(row.dueAt.rfc3339)")
        }
    }
}

/// Something that counts once.
private final class OnceState: Sendable {
    let isTaken = Mutex(false)
}

/// Says yes to the first who asks.
struct Once: Sendable {
    private let state = OnceState()

    func take() -> Bool {
        state.isTaken.withLock { isTaken in
            defer { isTaken = true }
            return !isTaken
        }
    }
}
