import ClockSources
import Domain
import Testing

@testable import Service

/// What of a long request waits, and what follows.
@Suite("Append queue's state")
struct AppendQueueStateTests {
    private func events(_ count: Int) -> [IncomingEvent] {
        let received = Timestamp(seconds: 1_800_000_000)
        let punches = (0..<count).map { number in
            SourcePunch(externalAgent: "a", kind: .clockIn, occurredAt: received, eventID: "e\(number)")
        }
        let admission = DeliveryAdmission(sourceID: 3, matchesAgentID: true, skew: .seconds(2))
        return admission.admit(DeliveryReading(punches: punches), receivedAt: received)
    }

    @Test
    func `a long request leaves room for others, who do not wait for all of it`() {
        var state = AppendQueue.State()
        let (long, other) = (AppendTicket(count: 5_000), AppendTicket(count: 1_000))
        var areIn = [state.add(events(5_000), delivery: nil, ticket: long)]
        #expect(state.waiting.count == AppendQueue.portion)
        areIn.append(state.add(events(1_000), delivery: nil, ticket: other))
        #expect(areIn == [true, true])
        var (taken, takenBefore) = ([Int](), 0)
        var others: [Int] = []
        while case let batch = state.takeBatch(), !batch.isEmpty {
            #expect(batch.count <= AppendQueue.batchLimit)
            taken += batch.filter { $0.ticket === long }.map(\.place)
            let places = batch.filter { $0.ticket === other }.map(\.place)
            if others.isEmpty, !places.isEmpty { takenBefore = taken.count }
            others += places
        }
        #expect(taken == Array(0..<5_000))
        #expect(others == Array(0..<1_000))
        #expect(takenBefore <= 2 * AppendQueue.portion)
    }

    @Test
    func `what is refused leaves nothing, and what is taken back is all of it`() {
        var state = AppendQueue.State()
        let longest = events(AppendQueue.requestLimit)
        var areIn = [state.add(longest, delivery: nil, ticket: AppendTicket(count: longest.count))]
        areIn.append(state.add(events(AppendQueue.portion + 1), delivery: nil, ticket: AppendTicket(count: 1)))
        #expect(areIn == [true, false])
        #expect(state.waiting.count + state.following.count == longest.count)
        let (taken, rest) = (state.takeAll(), state.takeBatch())
        #expect(taken.map(\.place) == Array(0..<longest.count))
        #expect(rest.isEmpty)
    }

    @Test
    func `an idle writer gets what waits when the end comes`() async {
        let batch: [AppendQueue.Waiting] = await withCheckedContinuation { writer in
            var state = AppendQueue.State()
            _ = state.add(events(3), delivery: nil, ticket: AppendTicket(count: 3))
            state.idleWriters = [writer]
            for (writer, batch) in state.close() { writer.resume(returning: batch) }
        }
        #expect(batch.map(\.place) == [0, 1, 2])
    }

    @Test
    func `behind a batch that takes long a second begins with whatever there is`() {
        var state = AppendQueue.State()
        _ = state.add(events(1), delivery: nil, ticket: AppendTicket(count: 1))
        let start = ContinuousClock.now
        let number = state.begin([], at: start)
        let slow = start + AppendQueue.slowFrom
        var begins: [Bool] = []
        for instant in [slow - .milliseconds(1), slow] {
            let begin = if case .begin = state.next(idleOthers: 0, now: instant) { true } else { false }
            begins.append(begin)
        }
        #expect(begins == [false, true])
        state.end(number, isCommitted: true, at: slow)
        if case .begin = state.next(idleOthers: 0, now: slow) { #expect(Bool(false), "the other is at work again") }
        #expect(state.committedAt == slow)
    }
}
