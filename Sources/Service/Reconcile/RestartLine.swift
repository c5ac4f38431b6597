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
    /// `isStorm`: whether the incident is open that says that many fail alike. `calm`: for how long only few may before it ends.
    func begin(isStorm: Bool, calm: Duration = RestartGate.usualCalm) {
        state.withLock { $0 = State(gate: RestartGate(isStorm: isStorm, calm: calm), wasStorm: isStorm) }
    }

    /// Takes in an instance without budget as it is stored when a lease is taken, so that what a predecessor saw counts on.
    func meet(_ instance: Int64, since: Timestamp, now: Timestamp) {
        state.withLock { $0.gate.ranOut(instance, since: since, now: now) }
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
            for plan in plans where plan.decision.reason == .restartBudgetUsed {
                state.gate.ranOut(plan.subject.instance, since: now, now: now)
            }
            guard !state.gate.isIdle || state.wasStorm else { return nil }
            for plan in plans where plan.decision.endsFailing {
                if plan.decision.reason == .working {
                    state.gate.recovered(plan.subject.instance, now: now)
                } else {
                    state.gate.left(plan.subject.instance, now: now)
                }
            }
            state.gate.prune(now)
            guard state.gate.isStorm != state.wasStorm else { return nil }
            state.wasStorm = state.gate.isStorm
            return state.wasStorm
        }
    }
}

extension Decision {
    /// Whether the instance fails no more: it is as it should be, or waits for something else than a restart.
    fileprivate var endsFailing: Bool {
        condition == .converged || condition == .held || reason == .pairingRequired || reason == .sessionMissing
    }
}
