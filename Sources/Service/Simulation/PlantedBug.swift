import Domain

/// A mistake that is put into a run, to prove that the run would find it.
///
/// Each goes in through a port, an injected value or an injected decision; the code that ships has no trace of it.
package enum PlantedBug: String, Sendable, CaseIterable {
    case acknowledgedEarly = "acknowledged-early"
    case unreplicatedCounts = "unreplicated-counts"
    case duplicatesCounted = "duplicates-counted"
    case arrivalIsIdentity = "arrival-is-identity"
    case lastPunchDropped = "last-punch-dropped"
    case arrivalIsWhen = "arrival-is-when"
    case standbyLags = "standby-lags"
    case rewritesHistory = "rewrites-history"
    case orderByArrival = "order-by-arrival"
    case versionsIgnored = "versions-ignored"
    case withdrawalUnheeded = "withdrawal-unheeded"
    case parkedForgotten = "parked-forgotten"
    case oldNewsCounts = "old-news-counts"
    case failedIsRestarted = "failed-is-restarted"
    case absenceStops = "absence-stops"
    case termNotRaised = "term-not-raised"
    case leaseStolen = "lease-stolen"
    case fenceDropped = "fence-dropped"
    case deadlineUnchecked = "deadline-unchecked"
    case leaseLeftBehind = "lease-left-behind"
    case intentNotWritten = "intent-not-written"
    case clientRetries = "client-retries"
    case staleFacts = "stale-facts"
    case takeoverActsAtOnce = "takeover-acts-at-once"
    case givesUpEarly = "gives-up-early"
    case unknownIsTrusted = "unknown-is-trusted"
    case guessedOutcome = "guessed-outcome"
    case departureDenied = "departure-denied"
    case gapMissing = "gap-missing"
    case stopLogsOut = "stop-logs-out"
    case convergedByClaim = "converged-by-claim"
    case unansweredIsProved = "unanswered-is-proved"
    case listAbsenceIsOff = "list-absence-is-off"
    case failedReadIsStopped = "failed-read-is-stopped"
    case hintBelieved = "hint-believed"
    case looksInvented = "looks-invented"
    case startsBlind = "starts-blind"
    case restartsBlind = "restarts-blind"
    case strangeWordIsStopped = "strange-word-is-stopped"
    case missingIsStarted = "missing-is-started"
    case failedIsStoppedAgain = "failed-is-stopped-again"
    case unscannedIsRestarted = "unscanned-is-restarted"
    case restartsUnbounded = "restarts-unbounded"
    case fallsUnbounded = "falls-unbounded"
    case stormUnnoticed = "storm-unnoticed"
    case budgetIgnored = "budget-ignored"
    case handoverForgotten = "handover-forgotten"
    case leavesUnseen = "leaves-unseen"
    case lanesUnbounded = "lanes-unbounded"
    case looksTwice = "looks-twice"
    case refusalIgnored = "refusal-ignored"
    case ageUnseen = "age-unseen"
    case sweepForgotten = "sweep-forgotten"
    case wakeLost = "wake-lost"
    case queueKept = "queue-kept"
    case restless = "restless"
    case givesUp = "gives-up"
    case stuckForever = "stuck-forever"
    case requestStops = "request-stops"
    case requestMarksStopped = "request-marks-stopped"
    case clockAhead = "clock-ahead"
    case unreplicatedActs = "unreplicated-acts"

    /// The invariant that has to catch it; others may, too.
    package var caughtBy: Invariant {
        switch self {
        case .acknowledgedEarly, .unreplicatedCounts, .lastPunchDropped: .acknowledgedIsInLedger
        case .duplicatesCounted, .arrivalIsIdentity: .eventOnce
        case .arrivalIsWhen: .ledgerSaysWhatWasSent
        case .standbyLags, .rewritesHistory: .ledgerOnlyGrows
        case .orderByArrival: .stateIsRefold
        case .versionsIgnored, .withdrawalUnheeded: .shiftAsTold
        case .parkedForgotten: .parkedTakesEffect
        case .oldNewsCounts: .oldNewsStartsNothing
        case .failedIsRestarted: .startOnlyWhenDesired
        case .absenceStops: .stopOnlyWhenUndesired
        case .termNotRaised: .termGrows
        case .leaseStolen: .leaseTakenOnlyWhenFree
        case .fenceDropped: .noWriteOfOldTerm
        case .deadlineUnchecked, .leaseLeftBehind: .commandUnderLease
        case .intentNotWritten, .unreplicatedActs: .intentBeforeCommand
        case .clientRetries: .oneCallPerIntent
        case .staleFacts: .generationOfIntent
        case .takeoverActsAtOnce: .oneIntentAtATime
        case .givesUpEarly: .oneCommandAtATime
        case .unknownIsTrusted: .unknownOutcomeIsRead
        case .guessedOutcome, .departureDenied: .outcomeIsTrue
        case .gapMissing: .gapKept
        case .stopLogsOut: .noLogout
        case .convergedByClaim, .unansweredIsProved: .convergedByRead
        case .listAbsenceIsOff, .failedReadIsStopped, .hintBelieved: .readingWasSaid
        case .looksInvented: .lookWasMade
        case .startsBlind: .startLooksFirst
        case .restartsBlind: .restartLooksFirst
        case .strangeWordIsStopped: .unknownWordNotActedOn
        case .missingIsStarted: .missingGetsNoCall
        case .failedIsStoppedAgain: .failedOffShiftStoppedOnce
        case .unscannedIsRestarted: .unscannedWaits
        case .restartsUnbounded: .restartsBounded
        case .fallsUnbounded: .fallsSpaced
        case .stormUnnoticed: .stormsSlowed
        case .budgetIgnored, .handoverForgotten, .leavesUnseen: .budgetKept
        case .lanesUnbounded: .concurrencyBounded
        case .looksTwice: .oneLookAtATime
        case .refusalIgnored: .refusedAccountPaused
        case .ageUnseen: .staleIsShown
        case .sweepForgotten: .sweepKeepsFresh
        case .wakeLost: .wokenInTime
        case .queueKept: .queueRestsEmpty
        case .restless: .steadyStateQuiet
        case .givesUp, .stuckForever: .convergesInTime
        case .requestStops: .requestsCallNoEngine
        case .requestMarksStopped: .requestsJudgeNothing
        case .clockAhead: .clockIsTheDatabases
        }
    }

    /// What is wrong, in one sentence.
    package var summary: String {
        switch self {
        case .acknowledgedEarly: "An event is answered with 2xx although nobody knows whether its commit happened."
        case .unreplicatedCounts: "An event is answered with 2xx although no standby is known to have it."
        case .duplicatesCounted: "The ledger takes a repeated event for another one."
        case .arrivalIsIdentity: "When an event arrives is part of its identity."
        case .lastPunchDropped: "The last punch of a record's report is not read."
        case .arrivalIsWhen: "An event counts from when it arrives, whenever it happened."
        case .standbyLags: "The database fails over to a standby that does not have the last commits."
        case .rewritesHistory: "An event that comes again is written over its row."
        case .orderByArrival: "The fold takes events in the order in which they came."
        case .versionsIgnored: "Of a record's reports the one that came last counts, whatever its version."
        case .withdrawalUnheeded: "That a record is withdrawn ends nothing."
        case .parkedForgotten: "A heartbeat does not say whose events of the future have come due."
        case .oldNewsCounts: "An unmatched event counts however old it is."
        case .failedIsRestarted: "A session that is FAILED is restarted, on shift or off."
        case .absenceStops: "A session that was not read, or is unknown to the engine, is stopped."
        case .termNotRaised: "Who takes over a lease keeps its term."
        case .leaseStolen: "A lease is taken four seconds before its holder's heartbeat runs out."
        case .fenceDropped: "A pass does not look at the lease's term."
        case .deadlineUnchecked: "A command is sent whatever its lease's deadline says."
        case .leaseLeftBehind: "A command that waits for a connection leaves whatever became of its lease meanwhile."
        case .intentNotWritten: "A command's intent is not in the transaction."
        case .clientRetries: "The engine's client repeats a command that went wrong by itself."
        case .staleFacts: "A pass decides on what was so before it had its locks."
        case .takeoverActsAtOnce: "A command of which nothing is known counts as never sent."
        case .givesUpEarly: "The engine's client gives up after 0.3 s and says that nothing left."
        case .unknownIsTrusted: "A command without an answer counts as done."
        case .guessedOutcome: "The engine's client turns a missing answer into a success."
        case .departureDenied: "The engine's client says of a command without an answer that it never left."
        case .gapMissing: "A start follows a stop at once."
        case .stopLogsOut: "Stop logs the session out."
        case .convergedByClaim: "What a command's answer claims counts as proved."
        case .unansweredIsProved: "What was read before counts as proved while nothing is known of a command."
        case .listAbsenceIsOff: "A session that a list leaves out counts as STOPPED."
        case .failedReadIsStopped: "A read that failed counts as STOPPED."
        case .hintBelieved: "What a webhook says counts as read."
        case .looksInvented: "A look is noted that nobody made."
        case .startsBlind: "A start trusts a read of any age."
        case .restartsBlind: "A restart trusts a read of any age."
        case .strangeWordIsStopped: "A status word nobody knows counts as STOPPED."
        case .missingIsStarted: "A session the engine does not know counts as STOPPED."
        case .failedIsStoppedAgain: "A session that is FAILED off shift is stopped with every look."
        case .unscannedIsRestarted: "That a session asked for a scan is forgotten once it fails."
        case .restartsUnbounded: "Restarts are neither counted nor spaced."
        case .fallsUnbounded: "A session that goes down again and again is started at once each time."
        case .stormUnnoticed: "A pass does not say which sessions want a restart."
        case .budgetIgnored: "The budget of calls is a hundred times what it should be."
        case .handoverForgotten: "Who takes an account over is told that nothing was asked of its engine lately."
        case .leavesUnseen: "A call counts as left while it still waits for a connection."
        case .lanesUnbounded: "More calls are made at a time than allowed."
        case .looksTwice: "A look is sent twice at a time."
        case .refusalIgnored: "A refused credential does not pause the account."
        case .ageUnseen: "The page shows what was read as current for a thousand times too long."
        case .sweepForgotten: "Instances are swept a third as often as they should be."
        case .wakeLost: "A heartbeat does not say what others put in line."
        case .queueKept: "What is done stays in line."
        case .restless: "A session that works for a while is started again."
        case .givesUp: "After three attempts nothing is tried any more."
        case .stuckForever: "A session may be STARTING for hours."
        case .requestStops: "A request with a clock-out stops the session itself."
        case .requestMarksStopped: "A request with a clock-out says that the session is stopped."
        case .clockAhead: "A heartbeat's answer is two seconds ahead of the database's clock."
        case .unreplicatedActs: "A command leaves although no standby is known to have its intent."
        }
    }
}

/// Values that are wrong.
extension PlantedBug {
    func spoil(_ policy: inout ReconcilePolicy) {
        switch self {
        case .oldNewsCounts: policy.unmatchedMaxAge = .seconds(10 * 366 * 86_400)
        case .gapMissing: policy.stopStartGap = .zero
        case .startsBlind: policy.startLookAfter = .seconds(86_400)
        case .restartsBlind: policy.restartLookAfter = .seconds(86_400)
        case .restartsUnbounded:
            policy.restartLimit = .max
            policy.restartSpacing = .zero
        case .fallsUnbounded: policy.fallLimit = .max
        case .stuckForever: policy.startingTimeout = .seconds(36_000)
        default: break
        }
    }

    func spoil(_ settings: inout AccountSettings) {
        if self == .budgetIgnored { settings.callsPerSecond *= 100 }
        if self == .lanesUnbounded { settings.concurrency *= 10 }
    }

    func spoil(_ sweep: inout SweepPolicy) {
        guard self == .sweepForgotten else { return }
        sweep = SweepPolicy(onShift: sweep.onShift * 3, offShift: sweep.offShift * 3)
    }

    /// The decision as this mistake makes it.
    var decider: Decider {
        { desired, evidence, isAccountRefused, policy, now in
            var (evidence, isAccountRefused) = (evidence, isAccountRefused)
            if let decision = self.decision(desired, evidence, now) { return decision }
            self.spoil(&evidence, desired)
            if self == .refusalIgnored { isAccountRefused = false }
            return decide(
                desired,
                evidence: evidence,
                isAccountRefused: isAccountRefused,
                policy: policy,
                now: now
            )
        }
    }

    private func decision(_ desired: DesiredState, _ evidence: Evidence, _ now: Timestamp) -> Decision? {
        let isFresh = evidence.readAt.map { read in evidence.lastCommand.map { read > $0.sentAt } ?? true } ?? false
        let isUnanswered = evidence.lastCommand.map { $0.verdict == nil } ?? false
        let isRunning = desired.run == .running
        switch self {
        case .failedIsRestarted where evidence.reading == .status(.failed) && isFresh:
            return Decision(.restart, .failedRestart, .drifted)
        case .absenceStops where evidence.reading == nil && evidence.lastCommand == nil:
            return Decision(.stop, .shouldStop, .stopping)
        case .convergedByClaim where evidence.lastCommand?.verdict == .ok && !isFresh:
            return Decision(nil, .working, .converged)
        case .unansweredIsProved where isUnanswered && evidence.reading == .status(isRunning ? .working : .stopped):
            return Decision(nil, isRunning ? .working : .stopped, .converged)
        case .failedIsStoppedAgain where desired.run == .stopped && evidence.reading == .status(.failed) && isFresh:
            return Decision(.stop, .shouldStop, .stopping)
        case .restless where desired.run == .running && evidence.reading == .status(.working) && isFresh:
            let since = evidence.readingSince ?? now
            let sent = evidence.lastCommand?.sentAt ?? since
            let again = max(since, sent) + .seconds(20)
            return again < now
                ? Decision(.start, .shouldRun, .starting)
                : Decision(nil, .working, .converged, lookAgainAt: again + .milliseconds(1))
        case .givesUp where evidence.attempts >= 3:
            return Decision(nil, .startRefused, .needsAttention)
        default: return nil
        }
    }

    private func spoil(_ evidence: inout Evidence, _ desired: DesiredState) {
        switch self {
        case .takeoverActsAtOnce where evidence.lastCommand?.endedAt == nil: evidence.lastCommand = nil
        case .unknownIsTrusted where evidence.lastCommand?.verdict == .ambiguous: evidence.lastCommand?.verdict = .ok
        case .strangeWordIsStopped:
            if case .status(.unknown) = evidence.reading { evidence.reading = .status(.stopped) }
        case .missingIsStarted where evidence.reading == .missing: evidence.reading = .status(.stopped)
        case .unscannedIsRestarted: evidence.pairingSince = nil
        default: break
        }
    }
}
