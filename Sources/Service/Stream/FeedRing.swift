import DequeModule

/// The latest events, bounded in number and in size.
///
/// A subscriber is a place in it, so that a slow one costs nothing: what it has not taken when the ring has gone round,
/// it is told to read anew.
struct FeedRing: Sendable {
    private var events: Deque<FeedEvent> = []
    private var size = 0
    /// The sequence that the next event gets.
    private(set) var next: UInt64 = 1

    let eventLimit: Int
    /// Bytes, roughly.
    let sizeLimit: Int

    init(eventLimit: Int = 16_384, sizeLimit: Int = 16 * 1_048_576) {
        self.eventLimit = eventLimit
        self.sizeLimit = sizeLimit
    }

    /// The latest sequence given away; 0 before the first.
    var last: UInt64 { next - 1 }

    mutating func append(_ content: FeedEvent.Content) {
        let event = FeedEvent(sequence: next, content: content)
        next += 1
        events.append(event)
        size += event.size
        while events.count > eventLimit || size > sizeLimit, let first = events.popFirst() { size -= first.size }
    }

    /// Forgets everything.
    ///
    /// Nobody can go on from before, not even who had seen all of it.
    mutating func clear() {
        events = []
        size = 0
        next += 1
    }

    /// Whether everything after a sequence is still there.
    func holds(after sequence: UInt64) -> Bool {
        guard sequence <= last else { return false }
        return sequence == last || (events.first.map { $0.sequence <= sequence + 1 } ?? false)
    }

    /// The events after a sequence, oldest first; `nil` when some of them are gone.
    func events(after sequence: UInt64, limit: Int) -> ArraySlice<FeedEvent>? {
        guard holds(after: sequence) else { return nil }
        guard let first = events.first, sequence < last else { return [] }
        let start = events.index(events.startIndex, offsetBy: Int(sequence + 1 - first.sequence))
        return Array(events[start...].prefix(limit))[...]
    }
}
