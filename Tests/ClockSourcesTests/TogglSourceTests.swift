import Crypto
import Domain
import Foundation
import Testing

@testable import ClockSources

@Suite("TogglSource")
struct TogglSourceTests {
    static let secret = "a-secret-that-is-made-up"
    static let receivedAt = Timestamp(seconds: 1_772_500_000)

    private func read(_ body: String) throws -> DeliveryReading {
        let code = hmac(SHA256.self, Self.secret, Array(body.utf8)).map { String(format: "%02x", $0) }.joined()
        let delivery = Delivery(
            headers: [("X-Webhook-Signature-256", "sha256=\(code)")],
            body: Array(body.utf8),
            receivedAt: Self.receivedAt
        )
        return try makeClockSource(SourceSettings(name: "toggl", kind: .toggl, secrets: [Self.secret])).read(delivery)
    }

    /// A notice about entry 30; `entry` holds its members besides ids.
    private func notice(
        _ action: String = "updated",
        entry: String,
        createdAt: String = "2026-03-02T14:00:00.500Z",
        model: String = "time_entry"
    ) -> String {
        #"""
        {"event_id":7,"created_at":"\#(createdAt)","creator_id":9,"metadata":{"action":"\#(action)","model":"\#(model)",
        "event_user_id":"9"},"payload":{"id":30,"user_id":12,\#(entry)}}
        """#
    }

    @Test
    func `a closed entry says its start and its stop, by its own user`() throws {
        let entry = #""start":"2026-03-02T08:00:00Z","stop":"2026-03-02T14:00:00Z","duration":21600"#
        let reading = try read(notice(entry: entry))
        #expect(reading.punches.map(\.kind) == [.clockIn, .clockOut])
        #expect(reading.punches.map(\.ordinal) == [0, 1])
        #expect(reading.punches.allSatisfy { $0.externalAgent == "12" && $0.record == "30" })
        #expect(reading.deliveryID == "7")
    }

    @Test
    func `an entry runs while its duration is negative`() throws {
        let start = #""start":"2026-03-02T08:00:00Z","stop":null"#
        #expect(try read(notice("created", entry: start + #","duration":-1772438400"#)).punches.count == 1)
        let closed = try read(notice("created", entry: start + #","duration":90"#)).punches
        #expect(closed.map(\.occurredAt.rfc3339) == ["2026-03-02T08:00:00Z", "2026-03-02T08:01:30Z"])
    }

    @Test
    func `later changes have higher versions, also within one second`() throws {
        func version(at changedAt: String, createdAt: String) throws -> Int64 {
            let entry = #""start":"2026-03-02T08:00:00Z","stop":null,"duration":-1,"at":"\#(changedAt)""#
            return try #require(read(notice(entry: entry, createdAt: createdAt)).punches.first?.version)
        }
        let versions = try [
            version(at: "2026-03-02T08:00:00+00:00", createdAt: "2026-03-02T08:00:00.100Z"),
            version(at: "2026-03-02T08:00:00+00:00", createdAt: "2026-03-02T08:00:00.900Z"),
            version(at: "2026-03-02T08:00:05+00:00", createdAt: "2026-03-02T08:00:01.000Z"),
        ]
        #expect(versions == versions.sorted() && Set(versions).count == 3)
    }

    @Test
    func `an entry that says no time of change has no version`() throws {
        let body = notice(entry: #""start":"2026-03-02T08:00:00Z","stop":null,"duration":-1"#, createdAt: "soon")
        let reading = try read(body)
        #expect(reading.punches.map(\.version) == [nil])
        #expect(reading.warnings == ["no-version"])
    }

    @Test(arguments: [
        ("deleted", #""server_deleted_at":"2026-03-02T13:59:59Z""#, "2026-03-02T13:59:59Z"),
        ("deleted", #""server_deleted_at":null"#, "2026-03-02T14:00:00.500Z"),
        (
            "updated", #""server_deleted_at":"2026-03-02T13:59:59Z","start":"2026-03-02T08:00:00Z""#,
            "2026-03-02T13:59:59Z"
        ),
    ])
    func `a deleted entry is withdrawn when it was deleted`(action: String, entry: String, time: String) throws {
        let reading = try read(notice(action, entry: entry))
        #expect(reading.punches.map(\.kind) == [.void])
        #expect(reading.punches.map(\.record) == ["30"])
        #expect(reading.punches.map(\.occurredAt.rfc3339) == [time])
    }

    @Test
    func `a ping is answered with its code, and has no id to be known by`() throws {
        let reading = try read(#"{"event_id":0,"payload":"ping","validation_code":"a\"b"}"#)
        #expect(
            reading
                == DeliveryReading(
                    ignored: "handshake",
                    answer: DeliveryAnswer(status: 200, body: #"{"validation_code":"a\"b"}"#)
                )
        )
        #expect(try read(#"{"event_id":0,"payload":"ping"}"#) == DeliveryReading(ignored: "handshake"))
    }

    @Test(arguments: [
        ("updated", "project", "unknown-type"), ("archived", "time_entry", "unknown-type"),
    ])
    func `what is about something else is ignored by its type`(action: String, model: String, why: String) throws {
        #expect(try read(notice(action, entry: #""start":null"#, model: model)).ignored == why)
    }

    @Test(arguments: ["no JSON", "{}", "[]", #"{"payload":"pong"}"#, #"{"payload":{"id":30}}"#])
    func `a genuine body of another shape is accepted and ignored`(body: String) throws {
        #expect(try read(body).ignored == "unusable")
    }

    @Test(arguments: [
        #""start":null"#, #""start":"8 o'clock""#, #""start":"2026-03-02T08:00:00Z","stop":"later""#,
        #""start":"2026-03-02T08:00:00Z","stop":false"#,
    ])
    func `an entry whose times cannot be read says nothing`(entry: String) throws {
        #expect(try read(notice(entry: entry)) == DeliveryReading(deliveryID: "7", ignored: "unusable"))
    }
}
