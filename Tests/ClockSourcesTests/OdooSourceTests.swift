import Domain
import Testing

@testable import ClockSources

@Suite("OdooSource")
struct OdooSourceTests {
    private func read(
        _ members: String,
        action: String = "Clock hook(#12)",
        employee: String = "14"
    ) throws
        -> DeliveryReading
    {
        let rest = #""_id": 700, "_model": "hr.attendance", "employee_id": \#(employee), \#(members)"#
        return try SignedDelivery.odoo(#"{"_action": "\#(action)", \#(rest)}"#).read()
    }

    @Test
    func `false means that there is no end yet`() throws {
        let reading = try read(#""check_in": "2026-03-02 08:02:00", "check_out": false"#)
        #expect(reading.story == ["clock_in 2026-03-02T08:02:00Z"])
        #expect(reading.warnings.isEmpty)
        #expect(reading.punches.map(\.record) == ["700"])
    }

    @Test
    func `times are UTC in spite of any zone in the settings`() throws {
        let reading = try read(#""check_in": "2026-03-02 08:02:00.5", "check_out": "2026-03-02T12:03:00""#)
        #expect(reading.story == ["clock_in 2026-03-02T08:02:00.500Z", "clock_out 2026-03-02T12:03:00Z"])
    }

    @Test(arguments: ["14", #"[14, "Made Up"]"#, #""14""#])
    func `an employee is a number, a pair or text`(employee: String) throws {
        let reading = try read(#""check_in": "2026-03-02 08:02:00", "check_out": false"#, employee: employee)
        #expect(reading.punches.map(\.externalAgent) == ["14"])
    }

    @Test
    func `write_date orders the reports, and of two in one second the one that says more is newer`() throws {
        func version(_ members: String) throws -> Int64? {
            try read(#""check_in": "2026-03-02 08:02:00", \#(members)"#).punches[0].version
        }
        let opened = try version(#""check_out": false, "write_date": "2026-03-02 08:02:00""#)
        let closed = try version(#""check_out": "2026-03-02 08:02:00", "write_date": "2026-03-02 08:02:00""#)
        let fine = try version(#""check_out": false, "write_date": "2026-03-02 08:02:00.123456""#)
        #expect(try #require(opened) < (try #require(closed)))
        #expect(fine == 1_772_438_520_123_456)
        #expect(try version(#""check_out": false, "write_date": false"#) == nil)
    }

    @Test(arguments: ["9999-12-31 23:59:59", "1999-12-31 23:59:59"])
    func `a write_date that cannot be meant numbers nothing, and is flagged`(stamp: String) throws {
        let reading = try read(#""check_in": "2026-03-02 08:02:00", "check_out": false, "write_date": "\#(stamp)""#)
        #expect(reading.story == ["clock_in 2026-03-02T08:02:00Z"])
        #expect(reading.punches.map(\.version) == [nil])
        #expect(reading.warnings == ["no-version"])
    }

    @Test
    func `what the administrator left out or Odoo did by itself is a warning`() throws {
        let start = #""check_in": "2026-03-02 08:02:00""#
        #expect(try read(start).warnings == ["end-not-sent"])
        let automatic = try read(start + #", "check_out": "2026-03-02 20:00:00", "out_mode": "auto_check_out""#)
        #expect(automatic.warnings == ["auto-clock-out"])
        #expect(try read(start + #", "check_out": false, "out_mode": false"#).warnings.isEmpty)
        #expect(
            try read(start + #", "check_out": "2026-03-02 07:00:00""#).warnings == ["end-before-start"]
        )
    }

    @Test(arguments: ["Clock hook delete(#13)", "Attendance Deleted(#13)", "unlink(#4)"])
    func `a rule for deletions is known by its action's name`(action: String) throws {
        let reading = try read(#""check_in": "2026-03-02 08:02:00", "check_out": false"#, action: action)
        #expect(reading.story == ["void \(SignedDelivery.receivedAt.rfc3339)"])
        #expect(reading.punches.map(\.record) == ["700"])
    }

    @Test(arguments: [
        #""check_out": false"#, #""check_in": false"#, #""check_in": true, "check_out": false"#,
        #""check_in": "2026-03-02 08:02:00", "check_out": true"#,
        #""check_in": "2026-03-02 08:02:00", "check_out": "x""#,
        #""check_in": "2026-02-29 08:02:00", "check_out": false"#,
    ])
    func `an attendance that cannot be read says nothing`(members: String) throws {
        #expect(try read(members) == DeliveryReading(ignored: "unusable"))
    }

    @Test
    func `another model is ignored by its type, a body without one is unusable`() throws {
        #expect(try SignedDelivery.odoo(#"{"_model": "hr.leave", "_id": 1}"#).read().ignored == "unknown-type")
        #expect(try SignedDelivery.odoo(#"{"_id": 1}"#).read().ignored == "unusable")
        #expect(try read(#""check_in": "2026-03-02 08:02:00""#, employee: "false").ignored == "unusable")
    }

    @Test(arguments: [nil, "", "a-secret-that-is-made-up-for-test", "a-secret-that-is-made-up-for-testsx"])
    func `only the whole token at the end of the address is proof`(token: String?) {
        var delivery = SignedDelivery.odoo("{}")
        delivery.token = token
        #expect(throws: SourceRefusal(.badProof)) { try delivery.read() }
        delivery.headers = [("Authorization", "Bearer \(SignedDelivery.secret)")]
        #expect(throws: SourceRefusal(.badProof)) { try delivery.read() }
    }
}
