import Domain
import Testing

@testable import ClockSources

@Suite("CloudEventsSource")
struct CloudEventsSourceTests {
    static let secret = "a-token-made-up-for-tests"
    static let receivedAt = Timestamp(seconds: 1_772_500_000)
    static let structured = "application/cloudevents+json"

    private func read(
        _ body: String,
        type: String? = structured,
        headers: [(name: String, value: String)] = [],
        authorization: String? = "Bearer \(secret)",
        query: String? = nil,
        settings change: (inout SourceSettings) -> Void = { _ in }
    ) throws -> DeliveryReading {
        var settings = SourceSettings(name: "hr", kind: .cloudEvents, secrets: [Self.secret])
        change(&settings)
        var delivery = Delivery(headers: headers, body: Array(body.utf8), query: query, receivedAt: Self.receivedAt)
        if let type { delivery.set("Content-Type", type) }
        if let authorization { delivery.set("Authorization", authorization) }
        return try makeClockSource(settings).read(delivery)
    }

    /// One event in the JSON format; `more` holds further members.
    private func event(
        _ type: String = "com.example.clock.in",
        id: String = "1",
        more: String = #","subject":"A""#
    )
        -> String
    {
        #"{"specversion":"1.0","id":"\#(id)","source":"/hr","type":"\#(type)"\#(more)}"#
    }

    private var attributes: [(name: String, value: String)] {
        [("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "/hr"), ("ce-type", "clock.in"), ("ce-subject", "A")]
    }

    @Test
    func `a batch of more than a thousand is refused, and one of a thousand is not`() throws {
        let type = "application/cloudevents-batch+json"
        let batch = { (count: Int) in "[" + Array(repeating: event(), count: count).joined(separator: ",") + "]" }
        #expect(try read(batch(1_000), type: type).punches.count == 1_000)
        #expect(throws: SourceRefusal(.tooManyItems)) { try read(batch(1_001), type: type) }
    }

    @Test
    func `an event is known by its source and id together`() throws {
        let reading = try read(event())
        #expect(reading.deliveryID == "/hr 1")
        #expect(reading.punches.map(\.eventID) == ["/hr 1"])
    }

    @Test
    func `an id too long to keep is kept as a hash`() throws {
        let ids = try ["x", "y"].map { try read(event(id: String(repeating: "x", count: 200) + $0)).deliveryID }
        #expect(ids.allSatisfy { $0?.count == 64 })
        #expect(ids[0] != ids[1])
    }

    @Test(arguments: [
        "Application/CloudEvents+JSON", "application/cloudevents+json;charset=utf-8",
        "application/cloudevents+json ; charset=UTF-8",
    ])
    func `the content type is read without case and parameters`(type: String) throws {
        #expect(try read(event(), type: type).punches.count == 1)
    }

    @Test(arguments: [
        "application/cloudevents", "application/cloudevents+xml", "application/cloudevents-batch",
        "application/cloudevents-batch+avro", "application/json", "", nil,
    ])
    func `another format is refused as one`(type: String?) {
        #expect(throws: SourceRefusal(.unsupportedFormat)) { try read(event(), type: type) }
    }

    @Test
    func `a batch is never read as one event, nor one event as a batch`() {
        #expect(throws: SourceRefusal(.malformed)) { try read(event(), type: "application/cloudevents-batch+json") }
        #expect(throws: SourceRefusal(.malformed)) { try read("[\(event())]") }
    }

    @Test
    func `one bad event of a batch spoils no other`() throws {
        let body = "[\(event()),{},7,\(event("clock.out", id: "2")),\(event("lunch", id: "3"))]"
        let reading = try read(body, type: "application/cloudevents-batch+json")
        #expect(reading.punches.map(\.kind) == [.clockIn, .clockOut])
        #expect(reading.warnings == ["unusable-item"])
        #expect(reading.deliveryID == nil)
    }

    @Test(arguments: ["specversion", "id", "source", "type"])
    func `an event without a required attribute is refused as malformed`(name: String) throws {
        let bad = event().replacing(#""\#(name)""#, with: #""other""#)
        #expect(throws: SourceRefusal(.malformed)) { try read(bad) }
        #expect(throws: SourceRefusal(.malformed)) { try read("[\(bad)]", type: "application/cloudevents-batch+json") }
        let headers = attributes.filter { $0.name != "ce-\(name)" }
        #expect(throws: SourceRefusal(.malformed)) { try read("", type: nil, headers: headers) }
    }

    @Test
    func `an event of another major version is refused as malformed`() {
        #expect(throws: SourceRefusal(.malformed)) { try read(event().replacing("1.0", with: "0.3")) }
    }

    @Test(arguments: [
        ("ce-subject", "A%20b", "A b"), ("ce-subject", #""A%20\"b\"""#, #"A "b""#), ("ce-subject", "%C3%A9", "é"),
        ("ce-subject", "100%", "100%"), ("ce-subject", "%2525", "%25"),
    ])
    func `an attribute in a header is unquoted, then decoded once`(name: String, value: String, agent: String) throws {
        let headers = attributes.filter { $0.name != name } + [(name: name, value: value)]
        #expect(try read("", type: nil, headers: headers).punches.map(\.externalAgent) == [agent])
    }

    @Test
    func `an attribute that is not UTF-8 is refused as malformed`() {
        let headers = attributes.filter { $0.name != "ce-id" } + [(name: "ce-id", value: "%FF")]
        #expect(throws: SourceRefusal(.malformed)) { try read("", type: nil, headers: headers) }
    }

    @Test(arguments: [
        (#","data":{"agentId":"B"}"#, "B"), (#","data":{"agent_id":"B"},"subject":"A""#, "B"),
        (#","data":"text","subject":"A""#, "A"), (#","data_base64":"eyJhZ2VudElkIjoiQiJ9""#, "B"),
    ])
    func `who is named in the data, or else by the subject`(more: String, agent: String) throws {
        #expect(try read(event(more: more)).punches.map(\.externalAgent) == [agent])
    }

    @Test
    func `the data of binary mode is the body`() throws {
        let reading = try read(#"{"agentId":"B"}"#, type: "application/json", headers: attributes)
        #expect(reading.punches.map(\.externalAgent) == ["B"])
    }

    @Test(arguments: [
        ("clock_in", PunchKind.clockIn), ("com.example.break-start", .breakStart),
        ("com.example.clock.break_end", .breakEnd), ("org.clock.out", .clockOut),
    ])
    func `the end of the type says what happened`(type: String, kind: PunchKind) throws {
        #expect(try read(event(type)).punches.map(\.kind) == [kind])
    }

    @Test(arguments: ["com.example.not-clock-in", "clock.in.requested", "in", "com.example.void", "clockin"])
    func `a type that only looks like one of ours is ignored`(type: String) throws {
        #expect(try read(event(type)).ignored == "unknown-type")
    }

    @Test
    func `the operator's types win`() throws {
        let reading = try read(event("com.example.arrived"), settings: { $0.map = ["com.example.arrived": .clockIn] })
        #expect(reading.punches.map(\.kind) == [.clockIn])
    }

    private static let times: [(String, String, Bool)] = [
        (#","time":"2026-03-02T08:00:00+01:00","subject":"A""#, "2026-03-02T07:00:00Z", true),
        (#","subject":"A""#, receivedAt.rfc3339, false),
    ]

    @Test(arguments: times)
    func `an event without a time happened on arrival`(more: String, time: String, isOwn: Bool) throws {
        let punches = try read(event(more: more)).punches
        #expect(punches.map(\.occurredAt.rfc3339) == [time])
        #expect(punches.map(\.hasOwnTime) == [isOwn])
    }

    @Test(arguments: [#","time":"08:00","subject":"A""#, #","time":7,"subject":"A""#, ""])
    func `an event whose time or agent cannot be read is ignored`(more: String) throws {
        #expect(try read(event(more: more)).ignored == "unusable")
    }

    private static let queryTokens: [(String?, String?, Bool)] = [
        (nil, "access_token=\(secret)", true), (nil, "a=b&access_token=a%2Dtoken-made-up-for-tests", true),
        ("Bearer other", "access_token=\(secret)", false), (nil, "access_token=other", false),
        (nil, "access_token=\(secret)&access_token=\(secret)", false), (nil, nil, false),
    ]

    @Test(arguments: queryTokens)
    func `the token may stand in the query where there is no other`(
        authorization: String?,
        query: String?,
        isTaken: Bool
    ) throws {
        let isRefused = (try? read(event(), authorization: authorization, query: query)) == nil
        #expect(isRefused != isTaken)
        #expect(throws: SourceRefusal(.badProof)) {
            try read(event(), authorization: nil, query: query, settings: { $0.auth = .header })
        }
    }

    @Test
    func `a sender that asks for consent gets it, and no other question an answer`() throws {
        let source = try makeClockSource(SourceSettings(name: "hr", kind: .cloudEvents, secrets: [Self.secret]))
        var request = Delivery(method: "OPTIONS", headers: [], body: [], receivedAt: Self.receivedAt)
        #expect(source.consent(to: request) == nil)
        request.set("WebHook-Request-Origin", "events.example.com")
        request.set("WebHook-Request-Rate", "120")
        #expect(
            source.consent(to: request)
                == DeliveryAnswer(
                    status: 200,
                    headers: [
                        "WebHook-Allowed-Origin": "events.example.com", "WebHook-Allowed-Rate": "120", "Allow": "POST",
                    ]
                )
        )
        let other = try makeClockSource(SourceSettings(name: "hr", kind: .genericBearer, secrets: [Self.secret]))
        #expect(other.consent(to: request) == nil)
    }
}
