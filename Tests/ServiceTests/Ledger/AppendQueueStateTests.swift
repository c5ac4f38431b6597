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
}
