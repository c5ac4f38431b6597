import Domain
import Testing

@testable import ClockSources

@Suite("GenericBearerSource")
struct GenericBearerSourceTests {
    static let secret = "a-token-made-up-for-tests"
    static let receivedAt = Timestamp(seconds: 1_772_500_000)
    static let event = #"{"event_id":"e1","agent_id":"A","kind":"clock_in","occurred_at":"2026-03-02T08:00:00Z"}"#

    private func read(
        _ body: String,
        headers: [(name: String, value: String)] = [(name: "Authorization", value: "Bearer \(secret)")],
        token: String? = nil,
        settings change: (inout SourceSettings) -> Void = { _ in }
    ) throws -> DeliveryReading {
        var settings = SourceSettings(name: "hr", kind: .genericBearer, secrets: [Self.secret])
        change(&settings)
        let delivery = Delivery(headers: headers, body: Array(body.utf8), token: token, receivedAt: Self.receivedAt)
        return try makeClockSource(settings).read(delivery)
    }

    @Test
    func `a native clock event reads as one punch with its id`() throws {
        let reading = try read(Self.event)
        let punch = SourcePunch(
            externalAgent: "A",
            kind: .clockIn,
            occurredAt: try #require(Timestamp(rfc3339: "2026-03-02T08:00:00Z")),
            eventID: "e1"
        )
        #expect(reading == DeliveryReading(deliveryID: "e1", punches: [punch]))
    }

    @Test(arguments: ["Bearer", "Bearer ", "Basic \(secret)", secret, "Bearer \(secret)x", "Bearer  \(secret)"])
    func `any other authorization is refused`(value: String) {
        #expect(throws: SourceRefusal(.badProof)) {
            try read(Self.event, headers: [(name: "authorization", value: value)])
        }
    }

    @Test
    func `the secret may stand in a header of the sender's choice`() throws {
        let headers = [(name: "x-hr-token", value: Self.secret)]
        #expect(try read(Self.event, headers: headers, settings: { $0.headerName = "X-HR-Token" }).punches.count == 1)
        #expect(throws: SourceRefusal(.badProof)) { try read(Self.event, settings: { $0.headerName = "X-HR-Token" }) }
    }

    @Test
    func `the secret may stand at the end of the path`() throws {
        let reading = try read(Self.event, headers: [], token: Self.secret, settings: { $0.auth = .token })
        #expect(reading.punches.count == 1)
        #expect(throws: SourceRefusal(.badProof)) {
            try read(Self.event, token: "other", settings: { $0.auth = .token })
        }
        #expect(throws: SourceRefusal(.badProof)) { try read(Self.event, headers: [], token: Self.secret) }
    }

    @Test(arguments: zip([#""k-1""#, "k-1", #""a\"b\\c""#], ["k-1", "k-1", #"a"b\c"#]))
    func `an idempotency key is read quoted or bare`(header: String, key: String) throws {
        let headers = [
            (name: "Authorization", value: "bearer \(Self.secret)"), (name: "Idempotency-Key", value: header),
        ]
        let body = #"{"agent_id":"A","kind":"clock_out","occurred_at":"2026-03-02T08:00:00Z"}"#
        let reading = try read(body, headers: headers)
        #expect(reading.deliveryID == key)
        #expect(reading.punches.map(\.eventID) == [key])
    }

    @Test
    func `where a key is required, any id will do and none will not`() throws {
        let bare = #"{"agent_id":"A","kind":"clock_in"}"#
        #expect(try read(Self.event, settings: { $0.requireKey = true }).punches.count == 1)
        #expect(throws: SourceRefusal(.missingKey)) { try read(bare, settings: { $0.requireKey = true }) }
        #expect(throws: SourceRefusal(.missingKey)) {
            try read("[\(Self.event),\(bare)]", settings: { $0.requireKey = true })
        }
        #expect(try read(bare).punches.map(\.occurredAt) == [Self.receivedAt])
    }

    @Test
    func `one bad item of a list spoils no other`() throws {
        let reading = try read("[\(Self.event),7,null,{\"agent_id\":\"B\",\"kind\":\"break-end\"}]")
        #expect(reading.punches.map(\.externalAgent) == ["A", "B"])
        #expect(reading.warnings == ["unusable-item"])
    }

    @Test
    func `items without an id take the delivery's, each its own`() throws {
        let headers = [(name: "Authorization", value: "Bearer \(Self.secret)"), (name: "Idempotency-Key", value: "k")]
        let item = #"{"agent_id":"A","kind":"clock_in"}"#
        let reading = try read("[\(item),\(Self.event),\(item)]", headers: headers)
        #expect(reading.punches.map(\.eventID) == ["k/0", "e1", "k/2"])
    }

    @Test(arguments: [
        ("[]", "empty"),
        ("7", "unusable"),
        ("{}", "unusable"),
        (#"{"agent_id":"A","kind":"lunch"}"#, "unknown-type"),
        (#"{"agent_id":"A","kind":"void"}"#, "unknown-type"),
        (#"{"agent_id":"A","kind":"clock_in","occurred_at":"08:00"}"#, "unusable"),
        (#"{"agent_id":"A","kind":"clock_in","timestamp":1772438400}"#, "unusable"),
        (#"{"agent_id":"A","kind":"clock_in","event_id":5}"#, "unusable"),
    ])
    func `what cannot be used is accepted and ignored`(body: String, label: String) throws {
        let reading = try read(body)
        #expect(reading.ignored == label)
        #expect(reading.punches.isEmpty)
    }

    @Test
    func `a list of more than a thousand is refused, and one of a thousand is not`() throws {
        let list = { (count: Int) in "[" + Array(repeating: Self.event, count: count).joined(separator: ",") + "]" }
        #expect(try read(list(1_000)).punches.count == 1_000)
        #expect(throws: SourceRefusal(.tooManyItems)) { try read(list(1_001)) }
        #expect(SourceRefusal(.tooManyItems).status == 413)
    }

    @Test
    func `the operator's words win over ours`() throws {
        let body = #"{"type":"online","timestamp":"2026-03-02T08:00:00Z","data":{"agent_id":"A"}}"#
        let reading = try read(body, settings: { $0.map = ["online": .clockIn] })
        #expect(reading.punches.map(\.kind) == [.clockIn])
        #expect(try read(Self.event, settings: { $0.map = ["clock_in": .clockOut] }).punches.map(\.kind) == [.clockOut])
    }
}
