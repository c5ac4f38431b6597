import Synchronization

/// Wakes one waiting task at an instant, or sooner when it is rung.
///
/// Rung while nobody waits, it wakes the next who does at once.
final class Alarm: Sendable {
    private struct State {
        var waiter: CheckedContinuation<Void, Never>?
        var isRung = false
    }

    private let state = Mutex(State())

    func ring() {
        let waiter = state.withLock { state in
            state.isRung = state.waiter == nil
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }

    /// Waits until it is rung or the task is cancelled.
    func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    let isOver = state.isRung || Task.isCancelled
                    state.isRung = false
                    if !isOver { state.waiter = continuation }
                    return isOver
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            ring()
        }
    }

    /// The same, at the longest for a while.
    func wait(atMost duration: Duration, by clock: DatabaseClock) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await clock.sleep(for: duration) }  // Cancelled: it was rung.
            group.addTask { await self.wait() }
            await group.next()
            group.cancelAll()
        }
    }
}
