import Crypto
import Domain
import Testing

@testable import ClockSources

@Suite("TwilioSource")
struct TwilioSourceTests {
    static let token = "an-auth-token-made-up"
    static let url = "https://clock.example.test/v1/sources/desk/events?a=1"
    static let receivedAt = Timestamp(seconds: 1_772_500_000)

    /// A change of activity; `changes` replaces parameters, `nil` leaves one out.
    private func read(
        _ changes: [String: String?] = [:],
        signedURL: String = url,
        settings change: (inout SourceSettings) -> Void = { _ in }
    ) throws -> DeliveryReading {
        var parameters: [String: String?] = [
            "EventType": "worker.activity.update", "Sid": "EV1", "WorkerSid": "WK1", "WorkerName": "kira",
            "WorkerActivityName": "Available", "WorkerPreviousActivityName": "Offline", "Timestamp": "1772438400",
            "TimestampMs": "1772438400137",
        ]
        parameters.merge(changes) { $1 }
        let fields = parameters.compactMap { name, value in value.map { (name, $0) } }.sorted { $0.0 < $1.0 }
        let signed = Array((signedURL + fields.map { $0.0 + $0.1 }.joined()).utf8)
        let body = fields.shuffled().map { "\($0.0)=\(encoded($0.1))" }.joined(separator: "&")
        var settings = SourceSettings(name: "desk", kind: .twilio, secrets: [Self.token], publicURL: Self.url)
        change(&settings)
        let delivery = Delivery(
            headers: [("X-Twilio-Signature", hmac(Insecure.SHA1.self, Self.token, signed).base64)],
            body: Array(body.utf8),
            receivedAt: Self.receivedAt
        )
        return try makeClockSource(settings).read(delivery)
    }

    /// Encoded as forms are: a blank as `+`, everything but letters and digits in hexadecimal digits.
    private func encoded(_ text: String) -> String {
        text.utf8.map { byte in
            switch byte {
            case 0x20: "+"
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: String(decoding: [byte], as: UTF8.self)
            default: "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }.joined()
    }

    @Test
    func `a parameter that is put in twice, which the proof cannot tell, changes nothing`() throws {
        for item in try ClockCase.all(of: .twilio) where item.expect.reject == nil {
            let source = try makeClockSource(item.settings)
            let reading = try source.read(item.delivery)
            for pair in item.body.split(separator: "&") {
                var delivery = try item.delivery
                delivery.body += Array("&\(pair)".utf8)
                #expect(try source.read(delivery) == reading, "\(pair)")
            }
        }
    }

    @Test
    func `a change of activity is one event, to the millisecond`() throws {
        let reading = try read()
        #expect(reading.punches.map(\.kind) == [.clockIn])
        #expect(reading.punches.map(\.occurredAt.microseconds) == [1_772_438_400_137_000])
        #expect(reading.punches.map(\.eventID) == ["EV1"])
        #expect(reading.deliveryID == "EV1")
        #expect(reading.answer == DeliveryAnswer(status: 204))
    }

    @Test(arguments: ["Zoë & co + 1 = 2%", "日本", "", "a\nb", "{\"x\":[1]}"])
    func `values are signed as they are meant, however they are encoded`(value: String) throws {
        #expect(try read(["WorkerAttributes": value, "WorkerName": value]).punches.count == 1)
    }

    @Test(
        arguments: zip(
            [
                ("Offline", "Available"), ("Available", "Break"), ("Break", "Available"), ("Break", "Offline"),
                ("Offline", "Break"), ("Lunch", "Break"), ("Lunch", "Available"), ("Break", "Break"),
            ],
            [
                ["clock_in"], ["break_start"], ["break_end"], ["clock_out"], ["clock_in", "break_start"],
                ["clock_in", "break_start"], ["clock_in"], ["break_start"],
            ]
        )
    )
    func `what a change means depends on where it comes from`(change: (String, String), kinds: [String]) throws {
        let reading = try read(["WorkerPreviousActivityName": change.0, "WorkerActivityName": change.1])
        #expect(reading.punches.map(\.kind.rawValue) == kinds)
    }

    @Test
    func `who goes straight to a break and then to work is at work`() throws {
        var ledger = ReferenceLedger(agents: ["WK1": "kira"])
        let pause = try read(["WorkerActivityName": "Break"])
        let work = try read([
            "WorkerPreviousActivityName": "Break", "Sid": "EV2", "TimestampMs": "1772438500000",
        ])
        _ = ledger.take(pause, receivedAt: Self.receivedAt)
        #expect(ledger.state(of: "kira", at: Self.receivedAt) == "break")
        _ = ledger.take(work, receivedAt: Self.receivedAt)
        #expect(ledger.state(of: "kira", at: Self.receivedAt) == "on")
        #expect(Set(pause.punches.map(\.eventID)).count == 2)
    }

    @Test
    func `the operator's map replaces the usual words`() throws {
        let map = { (settings: inout SourceSettings) in settings.map = ["On the phone": .clockIn] }
        #expect(try read(["WorkerActivityName": "On the phone"], settings: map).punches.map(\.kind) == [.clockIn])
        #expect(try read(settings: map).ignored == "unmapped-word")
    }

    @Test(arguments: [
        "https://clock.example.test/v1/sources/desk/events?a=1",
        "https://clock.example.test:443/v1/sources/desk/events?a=1",
    ])
    func `the port of the scheme may be signed or not`(signed: String) throws {
        #expect(try read(signedURL: signed).punches.count == 1)
        #expect(
            try read(
                signedURL: signed,
                settings: {
                    $0.publicURL = "https://clock.example.test:443/v1/sources/desk/events?a=1"
                }
            ).punches.count == 1
        )
    }

    @Test(arguments: [
        "https://clock.example.test/v1/sources/desk/events", "http://clock.example.test/v1/sources/desk/events?a=1",
        "https://clock.example.test/v1/sources/desk/events?a=2",
        "https://other.example.test/v1/sources/desk/events?a=1",
    ])
    func `a signature for another address is refused`(signed: String) {
        #expect(throws: SourceRefusal(.badProof)) { try read(signedURL: signed) }
    }

    @Test
    func `seconds will do where there are no milliseconds`() throws {
        #expect(try read(["TimestampMs": nil]).punches.map(\.occurredAt.rfc3339) == ["2026-03-02T08:00:00Z"])
    }

    @Test(
        arguments: [
            (["EventType": "task.created"], "unknown-type"), (["EventType": nil], "unusable"),
            (["Sid": nil], "unusable"),
            (["WorkerSid": ""], "unusable"), (["WorkerActivityName": nil], "unusable"),
            (["Timestamp": nil, "TimestampMs": nil], "unusable"),
            (["WorkerActivityName": "available"], "unmapped-word"),
        ] as [([String: String?], String)]
    )
    func `what cannot be used is accepted and ignored`(changes: [String: String?], label: String) throws {
        let reading = try read(changes)
        #expect(reading.ignored == label)
        #expect(reading.answer?.status == 204)
    }
}
