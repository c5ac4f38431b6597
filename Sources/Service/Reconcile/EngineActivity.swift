import Domain
import Synchronization

/// Whether an engine answers what it is asked.
final class EngineActivity: Sendable {
    /// When the first call left that neither it nor any after it was answered; `nil` while the engine answers.
    private let unansweredSince = Mutex<Timestamp?>(nil)

    /// A call that has been under way for less says nothing.
    static let patience = Duration.milliseconds(1500)

    /// A call leaves.
    func asked(at now: Timestamp) {
        unansweredSince.withLock { $0 = $0 ?? now }
    }

    /// A call ended.
    ///
    /// Whatever the engine says is a sign of life, a refusal too; that it is busy or failing is none.
    func took(_ verdict: EngineVerdict) {
        switch verdict {
        case .ok, .already, .verify, .errorBody, .missing, .permanent, .auth: unansweredSince.withLock { $0 = nil }
        case .transient, .unreachable, .ambiguous: break
        case .notSent: break
        }
    }

    /// Since when the engine has not answered; `nil` while it does, or nobody has waited long.
    func silentSince(now: Timestamp) -> Timestamp? {
        unansweredSince.withLock { $0.flatMap { now - $0 >= Self.patience ? $0 : nil } }
    }
}
