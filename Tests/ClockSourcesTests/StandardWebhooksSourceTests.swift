import Crypto
import Domain
import Testing

@testable import ClockSources

@Suite("StandardWebhooksSource")
struct StandardWebhooksSourceTests {
    static let key = Array(UInt8(1)...UInt8(32))
    static let sentAt: Int64 = 1_772_438_400
    static let event = #"{"type":"clock.in","timestamp":"2026-03-02T08:00:00Z","data":{"agentId":"A"}}"#

    /// A delivery signed with ``key``; `signature` makes the header of the right signature.
    private func delivery(
        _ body: String = event,
        prefix: String = "webhook",
        id: String = "msg_1",
        time: String = String(sentAt),
        signature: (String) -> String = { "v1,\($0)" }
    ) -> Delivery {
        let code = HMAC<SHA256>.authenticationCode(
            for: Array("\(id).\(time).\(body)".utf8),
            using: SymmetricKey(data: Self.key)
        )
        return Delivery(
            headers: [
                ("\(prefix)-id", id), ("\(prefix)-timestamp", time),
                ("\(prefix)-signature", signature(Array(code).base64)),
            ],
            body: Array(body.utf8),
            receivedAt: Timestamp(seconds: Self.sentAt)
        )
    }

    private func source(
        _ secrets: [String] = ["whsec_" + key.base64],
        settings change: (inout SourceSettings) -> Void = { _ in }
    ) throws -> any ClockSource {
        var settings = SourceSettings(name: "hr", kind: .standardWebhooks, secrets: secrets)
        change(&settings)
        return try makeClockSource(settings)
    }

    @Test
    func `a list of more than a thousand is refused`() throws {
        let body = "[" + Array(repeating: Self.event, count: 1_001).joined(separator: ",") + "]"
        #expect(throws: SourceRefusal(.tooManyItems)) { try source().read(delivery(body)) }
        #expect(throws: SourceRefusal(.badProof)) { try source().read(delivery(body) { _ in "v1,none" }) }
    }

    @Test(arguments: ["webhook", "svix", "Webhook", "SVIX"])
    func `either family of headers proves a delivery`(prefix: String) throws {
        let reading = try source().read(delivery(prefix: prefix))
        #expect(reading.deliveryID == "msg_1")
        #expect(reading.punches.map(\.eventID) == ["msg_1"])
        #expect(reading.punches.map(\.externalAgent) == ["A"])
    }

    @Test
    func `headers of two families prove nothing together`() throws {
        var mixed = delivery()
        mixed.headers[0].name = "svix-id"
        #expect(refusal(of: mixed, by: try source()) == .badProof)
    }

    @Test
    func `any one signature of a known version is enough`() throws {
        let list = { (right: String) in "v9,AAAA v1a,\(right) v1,AAAA v1,\(right)" }
        #expect(try source().read(delivery(signature: list)).punches.count == 1)
    }

    @Test
    func `a signature counts with or without its padding`() throws {
        let bare = { (right: String) in "v1,\(right.filter { $0 != "=" })" }
        #expect(try source().read(delivery(signature: bare)).punches.count == 1)
    }

    @Test(arguments: ["v1 ", "v1a,", "V1,", "v2,", "", "v1,,", ","])
    func `a signature under another version or none proves nothing`(prefix: String) throws {
        #expect(refusal(of: delivery(signature: { prefix + $0 }), by: try source()) == .badProof)
    }

    @Test(arguments: [
        "", "-1772438400", "+1772438400", " 1772438400", "1772438400.0", "1772438400000", "99999999999999",
    ])
    func `a time that is not whole seconds proves nothing`(time: String) throws {
        #expect(refusal(of: delivery(time: time), by: try source()) == .badProof)
    }

    @Test
    func `the tolerance is the operator's`() throws {
        var late = delivery()
        late.receivedAt = Timestamp(seconds: Self.sentAt + 400)
        #expect(refusal(of: late, by: try source()) == .badProof)
        #expect(refusal(of: late, by: try source(settings: { $0.tolerance = .seconds(400) })) == nil)
    }

    @Test(arguments: [
        "whsec_", "whsec_AAAA", "whsk_" + key.base64, "whpk_AAAA", "whsec_not base64 but long enough",
        "whsec_" + Array(key.prefix(23)).base64,
    ])
    func `a secret that holds no key of the specification's is refused`(secret: String) {
        let expected: SourceSettingsError.Kind = secret.count < 16 ? .shortSecret : .badSecret
        #expect(throws: SourceSettingsError(expected, source: "hr")) { _ = try source([secret]) }
    }

    @Test
    func `a shared key may come without its prefix`() throws {
        #expect(try source([Self.key.base64]).read(delivery()).punches.count == 1)
    }

    @Test
    func `an event without a time happened when this attempt was sent`() throws {
        let punches = try source().read(delivery(#"{"type":"clock.out","data":{"agentId":"A"}}"#)).punches
        #expect(punches.map(\.occurredAt) == [Timestamp(seconds: Self.sentAt)])
        #expect(punches.map(\.hasOwnTime) == [false])
    }

    @Test(arguments: [
        ("clock.in", PunchKind.clockIn), ("clock_out", .clockOut), ("clock-in", .clockIn), ("break.start", .breakStart),
        ("clock.break_start", .breakStart), ("clock.break_end", .breakEnd), ("clock.break.end", .breakEnd),
    ])
    func `our words are taken in every spelling`(word: String, kind: PunchKind) throws {
        let body = Self.event.replacing("clock.in", with: word)
        #expect(try source().read(delivery(body)).punches.map(\.kind) == [kind])
    }

    @Test(arguments: ["{", "", "not JSON", "[1,"])
    func `a genuine body that is no JSON is refused as malformed`(body: String) throws {
        #expect(refusal(of: delivery(body), by: try source()) == .malformed)
    }

    @Test(arguments: ["{}", "7", "null", #"{"type":"clock.in","data":{}}"#])
    func `a genuine body without an event is accepted and ignored`(body: String) throws {
        let reading = try source().read(delivery(body))
        #expect(reading == DeliveryReading(deliveryID: "msg_1", ignored: "unusable"))
    }
}
