import Domain
import Testing

@testable import ClockSources

@Suite("SquareSource")
struct SquareSourceTests {
    @Test
    func `a closed timecard says its start, breaks by time and end`() throws {
        let reading = try SquareDelivery(
            card: #"""
                "start_at":"2026-03-02T00:02:00-08:00","end_at":"2026-03-02T08:09:00-08:00","version":4,"breaks":[
                {"start_at":"2026-03-02T14:00:00Z","end_at":"2026-03-02T14:10:00Z"},
                {"start_at":"2026-03-02T03:02:00-08:00","end_at":"2026-03-02T03:32:00-08:00"}]
                """#
        ).read()
        let times = [
            "2026-03-02T08:02:00Z", "2026-03-02T11:02:00Z", "2026-03-02T11:32:00Z", "2026-03-02T14:00:00Z",
            "2026-03-02T14:10:00Z", "2026-03-02T16:09:00Z",
        ]
        #expect(reading.punches.map(\.occurredAt.rfc3339) == times)
        #expect(
            reading.punches.map(\.kind) == [.clockIn, .breakStart, .breakEnd, .breakStart, .breakEnd, .clockOut]
        )
        #expect(reading.punches.map(\.ordinal) == [0, 1, 2, 3, 4, 5])
        #expect(reading.punches.allSatisfy { $0.record == "TC1" && $0.version == 4 && $0.externalAgent == "TM1" })
        #expect(reading.punches.allSatisfy { $0.eventID == nil })
        #expect(reading.deliveryID == "event-1")
        #expect(reading.warnings.isEmpty)
    }

    @Test
    func `a shift reads exactly as its timecard twin`() throws {
        let card = #""start_at":"2026-03-02T08:00:00Z","version":1"#
        let timecard = try SquareDelivery(card: card).read()
        let shift = try SquareDelivery(type: "labor.shift.created", family: "shift", card: card).read()
        #expect(shift.punches == timecard.punches)
        #expect(!shift.punches.isEmpty)
    }

    @Test(arguments: ["labor.timecard.deleted", "labor.shift.deleted"])
    func `a deletion withdraws the record when it happened`(type: String) throws {
        let body =
            #"{"type":"\#(type)","event_id":"e","created_at":"2026-03-02T09:02:00Z","data":{"id":"TC1","deleted":true}}"#
        let reading = try SquareDelivery(body: body).read()
        let void = SourcePunch(
            externalAgent: nil,
            kind: .void,
            occurredAt: try #require(Timestamp(rfc3339: "2026-03-02T09:02:00Z")),
            record: "TC1"
        )
        #expect(reading.punches == [void])
    }

    @Test
    func `a deletion without a readable time happened on arrival`() throws {
        let body = #"{"type":"labor.timecard.deleted","event_id":"e","created_at":"soon","data":{"id":"TC1"}}"#
        #expect(try SquareDelivery(body: body).read().punches.map(\.occurredAt) == [SquareDelivery.receivedAt])
    }

    @Test(arguments: [
        #"no JSON"#,
        #"[]"#,
        #"{}"#,
        #"{"type":7}"#,
        #"{"type":"labor.timecard.deleted","data":{}}"#,
        #"{"type":"labor.timecard.created","data":{"object":{}}}"#,
        #"{"type":"labor.timecard.created","data":[1]}"#,
    ])
    func `a genuine body of another shape is accepted and ignored`(body: String) throws {
        let reading = try SquareDelivery(body: body).read()
        #expect(reading.ignored == "unusable")
        #expect(reading.punches.isEmpty)
    }

    @Test(arguments: [
        #""version":1"#,
        #""start_at":"yesterday","version":1"#,
        #""start_at":"2026-03-02T08:00:00","version":1"#,
        #""start_at":"1999-12-31T23:59:59Z","version":1"#,
        #""start_at":"2028-01-01T00:00:00Z","version":1"#,
        #""start_at":"2026-03-02T08:00:00Z","end_at":"later","version":1"#,
        #""start_at":"2026-03-02T08:00:00Z","end_at":17,"version":1"#,
    ])
    func `a timecard whose times cannot be read says nothing`(card: String) throws {
        #expect(try SquareDelivery(card: card).read() == DeliveryReading(deliveryID: "event-1", ignored: "unusable"))
    }

    @Test(arguments: [#""TM\u00001""#, #""""#, "null", "12", #"""# + String(repeating: "x", count: 201) + #"""#])
    func `an agent id that cannot be stored says nothing`(agent: String) throws {
        let card = #""start_at":"2026-03-02T08:00:00Z","version":1"#
        #expect(try SquareDelivery(card: card, agent: agent).read().ignored == "unusable")
    }

    @Test(
        arguments: zip(
            [
                #""start_at":"2026-03-02T08:00:00Z""#,
                #""start_at":"2026-03-02T08:00:00Z","version":"1""#,
                #""start_at":"2026-03-02T08:00:00Z","version":1,"status":"CLOSED""#,
                #""start_at":"2026-03-02T08:00:00Z","version":1,"breaks":[{"start_at":"noon"}]"#,
                #""start_at":"2026-03-02T08:00:00Z","version":1,"breaks":"none""#,
            ],
            ["no-version", "no-version", "closed-without-end", "unusable-break", "unusable-break"]
        )
    )
    func `what is odd about a timecard is a warning, and its start counts`(card: String, warning: String) throws {
        let reading = try SquareDelivery(card: card).read()
        #expect(reading.warnings == [warning])
        #expect(reading.punches.map(\.kind) == [.clockIn])
        #expect(reading.ignored == nil)
    }

    @Test
    func `an end before the start is kept and flagged`() throws {
        let card = #""start_at":"2026-03-02T08:00:00Z","end_at":"2026-03-02T07:00:00Z","version":1"#
        let reading = try SquareDelivery(card: card).read()
        #expect(reading.warnings == ["end-before-start"])
        #expect(reading.punches.map(\.kind) == [.clockIn, .clockOut])
    }

    @Test
    func `an event about something else is ignored by its type`() throws {
        let reading = try SquareDelivery(body: #"{"type":"payment.created","event_id":"e1","data":{}}"#).read()
        #expect(reading == DeliveryReading(deliveryID: "e1", ignored: "unknown-type"))
    }

    @Test
    func `more breaks than a person takes make a timecard unusable`() throws {
        let pause = #"{"start_at":"2026-03-02T08:00:00Z"}"#
        func reading(breaks: Int) throws -> DeliveryReading {
            let list = Array(repeating: pause, count: breaks).joined(separator: ",")
            return try SquareDelivery(card: #""start_at":"2026-03-02T08:00:00Z","version":1,"breaks":[\#(list)]"#)
                .read()
        }
        #expect(try reading(breaks: WorkRecord.breakLimit).punches.count == WorkRecord.breakLimit + 1)
        #expect(try reading(breaks: WorkRecord.breakLimit + 1).ignored == "unusable")
    }
}
