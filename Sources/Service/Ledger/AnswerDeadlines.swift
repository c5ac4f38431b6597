import DequeModule
import Synchronization

/// Requests that are answered by a certain time whatever happens: some senders give up after a second.
final class AnswerDeadlines: Sendable {
    /// How long after its last byte such a request is answered.
    static let limit: Duration = .milliseconds(850)
    /// How late it may learn that its time is up.
    private static let resolution: Duration = .milliseconds(50)

    /// In the order of their time.
    private let waiting = Mutex(Deque<(at: ContinuousClock.Instant, ticket: AppendTicket)>())

    /// `instant`: when the request is refused; it may be over.
    func add(_ ticket: AppendTicket, at instant: ContinuousClock.Instant) {
        waiting.withLock { waiting in
            // Requests arrive in the order of their time, but for those that took longer to read.
            var place = waiting.endIndex
            while place > waiting.startIndex, waiting[place - 1].at > instant { place -= 1 }
            waiting.insert((instant, ticket), at: place)
        }
    }

    /// Refuses requests whose time is up, until the task is cancelled.
    ///
    /// One that was answered before hears nothing more.
    func watch() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: Self.resolution)  // Cancelled: the loop ends.
            let now = ContinuousClock.now
            let overdue = waiting.withLock { waiting in
                let overdue = Array(waiting.prefix { $0.at <= now })
                waiting.removeFirst(overdue.count)
                return overdue
            }
            for request in overdue { request.ticket.refuse(.databaseUnavailable) }
        }
    }
}
