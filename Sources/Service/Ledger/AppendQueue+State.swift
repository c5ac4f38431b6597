import DequeModule

extension AppendQueue {
    /// What waits, and which writers do.
    struct State {
        var waiting: [Waiting] = []
        /// What is left of long requests, in order; moves up by portions.
        var following: Deque<Waiting> = []
        var idleWriters: [CheckedContinuation<[Waiting], Never>] = []
        var gathering = Gathering()
        var stall = AppendStall()
        /// When the batches under way began, by their numbers; of a batch in halves both the whole and the half.
        var begun: [Int: ContinuousClock.Instant] = [:]
        /// When a batch was committed last.
        var committedAt = ContinuousClock.now
        /// Whether a timer is set for the end of the gathering.
        var hasTimer = false
        var isClosed = false
    }
}

extension AppendQueue.State {
    /// What an idle writer does now.
    enum Next {
        case begin
        /// More will come in a moment.
        case gather(until: ContinuousClock.Instant)
        case rest
    }

    /// Begins where no other writer is at work, or only at what takes long, or where there is enough for two.
    ///
    /// `idleOthers`: writers that are idle besides the one that asks.
    mutating func next(idleOthers: Int, now: ContinuousClock.Instant) -> Next {
        let slow = begun.values.count(where: { now - $0 >= AppendQueue.slowFrom })
        let isAlone = idleOthers + slow >= AppendQueue.writers - 1
        guard !waiting.isEmpty, isClosed || isAlone || waiting.count >= AppendQueue.overlapFrom else { return .rest }
        if isClosed || gathering.isOver(waiting: waiting.count, now: now) { return .begin }
        if hasTimer { return .rest }
        hasTimer = true
        return .gather(until: gathering.until)
    }

    /// A batch begins; returns its number.
    mutating func begin(_ batch: [AppendQueue.Waiting], at instant: ContinuousClock.Instant) -> Int {
        let number = stall.begin(batch, at: instant)
        begun[number] = instant
        return number
    }

    /// A batch is over, committed or not.
    mutating func end(_ number: Int, isCommitted: Bool, at instant: ContinuousClock.Instant) {
        stall.end(number, isCommitted: isCommitted, at: instant)
        begun[number] = nil
        if isCommitted { committedAt = instant }
    }

    /// Takes no more; each idle writer gets what it does last, which is nothing where nothing waits.
    mutating func close() -> [(CheckedContinuation<[AppendQueue.Waiting], Never>, [AppendQueue.Waiting])] {
        isClosed = true
        var due: [(CheckedContinuation<[AppendQueue.Waiting], Never>, [AppendQueue.Waiting])] = []
        for writer in idleWriters { due.append((writer, takeBatch())) }
        idleWriters = []
        return due
    }

    /// Lets a request wait: its first portion with the others, the rest behind them.
    ///
    /// - Returns: whether there was room; nothing is added where there was none.
    mutating func add(_ events: [IncomingEvent], delivery: KeptDelivery?, ticket: AppendTicket) -> Bool {
        let first = min(events.count, AppendQueue.portion)
        guard waiting.count + first <= AppendQueue.waitingLimit,
            following.count + events.count - first <= AppendQueue.followingLimit
        else { return false }
        for (place, event) in events.enumerated() {
            let delivery = place == 0 ? delivery : nil
            let one = AppendQueue.Waiting(event: event, ticket: ticket, place: place, delivery: delivery)
            if place < first { waiting.append(one) } else { following.append(one) }
        }
        return true
    }

    mutating func takeAll() -> [AppendQueue.Waiting] {
        defer {
            waiting.removeAll(keepingCapacity: true)
            following.removeAll()
        }
        return waiting + following
    }

    mutating func takeBatch() -> [AppendQueue.Waiting] {
        defer { moveUp() }
        return takeWaiting()
    }

    /// Lets the next portion of long requests wait once less than one does, so that they never keep out others.
    private mutating func moveUp() {
        guard !following.isEmpty, waiting.count < AppendQueue.portion else { return }
        let count = min(following.count, AppendQueue.portion)
        waiting.append(contentsOf: following.prefix(count))
        following.removeFirst(count)
    }

    private mutating func takeWaiting() -> [AppendQueue.Waiting] {
        guard waiting.count > AppendQueue.batchLimit else {
            defer { waiting.removeAll(keepingCapacity: true) }
            return waiting
        }
        // A delivery that fits into the next batch is not cut in two, so that it is kept with what all of its events did.
        var end = AppendQueue.batchLimit
        let start = end - waiting[end].place
        if start > 0, waiting[start].delivery != nil { end = start }
        let batch = Array(waiting[..<end])
        waiting.removeFirst(end)
        return batch
    }
}
