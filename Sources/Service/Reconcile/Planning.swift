import Domain

/// What a pass learned before it decides.
enum News: Sendable {
    /// A read that succeeded.
    case read(SessionReading, sentAt: Timestamp)
    /// A read that did not; `since`: when the first failed of those that did one after the other.
    case unread(EngineAnswer, since: Timestamp)
    /// What became of a command.
    case outcome(PlannedCommand, EngineAnswer, sentAt: Timestamp, endedAt: Timestamp)
    /// A command that was not sent after all (the lease had run out): nothing reached the engine.
    case unsent(PlannedCommand, at: Timestamp)
}

/// Everything a plan depends on besides the instance itself.
struct PlanningContext: Sendable {
    var policy: ReconcilePolicy
    /// The database's clock.
    var now: Timestamp
    /// Whether this replica holds the account's lease, so that an intent may be written.
    var mayAct: Bool
    /// The engine answers 401 for the whole account.
    var isAccountRefused: Bool
    /// Until then the last command may have left, if nothing is known of it: its intent may have waited in line.
    var mayHaveLeftUntil: Timestamp?
    var decider: Decider = decide
    /// Whether a restart has to wait because many sessions of the account fail alike.
    var holdsRestarts = false

    /// The same with restarts held.
    var holdingRestarts: PlanningContext {
        var context = self
        context.holdsRestarts = true
        return context
    }
}

/// What decides: ``decide(_:evidence:isAccountRefused:policy:now:)``, but where the simulation proves that it finds what
/// decides otherwise.
typealias Decider =
    @Sendable (
        _ desired: DesiredState, _ evidence: Evidence, _ isAccountRefused: Bool, _ policy: ReconcilePolicy,
        _ now: Timestamp
    ) -> Decision

extension PlanningContext {
    /// Decides, taking a command of which nothing is known for one that may have left as late as it may have.
    fileprivate func decision(_ desired: DesiredState, _ evidence: Evidence, at instant: Timestamp) -> Decision {
        var evidence = evidence
        if let mayHaveLeftUntil, let command = evidence.lastCommand, command.endedAt == nil {
            evidence.lastCommand?.sentAt = max(command.sentAt, mayHaveLeftUntil)
        }
        return decider(desired, evidence, isAccountRefused, policy, instant)
    }
}

/// An agent before and after something happened.
struct AgentChange: Sendable {
    var before: AgentFacts
    var after: AgentFacts
    /// What is desired now.
    var desired: DesiredState

    /// Whether the stored row would change.
    var differs: Bool { before != after }
    /// Whether what is desired may have changed.
    var isNewGeneration: Bool { before.generation != after.generation }
}

/// Derives what is desired of an agent, and counts the generation on when that may have changed.
///
/// `before`: the agent as stored.
/// `state`: the fold now, where it was folded again; else the stored one.
func rederive(
    _ before: AgentFacts,
    state: ShiftState? = nil,
    policy: ReconcilePolicy,
    now: Timestamp
) -> AgentChange {
    var after = before
    after.state = state ?? before.state
    let desired = after.derived(policy: policy, now: now)
    after.desired = desired.run
    after.rule = desired.rule
    if after.state.shift != before.state.shift || after.desired != before.desired || after.rule != before.rule {
        after.generation += 1
    }
    return AgentChange(before: before, after: after, desired: desired)
}

/// Takes in news about one instance and decides what to write and do.
///
/// Pure. The one place where production turns a decision into writes, used by the append path, by passes
/// and by everything that changes what is desired.
///
/// `priority`: on whose behalf; what people asked for stays theirs as long as its queue row says so.
/// `looksUnlessReadSince`: somebody wants the instance looked at; a read from then on will do.
func plan(
    _ subject: Subject,
    agent: AgentChange?,
    news: [News] = [],
    priority: JobPriority,
    looksUnlessReadSince: Timestamp? = nil,
    context: PlanningContext
) -> Plan {
    let priority = min(priority, subject.priority ?? priority)
    var evidence = subject.evidence
    let desired = agent?.desired ?? DesiredState(run: .stopped, rule: .default)
    for item in news { evidence.take(item, desired: desired.run, policy: context.policy) }
    var decision = context.decision(desired, evidence, at: context.now)
    let isListed = subject.isListedOnly(agent)
    if isListed, decision.action == .stop { decision = Decision(nil, .listedOnly, .needsAttention) }
    if context.holdsRestarts, decision.action == .restart {
        let again = context.now + context.policy.alikeLook
        decision = Decision(nil, .failingAlike, .needsAttention, lookAgainAt: again)
    }
    if decision.endsAttempts(evidence) { evidence.attempts = 0 }
    let unreadFor = news.unreadFor(evidence, agent, context)
    if let retryAt = news.retryOfRead(unreadFor, context) ?? news.retryOfCommand(decision, context) {
        decision.lookAgainAt = max(decision.lookAgainAt ?? retryAt, retryAt)
    }
    if let since = looksUnlessReadSince { decision.lookNow(unlessReadSince: since, evidence, context) }
    var dueAt = [decision.lookAgainAt, desired.nextChangeAt].compactMap { $0 }.min()
    var command: PlannedCommand?
    if let action = decision.action {
        dueAt = context.now
        if context.mayAct {
            let intended = PlannedCommand(
                id: max(context.now.microseconds, (evidence.lastCommand?.id ?? 0) + 1),
                instance: subject.instance,
                address: subject.address,
                action: action,
                reason: decision.reason,
                agent: agent?.after.agent,
                generation: agent?.after.generation,
                priority: priority
            )
            evidence.intend(
                action,
                id: intended.id,
                at: context.now,
                isAfterFall: decision.reason == .wentDown || decision.reason == .cameUp,
                restartWindow: context.policy.restartWindow
            )
            command = intended
            dueAt = context.now + action.longest(callTimeout: context.policy.callTimeout) + context.policy.stopStartGap
        }
    }
    var after = subject
    after.evidence = evidence
    after.condition = decision.condition
    after.reason = decision.reason
    if !isListed || evidence.reading == .status(.stopped) { after.listedBy = nil }
    return Plan(
        stored: subject,
        subject: after,
        decision: decision,
        command: command,
        dueAt: dueAt,
        priority: priority,
        looksWhenDue: dueAt.map { due in
            command == nil && due != desired.nextChangeAt
                && context.decision(desired, evidence, at: due).wantsLook(at: due)
        } ?? false,
        isDeparting: agent?.after.isLeaving ?? true,
        isActing: context.mayAct,
        overtaken: command == nil ? evidence.overtakenCommand(of: subject.instance, desired: desired.run) : nil,
        isToRun: desired.run == .running,
        isLongUnread: (unreadFor ?? .zero) > context.policy.firstRetry * 2
    )
}

extension Subject {
    /// Whether nothing but a list speaks of the session: an import brought it, and of its agent nobody ever said anything.
    func isListedOnly(_ agent: AgentChange?) -> Bool {
        guard listedBy != nil, let agent else { return false }
        return agent.desired.rule == .default && !agent.after.isLeaving
    }

    /// Whether the stored row would change.
    ///
    /// The time of a read alone does not: `looks` has it.
    func differsInRow(from stored: Subject) -> Bool {
        var evidence = evidence
        evidence.readAt = stored.evidence.readAt
        return evidence != stored.evidence || condition != stored.condition || reason != stored.reason
    }
}

extension Evidence {
    /// The last command where nothing is known of it yet and it would bring about the opposite of what is desired.
    fileprivate func overtakenCommand(of instance: Int64, desired: RunState) -> CommandKey? {
        guard let lastCommand, lastCommand.endedAt == nil else { return nil }
        let isOvertaken =
            switch lastCommand.action {
            // A reboot's stop is wanted although the session is to run.
            case .stop: desired == .running && rebootAskedAt == nil
            case .start, .restart: desired == .stopped
            }
        return isOvertaken ? CommandKey(instance: instance, id: lastCommand.id) : nil
    }

    fileprivate mutating func take(_ news: News, desired: RunState, policy: ReconcilePolicy) {
        switch news {
        case .read(let reading, let sentAt):
            take(read: reading, sentAt: sentAt, desired: desired)
        case .unread:
            break
        case .outcome(let command, let answer, let sentAt, let endedAt):
            take(outcome: answer, of: command.id, sentAt: sentAt, endedAt: endedAt, callTimeout: policy.callTimeout)
        case .unsent(let command, let instant):
            take(
                outcome: EngineAnswer(verdict: .notSent),
                of: command.id,
                sentAt: instant,
                endedAt: instant,
                callTimeout: policy.callTimeout
            )
        }
    }
}

extension Decision {
    /// Whether what was tried counts no more, since all is as it should be.
    ///
    /// That a session counts as stopped may rest on how often its stop was tried: where the engine answered it with errors.
    fileprivate func endsAttempts(_ evidence: Evidence) -> Bool {
        guard condition == .converged || condition == .held else { return false }
        return reason != .failedCountsAsStopped || evidence.lastCommand?.verdict != .transient
    }

    /// Asks for a look, unless there is something to do or one will be made in a moment anyway.
    fileprivate mutating func lookNow(
        unlessReadSince since: Timestamp,
        _ evidence: Evidence,
        _ context: PlanningContext
    ) {
        guard action == nil, !context.isAccountRefused, evidence.readAt.map({ $0 < since }) ?? true else { return }
        if let lookAgainAt, lookAgainAt <= context.now + context.policy.confirmationDelay { return }
        lookAgainAt = context.now
    }
}

extension [News] {
    /// For how long reads have failed, where the last one did.
    ///
    /// A command, and a clock event that moves the shift, let it count anew, since somebody waits for what the next read says.
    fileprivate func unreadFor(_ evidence: Evidence, _ agent: AgentChange?, _ context: PlanningContext) -> Duration? {
        guard case .unread(_, let since) = last else { return nil }
        let marks = [since, evidence.readAt, evidence.lastCommand?.sentAt, agent?.after.state.since]
        return marks.compactMap { $0 }.max().map { Swift.max(context.now - $0, .zero) }
    }

    /// When to read again after a read that failed: soon at first, and ever later.
    ///
    /// `unreadFor`: of ``unreadFor(_:_:_:)``.
    fileprivate func retryOfRead(_ unreadFor: Duration?, _ context: PlanningContext) -> Timestamp? {
        guard let unreadFor, case .unread(let answer, _) = last else { return nil }
        let pause = context.policy.readRetryDelay(failingFor: unreadFor)
        return context.now + Swift.max(answer.askedPause(context.policy) ?? .zero, pause)
    }

    /// When a command that the engine did not take may go again, where the engine said when.
    ///
    /// A try that comes sooner for another reason is kept back by ``CallQueue``.
    fileprivate func retryOfCommand(_ decision: Decision, _ context: PlanningContext) -> Timestamp? {
        guard case .outcome(_, let answer, _, let endedAt) = last, decision.action == nil,
            [.retryLater, .startRefused, .stopRefused].contains(decision.reason)
        else { return nil }
        return answer.askedPause(context.policy).map { endedAt + $0 }
    }
}

extension EngineAnswer {
    /// How long the engine asked us to wait, at most as long as anything waits for its next try.
    fileprivate func askedPause(_ policy: ReconcilePolicy) -> Duration? {
        retryAfter.map { min($0, policy.longestRetry) }
    }
}
