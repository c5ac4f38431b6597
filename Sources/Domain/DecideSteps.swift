/// The steps that ``decide(_:evidence:isAccountRefused:policy:now:)`` chooses among.
extension Situation {
    /// A start, unless the gap, a retry's wait or the age of the read says not yet.
    func start(readAt: Timestamp) -> Decision {
        let reason: Reason = evidence.deviatingSince == nil ? .shouldRun : .wentDown
        if now < gapEnd { return Decision(nil, .stopGap, .starting, lookAgainAt: gapEnd) }
        if let wait = retryWait(after: .start) { return wait }
        if reason == .wentDown, let wait = repeatedWait(.keepsFalling) { return wait }
        guard now - readAt <= policy.startLookAge else { return look(.lookFirst, at: now) }
        return Decision(.start, reason, sending(reason == .wentDown ? .drifted : .starting))
    }

    /// The wait of a session that turns by itself again and again; it never ends for good, so that a mended one comes back.
    private func repeatedWait(_ reason: Reason) -> Decision? {
        let recent = evidence.falls.filter { now - $0 < policy.restartWindow }
        guard let last = recent.last else { return nil }
        let until = last + policy.fallDelay(afterFalls: recent.count)
        guard now < until else { return nil }
        return Decision(nil, reason, .needsAttention, lookAgainAt: until)
    }

    /// A stop, unless it was tried just now.
    func stop(_ reason: Reason) -> Decision {
        if let wait = retryWait(after: .stop) { return wait }
        if reason == .cameUp, let wait = repeatedWait(.keepsComingUp) { return wait }
        return Decision(.stop, reason, sending(reason == .cameUp ? .drifted : .stopping))
    }

    /// A restart, as long as the budget lasts and the read is recent; without budget a person is needed, with slow looks.
    ///
    /// `isAsked`: a person wants it, so the budget does not count.
    func restart(_ reason: Reason, readAt: Timestamp, isAsked: Bool = false) -> Decision {
        if isRefusedForGood, let wait = retryWait(after: .restart) { return wait }
        if !isAsked, let wait = budgetWait { return wait }
        if now < gapEnd { return Decision(nil, .stopGap, .starting, lookAgainAt: gapEnd) }
        guard now - readAt <= policy.callTimeout + policy.restartLookAfter else { return look(.lookFirst, at: now) }
        return Decision(.restart, reason, .drifted)
    }

    /// The wait of a session whose budget of restarts is used up, or that was restarted just now; `nil` when it may be.
    private var budgetWait: Decision? {
        let recent = evidence.restarts.filter { now - $0 < policy.restartWindow }
        guard recent.count < policy.restartLimit else {
            let freeAt = recent.first.map { $0 + policy.restartWindow }
            return Decision(nil, .restartBudgetUsed, .needsAttention, lookAgainAt: freeAt)
        }
        if let last = recent.last, now < last + policy.restartSpacing {
            return Decision(nil, .restartSpacing, .drifted, lookAgainAt: last + policy.restartSpacing)
        }
        return nil
    }

    /// Waiting for a session that boots; a restart once a read says that it takes too long.
    func boot(readAt: Timestamp) -> Decision {
        let since = max(evidence.readingSince ?? now, evidence.lastStartSentAt ?? evidence.readingSince ?? now)
        let stuckFrom = since + policy.startingTimeout
        if readAt >= stuckFrom { return restart(.stuckRestart, readAt: readAt) }
        let pause = min(max((now - since) / 2, policy.firstBootLook), policy.slowestBootLook)
        return look(.booting, at: max(now, min(readAt + pause, stuckFrom)))
    }

    /// A session that works by the engine's word and against the evidence: a while after its boot that is shown, and a person's.
    func suspect(readAt: Timestamp) -> Decision {
        guard evidence.rebootAskedAt == nil else { return stop(.rebootAsked) }
        let countsFrom = (evidence.readingSince ?? readAt) + policy.confirmAfter
        guard readAt >= countsFrom else { return Decision(nil, .booting, .starting, lookAgainAt: countsFrom) }
        return Decision(nil, .suspect, .needsAttention)
    }

    /// A session that was WORKING and reads otherwise is read again before it counts as drift; `nil` when it counts.
    func unconfirmed(readAt: Timestamp) -> Decision? {
        guard let since = evidence.deviatingSince else { return nil }
        let countsFrom = since + policy.confirmAfter
        guard readAt < countsFrom else { return nil }
        return Decision(nil, .confirmingDrift, .drifted, lookAgainAt: countsFrom)
    }

    /// A look at `instant`, with the condition that follows from what is desired.
    func look(_ reason: Reason, at instant: Timestamp) -> Decision {
        let condition: Condition =
            switch reason {
            case .startRefused, .stopRefused: .needsAttention
            default: desired == .running ? .starting : .stopping
            }
        return Decision(nil, reason, condition, lookAgainAt: instant)
    }

    /// The wait before the same command may go again; `nil` when it may go now.
    private func retryWait(after action: Action) -> Decision? {
        guard let last = evidence.lastCommand, last.action == action, evidence.attempts > 0 else { return nil }
        let retryAt = (last.endedAt ?? last.sentAt) + retryDelay
        guard now < retryAt else { return nil }
        return Decision(
            nil,
            tooManyAttempts ? refusal : .retryLater,
            tooManyAttempts ? .needsAttention : (desired == .running ? .starting : .stopping),
            lookAgainAt: retryAt
        )
    }

    /// The end of the pause after the last stop.
    var gapEnd: Timestamp {
        (evidence.lastStopEndedAt ?? Timestamp(microseconds: .min / 2)) + policy.stopStartGap
    }

    /// The wait before the last command is tried again.
    ///
    /// What was refused for good changes only when somebody changes a setting, or when what stands before the engine comes to its
    /// senses: so it is tried, but less often.
    var retryDelay: Duration {
        let isRefused = evidence.lastCommand?.verdict == .permanent
        return policy.retryDelay(afterAttempts: evidence.attempts + (isRefused ? policy.attemptsSparedWhenRefused : 0))
    }

    /// Whether a person is needed: enough was tried, or trying does not help.
    var tooManyAttempts: Bool { isRefusedForGood || evidence.attempts >= policy.attemptsBeforeAttention }

    /// Whether the engine refused the last command in a way that the same command will meet again (400, 403), and that command
    /// is towards what is desired.
    ///
    /// Source: Wawp, error statuses: a missing parameter, a quota, a subscription.
    private var isRefusedForGood: Bool {
        guard evidence.attempts > 0, let command = evidence.lastCommand else { return false }
        return command.verdict == .permanent && (command.action == .stop) == (desired == .stopped)
    }

    /// The condition while a command is sent; who was told that it keeps failing is not told otherwise by one more try.
    private func sending(_ condition: Condition) -> Condition { tooManyAttempts ? .needsAttention : condition }

    /// The same for the reason of the look that is to prove it.
    func unlessRefusedBefore(_ reason: Reason) -> Reason {
        evidence.attempts > policy.attemptsBeforeAttention ? refusal : reason
    }

    var refusal: Reason { desired == .running ? .startRefused : .stopRefused }

    /// Often at first, then the sweep is enough.
    var nextPairingLook: Timestamp? {
        guard let since = evidence.readingSince, now - since < policy.pairingLookFor else { return nil }
        return (evidence.readAt ?? now) + policy.pairingLook
    }

    /// When a session that is down is looked at once more, because a start may bring it up yet: one that a stop overtook, or one
    /// without a clear answer; `nil` when there was no such start or the look was made.
    func undoneStopLook(readAt: Timestamp) -> Timestamp? {
        guard let last = evidence.lastCommand, mayBringUp(last) else { return nil }
        let again = (last.endedAt ?? last.sentAt) + policy.undoneStopLook
        return readAt < again ? again : nil
    }

    private func mayBringUp(_ last: CommandRecord) -> Bool {
        switch last.action {
        case .stop: evidence.lastStartSentAt.map { last.sentAt - $0 < policy.startingTimeout } ?? false
        case .start, .restart: last.verdict?.isUnclear ?? true
        }
    }
}
