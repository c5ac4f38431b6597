/// How an instance stands, in one word.
package enum Condition: String, Sendable, Hashable, CaseIterable {
    case converged
    case starting
    case stopping
    case drifted
    case needsPairing = "needs_pairing"
    case needsAttention = "needs_attention"
    case held
    case unknown
    case unassigned

    /// Whether it lists among the exceptions (`observed_states.attention`).
    ///
    /// What comes and goes with every shift change does not, so that such changes touch no index.
    package var isException: Bool {
        switch self {
        case .converged, .starting, .stopping, .unassigned: false
        case .drifted, .needsPairing, .needsAttention, .held, .unknown: true
        }
    }
}

/// Why a decision is what it is.
///
/// The same word is the column, the metric label, the log value and the key of the sentence on the
/// page, so a case is renamed nowhere or everywhere.
package enum Reason: String, Sendable, Hashable, CaseIterable {
    case working
    case stopped
    case failedCountsAsStopped = "failed_counts_as_stopped"
    case missingOffShift = "missing_off_shift"
    case shouldRun = "should_run"
    case shouldStop = "should_stop"
    case startSent = "start_sent"
    case stopSent = "stop_sent"
    case restartSent = "restart_sent"
    case booting
    case stopGap = "stop_gap"
    case outcomeUnknown = "outcome_unknown"
    case lookFirst = "look_first"
    case neverRead = "never_read"
    case confirmingDrift = "confirming_drift"
    case wentDown = "went_down"
    case cameUp = "came_up"
    case retryLater = "retry_later"
    case startRefused = "start_refused"
    case stopRefused = "stop_refused"
    case failedRestart = "failed_restart"
    case stuckRestart = "stuck_restart"
    case restartSpacing = "restart_spacing"
    case restartBudgetUsed = "restart_budget_used"
    case pairingRequired = "pairing_required"
    case sessionMissing = "session_missing"
    case unknownWord = "unknown_word"
    case accountRefused = "account_refused"
    case rebootAsked = "reboot_asked"
    /// A list brought a session that runs, and nobody ever said anything of its agent.
    case listedOnly = "listed_only"
    /// It goes down by itself again and again.
    case keepsFalling = "keeps_falling"
    /// It comes up by itself again and again although it should be stopped: something else starts it.
    case keepsComingUp = "keeps_coming_up"
    /// Many sessions of the account want a restart at the same time.
    case failingAlike = "failing_alike"
    /// The engine says that it works, and the evidence speaks against it.
    case suspect
    /// Laid over at read time: the last proof is too old to be believed.
    case stale
    case noInstance = "no_instance"

    /// Whether a look stands between what is desired and the command that brings it about.
    package var isBeforeCommand: Bool { [.lookFirst, .retryLater, .outcomeUnknown].contains(self) }

    /// The sentence for people, in English.
    ///
    /// It speaks of the session alone: a hold or a break may ask for the same as the shift, and the rule has a sentence of its own.
    package var sentence: String {
        switch self {
        case .working: "The session is running, as it should."
        case .stopped: "The session is stopped, as it should be."
        case .failedCountsAsStopped: "The session should be stopped and has failed, so it counts as stopped."
        case .missingOffShift:
            "The engine does not know this session, which should be stopped anyway, so nothing is done."
        case .shouldRun: "The session should run and does not, so it is being started."
        case .shouldStop: "The session should be stopped and is not, so it is being stopped."
        case .startSent: "The engine was told to start the session; it counts once it is seen running."
        case .stopSent: "The engine was told to stop the session; it counts once it is seen stopped."
        case .restartSent: "The engine was told to restart the session; it counts once it is seen running."
        case .booting: "The session is booting."
        case .stopGap: "The session was just stopped; the engine needs a pause before it may start again."
        case .outcomeUnknown: "The outcome of the last command is not known yet; the next look at the session tells."
        case .lookFirst: "The session is looked at before anything is done."
        case .neverRead: "The session has not been looked at yet."
        case .confirmingDrift: "The session no longer seems to run; it is looked at again before anything is done."
        case .wentDown: "The session went down by itself, so it is being started."
        case .cameUp: "The session came up by itself and should be stopped, so it is being stopped."
        case .retryLater: "The last try did not work; it will be tried again."
        case .startRefused: "The engine keeps refusing to start the session; somebody should look at it."
        case .stopRefused: "The engine keeps refusing to stop the session; somebody should look at it."
        case .failedRestart: "The session has failed, so it is being restarted."
        case .stuckRestart: "The session has been booting for too long, so it is being restarted."
        case .restartSpacing: "The session has failed again; the next restart waits a while."
        case .restartBudgetUsed: "The session keeps failing after restarts; somebody should look at it."
        case .pairingRequired: "The session has no phone linked: the agent must scan the code."
        case .sessionMissing: "The engine does not know this session; somebody should check the mapping."
        case .unknownWord: "The engine reports a state that Rollcall does not know, so nothing is done."
        case .accountRefused: "The engine refuses the account's credential; nothing can be done until that is mended."
        case .rebootAsked: "Somebody asked for a clean reboot: stop, pause, start."
        case .listedOnly:
            "A list brought this session, which runs, and nobody ever said that its agent is off, so it is not stopped yet."
        case .keepsFalling: "The session goes down by itself again and again; the next start waits a while."
        case .keepsComingUp:
            "Something else starts the session again and again although it should be stopped; the next stop waits a while."
        case .failingAlike:
            "Many sessions of this engine account fail alike, so restarts go one by one until one helps."
        case .suspect: "The engine says that the session works but names no account for it: it may be dead."
        case .stale: "The last look at the session is too old to be believed."
        case .noInstance: "No session is mapped to this agent."
        }
    }
    /// The sentence for people, in English, of a command that was sent for this reason.
    ///
    /// In the past, since what it was sent for may be long over; any other reason, of an older release, as it is.
    package var commandSentence: String {
        switch self {
        case .shouldRun: "The session had to run."
        case .shouldStop: "The session had to stop."
        case .wentDown: "The session had gone down by itself."
        case .cameUp: "The session had come up by itself and should have been stopped."
        case .failedRestart: "The session had failed."
        case .stuckRestart: "The session had been booting for too long."
        case .rebootAsked: "Somebody had asked for a clean reboot."
        case .working, .stopped, .failedCountsAsStopped, .missingOffShift, .startSent, .stopSent, .restartSent,
            .booting, .stopGap, .outcomeUnknown, .lookFirst, .neverRead, .confirmingDrift, .retryLater, .startRefused,
            .stopRefused, .restartSpacing, .restartBudgetUsed, .pairingRequired, .sessionMissing, .unknownWord,
            .accountRefused, .listedOnly, .keepsFalling, .keepsComingUp, .failingAlike, .suspect, .stale, .noInstance:
            sentence
        }
    }
}
