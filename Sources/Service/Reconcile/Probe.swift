import Domain
import Synchronization

/// A look that is made to find out whether the engine answers at all: when it left, and what came of it.
final class Probe: Sendable {
    struct State: Sendable, Hashable {
        /// When it was put in line.
        var askedAt: Timestamp
        /// When the call left; `nil` while it waits.
        var leftAt: Timestamp?
        /// `nil` while nothing is known.
        var verdict: EngineVerdict?
    }

    private let current: Mutex<State>

    init(askedAt: Timestamp) {
        current = Mutex(State(askedAt: askedAt))
    }

    var state: State { current.withLock { $0 } }

    func left(at instant: Timestamp) {
        current.withLock { $0.leftAt = instant }
    }

    func ended(_ verdict: EngineVerdict) {
        current.withLock { $0.verdict = verdict }
    }
}
