import Synchronization

/// An answer that comes once; whatever is given after the first is dropped.
package final class OneShot<Value: Sendable>: Sendable {
    private enum State: Sendable {
        case idle
        case waiting(CheckedContinuation<Value, Never>)
        case given(Value)
        case over
    }

    private let state = Mutex(State.idle)

    package init() {}

    /// Whether there is an answer.
    package var isGiven: Bool {
        state.withLock { state in
            switch state {
            case .idle, .waiting: false
            case .given, .over: true
            }
        }
    }

    /// Waits for the answer; once only.
    package func wait() async -> Value {
        await withCheckedContinuation { continuation in
            let early = state.withLock { state -> Value? in
                guard case .given(let value) = state else {
                    state = .waiting(continuation)
                    return nil
                }
                state = .over
                return value
            }
            if let early { continuation.resume(returning: early) }
        }
    }

    package func give(_ value: Value) {
        let waiter = state.withLock { state -> CheckedContinuation<Value, Never>? in
            switch state {
            case .idle:
                state = .given(value)
                return nil
            case .waiting(let continuation):
                state = .over
                return continuation
            case .given, .over: return nil
            }
        }
        waiter?.resume(returning: value)
    }
}
