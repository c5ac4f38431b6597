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
    /// What was put together since the last event came, for who filters nothing and is bound to no teams.
    private var runs: [FeedRun] = []

    private let text: EventText
    let eventLimit: Int
    /// Bytes, roughly.
    let sizeLimit: Int

    /// Events that a watcher takes at a time.
    static let takenAtATime = 512
    /// Runs that are kept: a telling to all who were at one place, in parts where it is large, and to some who were elsewhere.
    static let runLimit = 16

    /// `run`: the first half of every event's id.
    init(run: String, eventLimit: Int = 16_384, sizeLimit: Int = 16 * 1_048_576) {
        text = EventText(run: run)
        self.eventLimit = eventLimit
        self.sizeLimit = sizeLimit
    }

    /// The latest sequence given away; 0 before the first.
    var last: UInt64 { next - 1 }

    mutating func append(_ event: FeedEvent) {
        var event = event
        event.sequence = next
        next += 1
        events.append(event)
        size += event.size
        while events.count > eventLimit || size > sizeLimit, let first = events.popFirst() { size -= first.size }
        runs.removeAll()
    }

    /// Forgets everything.
    ///
    /// Nobody can go on from before, not even who had seen all of it.
    mutating func clear() {
        events = []
        size = 0
        runs = []
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

    /// What a watcher at a place takes next; `nil` when some of it is gone.
    ///
    /// `isShared`: for who filters nothing, is bound to no teams and was told no counts newer than the place.
    mutating func news(after sequence: UInt64, isShared: Bool) -> FeedNews? {
        if isShared, let known = runs.first(where: { $0.start == sequence }) { return .run(known) }
        guard let events = events(after: sequence, limit: Self.takenAtATime) else { return nil }
        guard isShared, !events.isEmpty else { return .events(events, end: events.last?.sequence ?? sequence) }
        let run = FeedRun(events, after: sequence, text)
        if runs.count == Self.runLimit { runs.removeFirst() }
        runs.append(run)
        return .run(run)
    }
}
