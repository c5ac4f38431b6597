import Domain
import Synchronization

/// The one ``RestartGate`` of an account, shared by its passes.
final class RestartLine: Sendable {
    private struct State {
        var gate = RestartGate()
        /// What was last told.
        var wasStorm = false
    }

    private let state = Mutex(State())

    /// Begins anew with a lease.
    ///
    /// `isStorm`: whether the incident is open that says that many fail alike.
    func begin(isStorm: Bool) {
        state.withLock { $0 = State(gate: RestartGate(isStorm: isStorm), wasStorm: isStorm) }
    }

    /// The gate as it is, for a transaction to ask: it may run again, or in vain.
    var gate: RestartGate { state.withLock { $0.gate } }

    /// Takes in which instances a committed transaction asked for, as it asked for them.
    func asked(_ instances: [Int64], now: Timestamp) {
        guard !instances.isEmpty else { return }
        state.withLock { state in
            for instance in instances { _ = state.gate.permits(instance, now: now) }
        }
    }

    /// Takes in what passes found; says whether many fail alike where that changed.
    func take(_ plans: [Plan], now: Timestamp) -> Bool? {
        state.withLock { state in
            guard !state.gate.isIdle || state.wasStorm else { return nil }
            for plan in plans where plan.decision.condition == .converged {
                state.gate.recovered(plan.subject.instance, now: now)
            }
            state.gate.prune(now)
            guard state.gate.isStorm != state.wasStorm else { return nil }
            state.wasStorm = state.gate.isStorm
            return state.wasStorm
        }
    }
}
