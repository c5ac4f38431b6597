/// What to do about one instance, why, and when to think again.
package struct Decision: Sendable, Hashable {
    /// The command to send; `nil` for none.
    package var action: Action?
    package var reason: Reason
    package var condition: Condition
    /// When to decide again, after a look where the decision then asks for one; `nil` when the sweep is enough.
    package var lookAgainAt: Timestamp?
    package init(
        _ action: Action?,
        _ reason: Reason,
        _ condition: Condition,
        lookAgainAt: Timestamp? = nil
    ) {
        self.action = action
        self.reason = reason
        self.condition = condition
        self.lookAgainAt = lookAgainAt
    }

    /// Whether only a fresh read can tell what to do, and it is due.
    package func wantsLook(at now: Timestamp) -> Bool {
        guard action == nil, let lookAgainAt else { return false }
        return lookAgainAt <= now
    }
}

/// Decides the next step that moves an instance towards its desired state.
///
/// Pure and total: every combination of arguments has an answer. Once desired and proved state agree
/// there is no action, so in steady state no call that changes anything is made.
///
/// - Parameters:
///   - desired: what the rules ask for.
///   - evidence: what reads proved and commands claimed; no time in it lies after `now`.
///   - isAccountRefused: the engine answers 401 for the whole account.
///   - policy: the limits.
///   - now: the database's clock.
/// - Returns: at most one command, with the reason that names the situation.
package func decide(
    _ desired: DesiredState,
    evidence: Evidence,
    isAccountRefused: Bool,
    policy: ReconcilePolicy,
    now: Timestamp
) -> Decision {
    // It stays in line, so that it keeps its place; when the account is accepted again the line is gone over at once.
    if isAccountRefused {
        return Decision(nil, .accountRefused, .needsAttention, lookAgainAt: now + policy.longestRetry)
    }
    let situation = Situation(desired: desired.run, evidence: evidence, policy: policy, now: now)
    var decision = situation.pending() ?? situation.settled()
    if decision.condition == .converged, desired.rule == .hold { decision.condition = .held }
    return decision
}

/// The arguments of ``decide(_:evidence:isAccountRefused:policy:now:)`` and the questions asked of them.
struct Situation {
    let desired: RunState
    let evidence: Evidence
    let policy: ReconcilePolicy
    let now: Timestamp

    /// What is decided while the last command is not proved yet; `nil` once a later read has settled it.
    func pending() -> Decision? {
        guard let command = evidence.lastCommand else { return nil }
        guard let endedAt = command.endedAt, let verdict = command.verdict else { return unanswered(command) }
        let provedFrom = endedAt + policy.confirmationDelay
        if let readAt = evidence.readAt, readAt >= provedFrom { return nil }
        switch verdict {
        case .ok, .already, .verify:
            return claimed(command, provedFrom: provedFrom)
        case .ambiguous, .errorBody, .missing:
            return look(.outcomeUnknown, at: provedFrom)
        case .notSent:
            // It replaced the record of the command before it, which no read may have proved yet.
            return look(.lookFirst, at: provedFrom)
        case .transient, .unreachable, .permanent, .auth:
            // What is desired has turned since: nothing of that command is tried again, so nothing waits for it.
            if (command.action == .stop) != (desired == .stopped) { return look(.lookFirst, at: provedFrom) }
            return look(tooManyAttempts ? refusal : .retryLater, at: endedAt + retryDelay)
        }
    }

    /// Nothing is known of the command: while a predecessor may still send it, reads only.
    private func unanswered(_ command: CommandRecord) -> Decision {
        let over = command.sentAt + command.action.longest(callTimeout: policy.callTimeout) + policy.stopStartGap
        if let readAt = evidence.readAt, readAt >= over { return settled() }
        return look(.outcomeUnknown, at: over)
    }

    /// The engine claims to have done it.
    ///
    /// A clock event the other way acts at once; else a read must prove it.
    private func claimed(_ command: CommandRecord, provedFrom: Timestamp) -> Decision {
        switch (command.action, desired) {
        case (.start, .stopped), (.restart, .stopped):
            Decision(.stop, .shouldStop, .stopping)
        case (.start, .running):
            look(unlessRefusedBefore(.startSent), at: provedFrom)
        case (.restart, .running):
            look(unlessRefusedBefore(.restartSent), at: provedFrom)
        case (.stop, .stopped):
            look(unlessRefusedBefore(.stopSent), at: provedFrom)
        case (.stop, .running):
            look(.stopGap, at: provedFrom)
        }
    }

    /// What is decided on a read that nothing has overtaken.
    func settled() -> Decision {
        guard let reading = evidence.reading, let readAt = evidence.readAt else {
            return Decision(nil, .neverRead, .unknown, lookAgainAt: now)
        }
        switch desired {
        case .running: return shouldRun(reading, readAt: readAt)
        case .stopped: return shouldStop(reading, readAt: readAt)
        }
    }

    private func shouldRun(_ reading: SessionReading, readAt: Timestamp) -> Decision {
        switch reading {
        case .missing:
            Decision(nil, .sessionMissing, .needsAttention)
        case .status(.unknown):
            Decision(nil, .unknownWord, .unknown)
        case .status(.scanQRCode):
            Decision(nil, .pairingRequired, .needsPairing, lookAgainAt: nextPairingLook)
        case .status(.working):
            evidence.rebootAskedAt == nil ? Decision(nil, .working, .converged) : stop(.rebootAsked)
        case .status(.suspect):
            suspect(readAt: readAt)
        case .status(.starting):
            boot(readAt: readAt)
        case .status(.failed) where evidence.rebootAskedAt != nil:
            reboot(readAt: readAt)
        case .status(.failed) where evidence.waitsForPairing:
            // The next codes end as these did unless somebody is there, so it boots again once a person asks.
            // Source: WAHA's docs, "Sessions": a code lasts 60 s, five more 20 s each, then it is FAILED.
            Decision(nil, .pairingRequired, .needsPairing)
        case .status(.failed):
            unconfirmed(readAt: readAt) ?? restart(.failedRestart, readAt: readAt)
        case .status(.stopped):
            unconfirmed(readAt: readAt) ?? start(readAt: readAt)
        }
    }

    /// A session that failed, and that a person wants to be rebooted: it is stopped, and where the engine leaves it FAILED it is
    /// restarted, whatever budget that has left.
    ///
    /// Source: WAHA issue 2231: a start is refused while it is FAILED.
    private func reboot(readAt: Timestamp) -> Decision {
        guard hasSentStop else { return stop(.rebootAsked) }
        var decision = restart(.failedRestart, readAt: readAt, isAsked: true)
        // Whoever asked waits for the session, or for a code, and with this it comes.
        if decision.condition == .drifted { decision.condition = .starting }
        return decision
    }

    /// Whether the last command is a stop that the engine heard, as far as anybody can tell; what it answers with an error of its
    /// own again and again counts as heard after a few.
    private var hasSentStop: Bool {
        guard let last = evidence.lastCommand, last.action == .stop else { return false }
        return switch last.verdict {
        case .notSent, .unreachable, .auth: false
        case .transient: tooManyAttempts
        case nil, .ok, .already, .verify, .ambiguous, .errorBody, .missing, .permanent: true
        }
    }

    private func shouldStop(_ reading: SessionReading, readAt: Timestamp) -> Decision {
        switch reading {
        case .missing:
            Decision(nil, .missingOffShift, .converged)
        case .status(.unknown):
            Decision(nil, .unknownWord, .unknown)
        case .status(.stopped):
            Decision(nil, .stopped, .converged, lookAgainAt: undoneStopLook(readAt: readAt))
        case .status(.failed) where hasSentStop:
            Decision(nil, .failedCountsAsStopped, .converged)
        case .status(.failed):
            stop(.shouldStop)
        case .status(.starting), .status(.scanQRCode), .status(.working), .status(.suspect):
            stop(evidence.lastCommand?.action == .stop ? .cameUp : .shouldStop)
        }
    }
}
