import Synchronization

/// Gathers the outcomes of one request's events and resumes it once, when the last is there or one is refused.
final class AppendTicket: Sendable {
    typealias Answer = Result<[AppendOutcome], AppendRefusal>

    fileprivate struct State {
        var outcomes: [AppendOutcome?]
        var missing: Int
        var waiter: CheckedContinuation<Answer, Never>?
    }

    private let state: Mutex<State>

    init(count: Int) {
        state = Mutex(State(outcomes: Array(repeating: nil, count: count), missing: count))
    }

    func wait(_ continuation: CheckedContinuation<Answer, Never>) {
        state.withLock { $0.waiter = continuation }
    }

    func settle(_ place: Int, _ outcome: AppendOutcome) {
        let ready = state.withLock { state -> (CheckedContinuation<Answer, Never>, [AppendOutcome])? in
            state.outcomes[place] = outcome
            state.missing -= 1
            guard state.missing == 0, let waiter = state.waiter else { return nil }
            state.waiter = nil
            return (waiter, state.outcomes.compactMap { $0 })
        }
        if let (waiter, outcomes) = ready { waiter.resume(returning: .success(outcomes)) }
    }

    func refuse(_ refusal: AppendRefusal) {
        let waiter = state.withLock { state in
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume(returning: .failure(refusal))
    }
}
