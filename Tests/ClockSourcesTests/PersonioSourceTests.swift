import Domain
import Testing

@testable import ClockSources

@Suite("PersonioSource")
struct PersonioSourceTests {
    static let id = "93ce8f09-21f0-4abb-a0fe-f7f0a69d8419"

    private func notice(_ name: String, id: String = #""\#(id)""#) -> SignedDelivery {
        .personio(#"{"event_name":"\#(name)","occurred_at":"2026-03-02T08:00:00Z","payload":{"id":\#(id)}}"#)
    }

    private var source: PersonioSource {
        get throws {
            try PersonioSource(
                SourceSettings(
                    name: "hr",
                    kind: .personio,
                    secrets: [SignedDelivery.secret],
                    timeZone: try systemZone("Europe/Berlin")
                )
            )
        }
    }

    /// What the API's answer about the period says.
    private func fetched(_ members: String, person: String = #"{"id":"77"}"#) throws -> DeliveryReading {
        let body = #"{"id":"\#(Self.id)","person":\#(person),\#(members)}"#
        return try source.read(Array(body.utf8), of: try reference, fetchedAt: SignedDelivery.receivedAt)
    }

    private var reference: RecordReference {
        get throws { try #require(RecordReference(kind: "attendance-period", id: Self.id)) }
    }

    @Test(arguments: ["created", "updated"])
    func `a delivery says only what must be fetched`(change: String) throws {
        let reading = try notice("attendance-period.\(change)").read()
        #expect(reading == DeliveryReading(fetch: try reference))
        #expect(try source.path(of: try reference) == "/v2/attendance-periods/\(Self.id)")
    }

    @Test
    func `a deletion withdraws the record when it happened`() throws {
        let reading = try notice("attendance-period.deleted").read()
        #expect(reading.story == ["void 2026-03-02T08:00:00Z"])
        #expect(reading.punches.map(\.record) == [Self.id])
        #expect(reading.fetch == nil)
    }

    @Test(arguments: [#""../../persons""#, #""a/b""#, #""a?b""#, #""""#, "null", #""a b""#])
    func `an id that cannot stand in a path is not fetched`(id: String) throws {
        #expect(try notice("attendance-period.created", id: id).read() == DeliveryReading(ignored: "unusable"))
    }

    @Test
    func `other events are ignored by their type`() throws {
        #expect(try notice("absence-period.created").read().ignored == "unknown-type")
        #expect(try notice("attendance-period.created.x").read().ignored == "unknown-type")
        #expect(try SignedDelivery.personio("{}").read().ignored == "unusable")
    }

    @Test
    func `a period's times are the account's, unless they have an offset`() throws {
        let open = try fetched(#""type":"WORK","start":{"date_time":"2026-03-02T09:00:00"},"end":null"#)
        #expect(open.story == ["clock_in 2026-03-02T08:00:00Z"])
        #expect(open.punches.map(\.externalAgent) == ["77"])
        #expect(open.punches.map(\.record) == [Self.id])
        let closed = try fetched(
            #""type":"WORK","start":{"date_time":"2026-03-02T08:00:00Z"},"end":{"date_time":"2026-03-02T17:00:00"}"#
        )
        #expect(closed.story == ["clock_in 2026-03-02T08:00:00Z", "clock_out 2026-03-02T16:00:00Z"])
        let twice = try fetched(#""start":{"date_time":"2025-10-26T02:30:00"},"end":{"date_time":null}"#)
        #expect(twice.story == ["clock_in 2025-10-26T00:30:00Z"])
        #expect(twice.warnings == ["ambiguous-local-time"])
    }

    @Test
    func `without a zone a local time says nothing, and one with an offset all`() throws {
        let settings = SourceSettings(name: "hr", kind: .personio, secrets: [SignedDelivery.secret])
        func read(_ start: String) throws -> DeliveryReading {
            let body = #"{"id":"\#(Self.id)","person":{"id":"77"},"start":{"date_time":"\#(start)"}}"#
            return try PersonioSource(settings)
                .read(Array(body.utf8), of: try reference, fetchedAt: SignedDelivery.receivedAt)
        }
        #expect(try read("2026-03-02T09:00:00") == DeliveryReading(ignored: "no-time-zone"))
        #expect(try read("2026-03-02T09:00:00Z").punches.count == 1)
    }

    @Test
    func `a break is a record of its own`() throws {
        let reading = try fetched(
            #""type":"BREAK","start":{"date_time":"2026-03-02T12:00:00"},"end":{"date_time":"2026-03-02T12:30:00"}"#
        )
        #expect(reading.story == ["break_start 2026-03-02T11:00:00Z", "break_end 2026-03-02T11:30:00Z"])
    }

    @Test
    func `updated_at orders the answers where it is there`() throws {
        let start = #""start":{"date_time":"2026-03-02T09:00:00"}"#
        let first = try fetched(start + #","updated_at":"2026-03-02T08:00:00.5Z""#).punches[0].version
        let second = try fetched(start + #","updated_at":"2026-03-02T09:00:01.5""#).punches[0].version
        #expect(try #require(first) < (try #require(second)))
        #expect(try fetched(start).punches[0].version == nil)
    }

    @Test(arguments: [#""status":"REJECTED""#, #""approval":{"status":"rejected"}"#])
    func `a rejected period says nothing, a pending one counts`(status: String) throws {
        let start = #""start":{"date_time":"2026-03-02T09:00:00"}"#
        #expect(try fetched("\(start),\(status)") == DeliveryReading(ignored: "rejected"))
        #expect(try fetched(#"\#(start),"status":"PENDING""#).punches.count == 1)
    }

    @Test
    func `the answer may be wrapped, and must be about the record asked for`() throws {
        func read(_ body: String) throws -> DeliveryReading {
            try source.read(Array(body.utf8), of: try reference, fetchedAt: SignedDelivery.receivedAt)
        }
        let rest = #""person":{"id":77},"start":{"date_time":"2026-03-02T09:00:00"}"#
        #expect(try read(#"{"data":{"id":"\#(Self.id)",\#(rest)}}"#).punches.count == 1)
        #expect(try read(#"{"id":"other",\#(rest)}"#).ignored == "unusable")
        #expect(try read("no JSON").ignored == "unusable")
        #expect(try fetched(#""start":{"date_time":"soon"}"#).ignored == "unusable")
        #expect(try fetched(#""start":{"date_time":"2026-03-02T09:00:00"},"end":7"#).ignored == "unusable")
        #expect(try fetched(#""type":"TRAVEL","start":{"date_time":"2026-03-02T09:00:00"}"#).ignored == "unknown-type")
    }

    @Test
    func `a record that the API does not have withdraws nothing`() throws {
        let reading = try source.read(nil, of: try reference, fetchedAt: SignedDelivery.receivedAt)
        #expect(reading == DeliveryReading(ignored: "record-gone"))
    }

    @Test
    func `the token may come in a header that the settings name`() throws {
        var delivery = notice("attendance-period.created")
        delivery.token = nil
        #expect(throws: SourceRefusal(.badProof)) { try delivery.read() }
        delivery.headers = [("X-Token", SignedDelivery.secret)]
        #expect(throws: Never.self) {
            try delivery.read {
                $0.auth = .header
                $0.headerName = "x-token"
            }
        }
    }

    @Test
    func `a fetch that may work later is told from one that cannot`() {
        #expect(
            [RecordFetchError.Kind.unreachable, .timedOut, .rateLimited].allSatisfy { RecordFetchError($0).isTransient }
        )
        #expect(![RecordFetchError.Kind.unauthorized, .rejected].contains { RecordFetchError($0).isTransient })
        #expect(!RecordFetchError(.unauthorized).description.isEmpty)
    }
}
