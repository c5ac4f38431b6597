import Synchronization

/// Carries events from the reactor's thread to the consumer.
///
/// Bounded: what does not fit becomes one `.reset`.
final class NotificationBuffer: Sendable {
    fileprivate struct State {
        var events: [PQNotifications.Event] = []
        var head = 0
        var waiters: [(id: UInt64, continuation: CheckedContinuation<PQNotifications.Event?, Never>)] = []
        var isEnded = false
    }

    private let state = Mutex(State())
    private let limit: Int

    init(limit: Int) {
        self.limit = max(1, limit)
    }

    func push(_ event: PQNotifications.Event) {
        let waiter: CheckedContinuation<PQNotifications.Event?, Never>? = state.withLock { state in
            if !state.waiters.isEmpty { return state.waiters.removeFirst().continuation }
            if state.events.count - state.head >= limit {
                state.events = [.reset]
                state.head = 0
            } else {
                state.events.append(event)
            }
            return nil
        }
        waiter?.resume(returning: event)
    }

    /// Ends the sequence after what is buffered.
    func end() {
        let waiters = state.withLock { state in
            state.isEnded = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.continuation.resume(returning: nil) }
    }

    func next() async -> PQNotifications.Event? {
        let id = JobTicket.nextID()
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let ready: PQNotifications.Event?? = state.withLock { state in
                    // Looked at under the lock: a cancellation after this finds the waiter in the list.
                    if Task.isCancelled { return .some(nil) }
                    if let event = state.pop() { return event }
                    if state.isEnded { return .some(nil) }
                    state.waiters.append((id, continuation))
                    return nil
                }
                if let ready { continuation.resume(returning: ready) }
            }
        } onCancel: {
            let waiter = state.withLock { state in
                let index = state.waiters.firstIndex { $0.id == id }
                return index.map { state.waiters.remove(at: $0) }
            }
            waiter?.continuation.resume(returning: nil)
        }
    }
}

extension NotificationBuffer.State {
    fileprivate mutating func pop() -> PQNotifications.Event? {
        guard head < events.count else { return nil }
        let event = events[head]
        head += 1
        if head == events.count {
            events.removeAll(keepingCapacity: true)
            head = 0
        } else if head > 256 {
            events.removeFirst(head)
            head = 0
        }
        return event
    }
}
