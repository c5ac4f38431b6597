import ClockSources
import Domain
import Testing

@testable import Service

@Suite("DeliveryAdmission")
struct DeliveryAdmissionTests {
    private let day = Timestamp(seconds: 1_800_000_000)
    private let admission = DeliveryAdmission(sourceID: 3, matchesAgentID: true, skew: .seconds(2))

    private func punch(
        _ second: Int64,
        record: String? = "r",
        version: Int64? = 5,
        ordinal: Int16 = 0,
        eventID: String? = nil,
        hasOwnTime: Bool = true
    ) -> SourcePunch {
        SourcePunch(
            externalAgent: "e",
            kind: .clockIn,
            occurredAt: day + .seconds(second),
            record: record,
            version: version,
            ordinal: ordinal,
            eventID: eventID,
            hasOwnTime: hasOwnTime
        )
    }

    private func admit(_ punches: SourcePunch..., at second: Int64 = 100) -> [IncomingEvent] {
        admission.admit(DeliveryReading(deliveryID: "d", punches: punches), receivedAt: day + .seconds(second))
    }

    @Test
    func `a numbered report is the same whenever it comes, and another when it says something else`() {
        #expect(admit(punch(1)).map(\.dedupe) == admit(punch(1), at: 200).map(\.dedupe))
        #expect(admit(punch(1)).map(\.dedupe) != admit(punch(2)).map(\.dedupe))
        #expect(admit(punch(1)).map(\.dedupe) != admit(punch(1, version: 6)).map(\.dedupe))
    }

    @Test
    func `one more punch makes all of a report another one`() {
        let short = admit(punch(1))
        let long = admit(punch(1), punch(9, ordinal: 1))
        #expect(Set(short.map(\.dedupe)).isDisjoint(with: long.map(\.dedupe)))
        #expect(Set(long.map(\.report)).count == 1)
    }

    @Test
    func `two reports of one record in a delivery stay apart, the second as the newer`() {
        let events = admit(punch(1, version: nil), punch(9, version: nil, ordinal: 1), punch(2, version: nil))
        #expect(events.map { $0.receivedAt - day } == [.seconds(100), .seconds(100), .seconds(100) + .microseconds(1)])
        #expect(events[0].report == events[1].report && events[1].report != events[2].report)
    }

    @Test
    func `records of one delivery are reports of their own`() {
        let events = admit(punch(1), punch(1, record: "s"))
        #expect(Set(events.map(\.dedupe)).count == 2)
        #expect(Set(events.map(\.receivedAt)).count == 1)
    }

    @Test(
        arguments: [
            (nil, "a", true, true), (nil, "a", false, false), (nil, nil, true, false), ("r", "a", true, false),
        ] as [(String?, String?, Bool, Bool)]
    )
    func `only an id with a time of its own can be contradicted`(
        record: String?,
        eventID: String?,
        hasOwnTime: Bool,
        expected: Bool
    ) {
        let events = admit(punch(1, record: record, eventID: eventID, hasOwnTime: hasOwnTime))
        #expect(events.map(\.hasOwnTime) == [expected])
    }

    @Test
    func `without an id the agent, the kind and the second name an event`() {
        let first = punch(1, record: nil, version: nil)
        var second = first
        second.occurredAt = first.occurredAt + .milliseconds(400)
        #expect(admit(first).map(\.dedupe) == admit(second, at: 300).map(\.dedupe))
    }
}
