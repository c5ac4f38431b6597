import Domain

/// When an engine is asked although nothing is due, so that its silence is noticed; and when that silence is an outage.
///
/// Decides on what is known of an account's calls at one instant; pure.
struct StalestLook: Sendable, Hashable {
    /// A silence is an outage when a look that was made to find out has no answer for so long.
    static let outageAfter: Duration = .seconds(3)
    /// Where calls wait in line no look can be made, and a silence is an outage when it has lasted for so long: less than the 10 s
    /// within which it is to be noticed, and longer than an engine usually takes for a start.
    static let crowdedOutageAfter: Duration = .seconds(8)
    /// So many calls without an answer are a silence then, and not one that is slow.
    static let crowdedCalls = 2
    /// So many of these looks in a row that the engine fails to serve are an outage too: two sessions, and not one that is broken.
    static let failureLimit = 2
    /// How soon is thought again while something is under way or in line that will tell.
    static let shortPause: Duration = .milliseconds(250)
    /// How soon is thought again while there is nothing to ask, or nobody to.
    static let longPause: Duration = .seconds(1)

    /// Without a sign of life for so long the engine is asked, at most this often (``SweepPolicy/quiet``).
    var quietLimit = SweepPolicy().quiet
    /// Since when this replica acts for the account; `nil` while it does not, or the engine refuses its credential.
    var actingSince: Timestamp?
    var calls = EngineActivity.Calls()
    /// Calls that wait in line.
    var waiting = 0
    /// Nothing leaves since the engine asked for that, or since it is out.
    var isPaused = false
    /// The last look of this kind.
    var last: Probe.State?
    /// How many of these looks in a row the engine failed to serve, the last one among them.
    var failures = 0

    enum Step: Sendable, Hashable {
        /// Look at the stalest instance now.
        case look
        /// Think again then.
        case wait(until: Timestamp)
    }

    func step(now: Timestamp) -> Step {
        guard let actingSince else { return .wait(until: now + Self.longPause) }
        if let last, last.verdict == nil { return .wait(until: now + Self.shortPause) }
        var dueAt = max(calls.answeredAt ?? actingSince, actingSince) + quietLimit
        if let last { dueAt = max(dueAt, last.askedAt + quietLimit) }
        // What left a moment ago tells as much.
        if let askedAt = calls.askedAt { dueAt = max(dueAt, askedAt + EngineActivity.patience) }
        guard dueAt <= now else { return .wait(until: calls.unansweredSince == nil ? dueAt : now + Self.shortPause) }
        return waiting == 0 ? .look : .wait(until: now + Self.shortPause)
    }

    /// Whether the engine is out: nothing that it was asked has an answer, nor has a look at a session that was well; or calls
    /// wait in line behind others without an answer.
    func isOutage(now: Timestamp) -> Bool {
        guard actingSince != nil, let since = calls.unansweredSince, now - since >= Self.outageAfter
        else { return false }
        if isCrowdedOutage(silentFor: now - since) { return true }
        guard let last, let leftAt = last.leftAt, leftAt >= since else { return false }
        switch last.verdict {
        case nil: return now - leftAt >= Self.outageAfter
        case .unreachable, .ambiguous: return true
        case .transient: return failures >= Self.failureLimit
        case .ok, .already, .verify, .errorBody, .missing, .permanent, .auth, .notSent: return false
        }
    }

    /// Whether calls wait in line while all that left have no answer for longer than the engine may take for one.
    ///
    /// An engine that takes its time for starts can fill all lanes with them: so its silence must last twice as long as it lately
    /// took for an answer. The first such starts of a slow engine are taken for an outage at most until one of them is answered.
    private func isCrowdedOutage(silentFor: Duration) -> Bool {
        waiting > 0 && !isPaused && calls.unanswered >= Self.crowdedCalls
            && silentFor >= max(Self.crowdedOutageAfter, calls.slowestAnswer * 2)
    }
}
