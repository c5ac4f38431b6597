import Domain
import Testing

@testable import ClockSources

@Suite("FrappeSource")
struct FrappeSourceTests {
    private func read(_ members: String) throws -> DeliveryReading {
        try SignedDelivery.frappe(#"{"name": "CK-1", "employee": "E-7", \#(members)}"#).read()
    }

    @Test(
        arguments: [
            ("IN", "2026-03-02 09:00:00", "clock_in 2026-03-02T08:00:00Z", []),
            ("OUT", "2025-07-01 09:00:00", "clock_out 2025-07-01T07:00:00Z", []),
            ("OUT", "2025-10-26 02:30:00", "clock_out 2025-10-26T00:30:00Z", ["ambiguous-local-time"]),
            ("IN", "2025-03-30 02:30:00", "clock_in 2025-03-30T01:30:00Z", ["ambiguous-local-time"]),
            ("IN", "2026-03-02 09:00:00.250000", "clock_in 2026-03-02T08:00:00.250Z", []),
        ] as [(String, String, String, [String])]
    )
    func `a checkin is one punch at the site's time`(
        type: String,
        time: String,
        story: String,
        warnings: [String]
    ) throws {
        let reading = try read(#""event": "after_insert", "log_type": "\#(type)", "time": "\#(time)""#)
        #expect(reading.story == [story])
        #expect(reading.warnings == warnings)
        #expect(reading.punches.map(\.record) == ["CK-1"])
        #expect(reading.punches.map(\.externalAgent) == ["E-7"])
        #expect(reading.deliveryID == nil)
    }

    @Test
    func `modified orders the changes of a checkin`() throws {
        func version(_ modified: String) throws -> Int64? {
            try read(#""log_type": "IN", "time": "2026-03-02 09:00:00", "modified": \#(modified)"#).punches[0].version
        }
        let first = try version(#""2026-03-02 09:00:01.000001""#)
        let second = try version(#""2026-03-02 09:00:01.000002""#)
        #expect(try #require(first) < (try #require(second)))
        #expect(try version("null") == nil)
        #expect(try version(#""yesterday""#) == nil)
    }

    @Test(arguments: ["9999-12-31 23:59:59", "1999-12-31 23:59:59"])
    func `a change that cannot be meant numbers nothing, and is flagged`(stamp: String) throws {
        let reading = try read(#""log_type": "IN", "time": "2026-03-02 09:00:00", "modified": "\#(stamp)""#)
        #expect(reading.story == ["clock_in 2026-03-02T08:00:00Z"])
        #expect(reading.punches.map(\.version) == [nil])
        #expect(reading.warnings == ["no-version"])
    }

    @Test(arguments: [#""log_type": """#, #""log_type": null"#, #""other": 1"#])
    func `a device that knows no direction moves nobody`(type: String) throws {
        let reading = try read(#""event": "after_insert", "time": "2026-03-02 09:00:00", \#(type)"#)
        #expect(reading == DeliveryReading(ignored: "no-direction"))
    }

    @Test(arguments: ["on_trash", "after_delete", "on_cancel"])
    func `what is deleted or cancelled is withdrawn on arrival`(event: String) throws {
        let reading = try read(#""event": "\#(event)", "log_type": "IN", "time": "2026-03-02 09:00:00""#)
        #expect(reading.story == ["void \(SignedDelivery.receivedAt.rfc3339)"])
        #expect(reading.punches.map(\.record) == ["CK-1"])
    }

    @Test(arguments: [
        #""log_type": "BOTH", "time": "2026-03-02 09:00:00""#, #""log_type": 1, "time": "2026-03-02 09:00:00""#,
        #""log_type": "IN", "time": "09:00""#, #""log_type": "IN", "time": "2026-03-02T09:00:00Z""#,
        #""log_type": "IN", "time": "1999-01-01 09:00:00""#, #""log_type": "IN", "time": "2030-01-01 09:00:00""#,
        #""log_type": "IN""#,
    ])
    func `a checkin that cannot be read says nothing`(members: String) throws {
        #expect(try read(members).ignored == "unusable")
    }

    @Test
    func `other documents and events are ignored by their type`() throws {
        let rest = #""log_type": "IN", "time": "2026-03-02 09:00:00""#
        #expect(try read(#""doctype": "Leave Application", \#(rest)"#).ignored == "unknown-type")
        #expect(try read(#""event": "on_payment", \#(rest)"#).ignored == "unknown-type")
        #expect(try read(#""doctype": "Employee Checkin", "event": "on_update", \#(rest)"#).punches.count == 1)
        #expect(try SignedDelivery.frappe("[]").read().ignored == "unusable")
    }

    @Test
    func `a webhook without a secret proves itself by header or address`() throws {
        var delivery = SignedDelivery.frappe(#"{"name": "CK-1", "employee": "E-7"}"#)
        delivery.headers = []
        delivery.token = SignedDelivery.secret
        #expect(throws: SourceRefusal(.badProof)) { try delivery.read() }
        #expect(throws: Never.self) { try delivery.read { $0.auth = .token } }
        delivery.token = nil
        delivery.headers = [("Authorization", "Bearer \(SignedDelivery.secret)")]
        #expect(throws: Never.self) { try delivery.read { $0.auth = .header } }
        #expect(throws: SourceRefusal(.badProof)) { try delivery.read { $0.auth = .token } }
    }
}
