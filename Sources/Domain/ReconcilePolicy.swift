/// What the decision is told by settings, and every limit that it knows.
package struct ReconcilePolicy: Sendable, Hashable {
    /// Between the end of a stop and the next start or restart.
    ///
    /// Source: Wawp, "Stop Session"; WAHA sleeps 3 s after every stop.
    package var stopStartGap: Duration = .seconds(3)
    /// STARTING for longer is stuck.
    ///
    /// Source: Wawp, lifecycle overview.
    package var startingTimeout: Duration = .seconds(60)
    /// A WORKING session that reads otherwise is read again after this before it counts as drift.
    ///
    /// It flashes STOPPED or STARTING for up to 15 s. Source: WAHA issue 2073.
    package var confirmAfter: Duration = .seconds(15)
    /// A start needs no read before it when STOPPED was read this recently; see ``startLookAge``.
    package var startLookAfter: Duration = .seconds(300)
    /// A restart needs a read of what is to be mended that is this recent, beside ``callTimeout``, which a read may take: a
    /// session that has come up since would lose its link.
    package var restartLookAfter: Duration = .seconds(15)
    /// Restarts within ``restartWindow`` before a person is needed.
    package var restartLimit: Int = 2
    /// The span within which restarts and falls are counted.
    package var restartWindow: Duration = .seconds(1800)
    /// The least time between two restarts.
    package var restartSpacing: Duration = .seconds(120)
    /// Starts of a session that went down by itself, or stops of one that came up so, within ``restartWindow``, before the next
    /// one waits; a mended fault needs one, and who has fallen three times is likely to fall again.
    package var fallLimit: Int = 3
    /// The first of those waits; each next is twice as long, up to ``longestRetry``.
    package var firstFallDelay: Duration = .seconds(30)
    /// How often is looked at a session whose restart waits because many of the account fail alike.
    package var alikeLook: Duration = .seconds(30)
    /// For how long only few may fail alike before that is over.
    package var alikeCalm: Duration = RestartGate.usualCalm
    /// For how long looks of an account are answered and none proves anything before somebody is told; see `RefusedReads`.
    package var refusedReadsAfter: Duration = .seconds(30)
    /// How long a call may take; an outcome not known by then is unknown.
    package var callTimeout: Duration = .seconds(30)
    /// A reply is a claim; the read that proves it comes no sooner than this after it.
    package var confirmationDelay: Duration = .seconds(1)
    /// The first wait before a command is tried again; each next is twice as long.
    package var firstRetry: Duration = .seconds(5)
    /// The longest of those waits, and of those after a fall.
    package var longestRetry: Duration = .seconds(300)
    /// By how many attempts the wait is longer after a refusal that the same command will meet again.
    package var attemptsSparedWhenRefused: Int = 2
    /// Commands without success before a person is told; retries go on at the longest wait.
    package var attemptsBeforeAttention: Int = 5
    /// The shortest wait between two looks at a session that boots; it grows with the time that the boot takes.
    package var firstBootLook: Duration = .seconds(1)
    /// The longest of those waits.
    package var slowestBootLook: Duration = .seconds(5)
    /// How often a session that waits for a scan is looked at.
    ///
    /// Source: Wawp, info.
    package var pairingLook: Duration = .seconds(5)
    /// For how long it is looked at so often; later only the sweep does.
    package var pairingLookFor: Duration = .seconds(600)
    /// A stop sent while a start was running can be undone by it; so it is looked at once more after this.
    package var undoneStopLook: Duration = .seconds(10)
    /// What a break does where nothing is in force yet.
    package var breakAction: BreakAction = .keep
    /// No start follows from an unmatched event that happened longer ago.
    package var unmatchedMaxAge: Duration = .seconds(86_400)

    package init() {}

    /// How old a read may be that a start follows: ``startLookAfter``, and never less than a read may take, or no read of the
    /// start's own would do.
    package var startLookAge: Duration { max(startLookAfter, callTimeout) }

    /// The least time between the last start after a fall and the next, with so many within the window.
    package func fallDelay(afterFalls falls: Int) -> Duration {
        guard falls >= fallLimit else { return .zero }
        return min(firstFallDelay * (1 << min(falls - fallLimit, 16)), longestRetry)
    }

    /// The wait before a read is tried again where reads have failed for so long: half of that, so that it grows with it.
    package func readRetryDelay(failingFor time: Duration) -> Duration {
        min(max(firstRetry, time / 2), longestRetry)
    }

    /// The wait before attempt number `attempts + 1`, doubling from ``firstRetry``.
    package func retryDelay(afterAttempts attempts: Int) -> Duration {
        let doublings = min(max(attempts - 1, 0), 16)
        return min(firstRetry * (1 << doublings), longestRetry)
    }
}
