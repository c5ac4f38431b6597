/// A rule that holds in every run, whatever breaks.
///
/// It is checked at every step; once a second where time alone can break it, or where it is about rows that are there already; and
/// at rest where it says so.
///
/// Each is judged by what the outside saw: the engine's log of calls, the ledger and the rows committed with it, the
/// answers given. Never by what a reconciler has in memory.
package enum Invariant: String, Sendable, CaseIterable {
    case acknowledgedIsInLedger = "acknowledged-is-in-ledger"
    case eventOnce = "event-once"
    case ledgerSaysWhatWasSent = "ledger-says-what-was-sent"
    case ledgerOnlyGrows = "ledger-only-grows"
    case stateIsRefold = "state-is-refold"
    case shiftAsTold = "shift-as-told"
    case parkedTakesEffect = "parked-takes-effect"
    case oldNewsStartsNothing = "old-news-starts-nothing"
    case startOnlyWhenDesired = "start-only-when-desired"
    case stopOnlyWhenUndesired = "stop-only-when-undesired"
    case termGrows = "term-grows"
    case leaseTakenOnlyWhenFree = "lease-taken-only-when-free"
    case noWriteOfOldTerm = "no-write-of-old-term"
    case commandUnderLease = "command-under-lease"
    case intentBeforeCommand = "intent-before-command"
    case oneCallPerIntent = "one-call-per-intent"
    case generationOfIntent = "generation-of-intent"
    case oneIntentAtATime = "one-intent-at-a-time"
    case oneCommandAtATime = "one-command-at-a-time"
    case unknownOutcomeIsRead = "unknown-outcome-is-read"
    case outcomeIsTrue = "outcome-is-true"
    case gapKept = "gap-kept"
    case noLogout = "no-logout"
    case convergedByRead = "converged-by-read"
    case readingWasSaid = "reading-was-said"
    case lookWasMade = "look-was-made"
    case startLooksFirst = "start-looks-first"
    case restartLooksFirst = "restart-looks-first"
    case unknownWordNotActedOn = "unknown-word-not-acted-on"
    case missingGetsNoCall = "missing-gets-no-call"
    case failedOffShiftStoppedOnce = "failed-off-shift-stopped-once"
    case unscannedWaits = "unscanned-waits"
    case restartsBounded = "restarts-bounded"
    case fallsSpaced = "falls-spaced"
    case stormsSlowed = "storms-slowed"
    case budgetKept = "budget-kept"
    case concurrencyBounded = "concurrency-bounded"
    case oneLookAtATime = "one-look-at-a-time"
    case refusedAccountPaused = "refused-account-paused"
    case staleIsShown = "stale-is-shown"
    case sweepKeepsFresh = "sweep-keeps-fresh"
    case wokenInTime = "woken-in-time"
    case queueRestsEmpty = "queue-rests-empty"
    case steadyStateQuiet = "steady-state-quiet"
    case convergesInTime = "converges-in-time"
    case requestsCallNoEngine = "requests-call-no-engine"
    case requestsJudgeNothing = "requests-judge-nothing"
    case clockIsTheDatabases = "clock-is-the-databases"

    /// What it demands, in one sentence.
    package var summary: String {
        switch self {
        case .acknowledgedIsInLedger: "All that is said in a request answered with 2xx is in the ledger."
        case .eventOnce: "No event is in the ledger twice, however often and through whomever it came."
        case .ledgerSaysWhatWasSent: "A row of the ledger says what its sender said: who, what, when."
        case .ledgerOnlyGrows: "No row of the ledger ever changes or goes, a failover included."
        case .stateIsRefold: "An agent's state is what folding the whole ledger gives, whatever came when."
        case .shiftAsTold: "An agent is where the ledger says, worked out anew without the code that serves."
        case .parkedTakesEffect:
            "Once nothing has broken for 15 s, an event of the future takes effect within 10 s of its time."
        case .oldNewsStartsNothing: "No unmatched event older than the limit brings anybody on shift."
        case .startOnlyWhenDesired: "A start or restart is intended only while ledger and holds say running."
        case .stopOnlyWhenUndesired: "A stop is intended only while they say stopped: absence stops nothing."
        case .termGrows: "A lease's term grows by one with every new holder and changes for nothing else."
        case .leaseTakenOnlyWhenFree: "A lease is taken only after its holder's heartbeat ran out or was given up."
        case .noWriteOfOldTerm: "No pass commits, and no append intends, under another term than the lease's."
        case .commandUnderLease: "A command leaves only while its replica holds the lease by the database's clock."
        case .intentBeforeCommand: "Every command has an intent that was committed before it left."
        case .oneCallPerIntent: "No intent leads to two commands."
        case .generationOfIntent: "An intent carries its agent's generation at the commit."
        case .oneIntentAtATime: "No intent follows one without outcome that is younger than time-out and gap."
        case .oneCommandAtATime: "No command leaves for an instance while another may still be under way."
        case .unknownOutcomeIsRead: "After a command without a clear answer the next one follows a read."
        case .outcomeIsTrue: "The outcome recorded of a command is what the engine answered."
        case .gapKept: "3 s lie between the end of a stop and the next start or restart."
        case .noLogout: "Nothing but info, list, start, stop and restart reaches the engine."
        case .convergedByRead: "Converged rests on a read at least 1 s after the last command."
        case .readingWasSaid: "What is stored as read is what the engine answered to a read sent then."
        case .lookWasMade: "A look that is noted was made and succeeded."
        case .startLooksFirst: "A start follows a read of STOPPED that is recent and younger than the last command."
        case .restartLooksFirst: "A restart follows such a read of FAILED or STARTING."
        case .unknownWordNotActedOn: "A status word nobody knows leads to no command."
        case .missingGetsNoCall: "A session the engine does not know gets no command."
        case .failedOffShiftStoppedOnce: "A session that is FAILED off shift gets one stop."
        case .unscannedWaits: "A session that is FAILED since nobody scanned its codes is restarted once a person asks."
        case .restartsBounded:
            "Restarts of an instance keep to their number per window and to their spacing, but for what a person asks."
        case .fallsSpaced: "Commands to a session that turns by itself again and again keep their growing distance."
        case .stormsSlowed:
            "Many that fail alike are restarted one at a time, and twice as many after each that helped."
        case .budgetKept: "No second holds more calls of an account than its budget, as they leave or as they arrive."
        case .concurrencyBounded: "A replica has no more calls of an account under way than it may."
        case .oneLookAtATime: "A replica has one look at an instance under way."
        case .refusedAccountPaused: "A replica that was answered 401 intends and sends nothing until a call succeeds."
        case .staleIsShown: "Nothing is shown as current that the engine did not say within three intervals."
        case .sweepKeepsFresh: "At rest every instance is read within two of its intervals."
        case .wokenInTime: "At rest an event taken by any replica leads to its command within 5 s."
        case .queueRestsEmpty: "At rest nothing lies in line overdue."
        case .steadyStateQuiet: "At rest no command leaves."
        case .convergesInTime: "Once nothing breaks any more every session is as desired within the bound."
        case .requestsCallNoEngine: "No request asks the engine anything: what it wants done is done by whoever acts."
        case .requestsJudgeNothing: "No request changes what is known of a session or of a command."
        case .clockIsTheDatabases: "Whatever is written goes by a clock that is within 0.3 s of the database's."
        }
    }
}

/// An invariant that did not hold.
package struct Violation: Sendable, Hashable {
    package var invariant: Invariant
    /// Microseconds of simulated time.
    package var at: Int64
    package var detail: String
}
