import Synchronization

/// What one source may still send in this moment: a bucket that holds one second's worth.
final class DeliveryBudget: Sendable {
    private struct State {
        var left: Double
        var filledAt: ContinuousClock.Instant
    }

    private let perSecond: Double
    private let state: Mutex<State>

    /// `perSecond`: 1 or more.
    init(perSecond: Int, now: ContinuousClock.Instant = .now) {
        self.perSecond = Double(perSecond)
        state = Mutex(State(left: Double(perSecond), filledAt: now))
    }

    /// Takes one delivery from the budget; `false` when nothing is left.
    func take(now: ContinuousClock.Instant = .now) -> Bool {
        state.withLock { state in
            if now > state.filledAt {
                state.left = min(perSecond, state.left + perSecond * ((now - state.filledAt) / .seconds(1)))
                state.filledAt = now
            }
            guard state.left >= 1 else { return false }
            state.left -= 1
            return true
        }
    }
}
