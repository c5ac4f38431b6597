import Domain
import Synchronization

/// Sessions as the engine listed them in one call that succeeded.
struct ListedSessions: Sendable {
    var list: SessionList
    /// When the call left, by the database's clock: what it says may have changed right after.
    var sentAt: Timestamp
}

/// A call that lists an account's sessions while it waits for the engine, and the sweep that waits for what it says.
final class ListJob: Sendable {
    private enum State: Sendable {
        case idle
        case waiting(CheckedContinuation<ListedSessions?, Never>)
        case over(ListedSessions?)
    }

    private let state = Mutex(State.idle)

    /// Whether nobody waits for it any more.
    var isOver: Bool {
        state.withLock { state in
            if case .over = state { true } else { false }
        }
    }

    /// Waits for the list.
    ///
    /// - Returns: `nil` when the call failed or was kept back, and when the task is cancelled.
    func wait() async -> ListedSessions? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let result = state.withLock { state -> ListedSessions?? in
                    if case .over(let result) = state { return .some(result) }
                    state = .waiting(continuation)
                    return nil
                }
                if let result { continuation.resume(returning: result) }
            }
        } onCancel: {
            finish(nil)
        }
    }

    /// Says what came of the call; only the first time counts.
    func finish(_ result: ListedSessions?) {
        let waiter = state.withLock { state -> CheckedContinuation<ListedSessions?, Never>? in
            if case .over = state { return nil }
            defer { state = .over(result) }
            if case .waiting(let continuation) = state { return continuation }
            return nil
        }
        waiter?.resume(returning: result)
    }
}
