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
        /// When the engine last said anything.
        var answeredAt: Timestamp?
    }

    private let state = Mutex(Calls())

    /// A call that has been under way for less says nothing.
    static let patience = Duration.milliseconds(1500)

    var calls: Calls { state.withLock { $0 } }

    /// Forgets what was asked before: whoever acted for the account meanwhile knows better.
    func begin() {
        state.withLock { $0 = Calls() }
    }

    /// A call leaves.
    func asked(at now: Timestamp) {
        state.withLock { calls in
            calls.unansweredSince = calls.unansweredSince ?? now
            calls.askedAt = now
        }
    }

    /// A call ended.
    func took(_ verdict: EngineVerdict, at now: Timestamp) {
        guard Self.isSignOfLife(verdict) else { return }
        state.withLock { calls in
            calls.unansweredSince = nil
            calls.answeredAt = now
        }
    }

    /// Whatever the engine says is a sign of life, a refusal too; that it is busy or failing is none.
    static func isSignOfLife(_ verdict: EngineVerdict) -> Bool {
        switch verdict {
        case .ok, .already, .verify, .errorBody, .missing, .permanent, .auth: true
        case .transient, .unreachable, .ambiguous, .notSent: false
        }
    }

    /// Since when the engine has not answered; `nil` while it does, or nobody has waited long.
    func silentSince(now: Timestamp) -> Timestamp? {
        state.withLock { $0.unansweredSince.flatMap { now - $0 >= Self.patience ? $0 : nil } }
    }
}
