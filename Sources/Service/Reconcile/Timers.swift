import Domain
import HeapModule
import Synchronization

/// When instances are due, by the database's clock: the queue's order in memory.
final class Timers: Sendable {
    /// An instance that is due.
    struct Entry: Comparable {
        var dueAt: Timestamp
        var instance: Int64
        var priority: JobPriority
        /// Where to look, when a look is all that can follow.
        var look: SessionAddress?
        /// What that look is for.
        var purpose = LookPurpose.usual

        static func < (left: Entry, right: Entry) -> Bool {
            (left.dueAt, left.instance) < (right.dueAt, right.instance)
        }
    }

    private struct State {
        var heap = Heap<Entry>()
        /// The due time that counts; entries of the heap that say otherwise are left-overs.
        var due: [Int64: Timestamp] = [:]

        /// Entries of the heap that are kept whatever counts.
        private static let fewest = 64

        /// Keeps the heap within twice what counts: what is far away would lie there until its time, with each change anew.
        mutating func dropLeftOvers() {
            guard heap.count > max(Self.fewest, 2 * due.count) else { return }
            var kept: [Int64: Entry] = [:]
            for entry in heap.unordered where due[entry.instance] == entry.dueAt { kept[entry.instance] = entry }
            heap = Heap(kept.values)
        }
    }

    private let state = Mutex(State())
    /// Rung when something is due sooner than all else.
    private let alarm = Alarm()
    private let clock: DatabaseClock

    init(clock: DatabaseClock) {
        self.clock = clock
    }

    /// Sets when an instance is due; a later call for it replaces an earlier one.
    ///
    /// `look`: where to look then, if that is all that can follow.
    /// `purpose`: what that look is for.
    func schedule(
        _ instance: Int64,
        at dueAt: Timestamp,
        priority: JobPriority,
        look: SessionAddress? = nil,
        purpose: LookPurpose = .usual
    ) {
        let isFirst = state.withLock { state in
            state.due[instance] = dueAt
            state.dropLeftOvers()
            let isFirst = state.heap.min.map { dueAt < $0.dueAt } ?? true
            state.heap.insert(
                Entry(dueAt: dueAt, instance: instance, priority: priority, look: look, purpose: purpose)
            )
            return isFirst
        }
        if isFirst { alarm.ring() }
    }

    func cancel(_ instance: Int64) {
        state.withLock { _ = $0.due.removeValue(forKey: instance) }
    }

    func removeAll() {
        state.withLock { $0 = State() }
    }

    /// Makes everything due at once.
    func bringForward() {
        let now = clock.now()
        state.withLock { state in
            let entries = state.heap.unordered.filter { state.due[$0.instance] == $0.dueAt }
            state = State()
            for var entry in entries where state.due[entry.instance] == nil {
                entry.dueAt = min(entry.dueAt, now)
                state.due[entry.instance] = entry.dueAt
                state.heap.insert(entry)
            }
        }
        alarm.ring()
    }

    var count: Int { state.withLock { $0.due.count } }

    /// Entries that are held, with those that do not count any more.
    var heldCount: Int { state.withLock { $0.heap.count } }

    /// Calls `fire` for each instance when it is due, at most ``resolution`` late, until the task is cancelled.
    func run(fire: @escaping @Sendable (Entry) -> Void) async {
        while !Task.isCancelled {
            for entry in takeDue() { fire(entry) }
            switch untilNext() {
            case nil: await alarm.wait()
            case let wait? where wait <= Self.resolution:
                try? await clock.sleep(for: wait)  // Cancelled: the loop ends.
            case let wait?: await alarm.wait(atMost: wait, by: clock)
            }
        }
    }

    /// How late something may be noticed that became due sooner than what was waited for; shorter waits are not interrupted.
    private static let resolution: Duration = .milliseconds(20)

    private func takeDue() -> [Entry] {
        let now = clock.now()
        return state.withLock { state in
            var due: [Entry] = []
            while let entry = state.heap.min, entry.dueAt <= now {
                state.heap.removeMin()
                guard state.due[entry.instance] == entry.dueAt else { continue }
                state.due[entry.instance] = nil
                due.append(entry)
            }
            return due
        }
    }

    private func untilNext() -> Duration? {
        let now = clock.now()
        return state.withLock { $0.heap.min.map { $0.dueAt - now } }
    }
}
