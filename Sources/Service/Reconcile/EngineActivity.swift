import Domain
import Synchronization

/// Whether an engine answers what it is asked.
final class EngineActivity: Sendable {
    /// What is known of an account's calls.
    struct Calls: Sendable, Hashable {
        /// When the first call left that neither it nor any after it was answered; `nil` while the engine answers.
        var unansweredSince: Timestamp?
        /// When the last call left.
        var askedAt: Timestamp?
        /// When the engine last gave a sign of life.
        var answeredAt: Timestamp?
        /// Calls that have left and have not ended.
        var underWay = 0
        /// Calls that ended since the engine's last sign of life, and brought nothing from it: nobody there, or out of time.
        var unheard = 0
        /// When a call last had no answer or failed; `nil` when none did since the last sign of life.
        var failedAt: Timestamp?
        /// The longest that the engine lately took for an answer.
        var slowestAnswer: Duration = .zero
        /// When that answer came.
        var slowestAt: Timestamp?
        /// When it was noticed that the engine refuses the credential; `nil` when it was not, or is over.
        var refusedAt: Timestamp?
        /// What is told of the engine as an outage.
        var outage = OutageWatch()
        /// Whether its answers to looks prove anything.
        var refusedReads = RefusedReads()

        /// Calls to which the engine has said nothing.
        var unanswered: Int { underWay + unheard }
    }

    private let state = Mutex(Calls())

    /// How long an answer that took its time is remembered.
    private static let slownessMemory: Duration = .seconds(600)

    /// For how long a failure counts beside answers that prove nothing.
    private static let failureMemory: Duration = .seconds(60)

    /// A call that has been under way for less says nothing.
    static let patience = Duration.milliseconds(1500)

    var calls: Calls { state.withLock { $0 } }

    /// Forgets what was asked before: whoever acted for the account meanwhile knows better.
    ///
    /// What is under way still is so.
    func begin() {
        state.withLock { $0 = Calls(underWay: $0.underWay) }
    }

    /// A call leaves.
    func asked(at now: Timestamp) {
        state.withLock { calls in
            calls.unansweredSince = calls.unansweredSince ?? now
            calls.askedAt = now
            calls.underWay += 1
        }
    }

    /// A call ended.
    ///
    /// An answer to a read that proves nothing is no sign of life (``isSignOfLife(_:ofRead:)``). But it is no silence either, so
    /// it ends one, unless other calls failed lately, as behind a gateway that now refuses and now has nobody to ask.
    ///
    /// `askedAt`: when it left, of each once for which ``asked(at:)`` was said; `nil` for another.
    func took(_ verdict: EngineVerdict, askedAt: Timestamp?, at now: Timestamp, isRead: Bool = false) {
        state.withLock { calls in
            if askedAt != nil { calls.underWay -= 1 }
            // Nothing was asked; where nothing else is, there is no silence.
            if verdict == .notSent, askedAt != nil, calls.underWay == 0, calls.unheard == 0 {
                calls.unansweredSince = nil
            }
            guard Self.isSignOfLife(verdict, ofRead: isRead) else {
                if askedAt != nil, verdict == .unreachable || verdict == .ambiguous { calls.unheard += 1 }
                if !verdict.provesNothingWhenRead {
                    if verdict != .notSent { calls.failedAt = now }
                } else if calls.failedAt.map({ now - $0 >= Self.failureMemory }) ?? true {
                    calls.unansweredSince = nil
                    calls.unheard = 0
                }
                return
            }
            calls.unansweredSince = nil
            calls.unheard = 0
            calls.failedAt = nil
            calls.answeredAt = now
            guard let askedAt else { return }
            let isForgotten = calls.slowestAt.map { now - $0 >= Self.slownessMemory } ?? true
            if isForgotten || now - askedAt >= calls.slowestAnswer {
                calls.slowestAnswer = now - askedAt
                calls.slowestAt = now
            }
        }
    }

    /// The engine refuses the credential.
    func refused(at now: Timestamp) { state.withLock { $0.refusedAt = now } }

    /// Whether a success of a call says that the credential counts again; one that left before it was refused says nothing.
    ///
    /// `askedAt`: when it left; `nil` where nobody knows.
    func endsRefusal(askedAt: Timestamp?) -> Bool {
        state.withLock { calls in
            if let refusedAt = calls.refusedAt, let askedAt, askedAt < refusedAt { return false }
            calls.refusedAt = nil
            return true
        }
    }

    /// Nothing is answered any more.
    func broke(at now: Timestamp) { state.withLock { $0.outage.broke(at: now) } }

    /// Whether an answer ends an outage.
    ///
    /// `calm`: for how long an outage that came back has to be away.
    func endsOutage(at now: Timestamp, calm: Duration) -> Bool {
        state.withLock { $0.outage.ends(at: now, calm: calm) }
    }

    /// A look ended that proves nothing; whether looks are answered and none does by now (``RefusedReads``).
    func looked(_ verdict: EngineVerdict, at instance: Int64, now: Timestamp, patience: Duration) -> Bool {
        state.withLock { $0.refusedReads.take(verdict, of: instance, at: now, patience: patience) }
    }

    /// Something was read of a session.
    func proved() { state.withLock { $0.refusedReads = RefusedReads() } }

    /// Whatever the engine says is a sign of life, a command's refusal too; that it is busy or failing is none.
    ///
    /// Of a read only what proves something of a session is, and that the credential is refused: any other answer may be that of
    /// whatever stands before the engine. A command's means that it was understood, and some such answers that it is done.
    static func isSignOfLife(_ verdict: EngineVerdict, ofRead isRead: Bool = false) -> Bool {
        if isRead, verdict.provesNothingWhenRead { return false }
        return switch verdict {
        case .ok, .already, .verify, .errorBody, .missing, .permanent, .auth: true
        case .transient, .unreachable, .ambiguous, .notSent: false
        }
    }

    /// Since when the engine has not answered; `nil` while it does, or nobody has waited long.
    func silentSince(now: Timestamp) -> Timestamp? {
        state.withLock { $0.unansweredSince.flatMap { now - $0 >= Self.patience ? $0 : nil } }
    }
}
