import Domain
import Testing

@testable import ClockSources

@Suite("SevenShiftsSource")
struct SevenShiftsSourceTests {
    private func punch(_ members: String) -> String {
        #"{"id":90001,"user_id":51515,\#(members)}"#
    }

    private func read(_ members: String, topic: String? = "time_punch.edited") throws -> DeliveryReading {
        try SignedDelivery.sevenShifts(punch(members), topic: topic).read()
    }

    @Test(arguments: [
        #""clocked_in":"2026-03-02 07:40:00","clocked_in_iso":"2026-03-02T01:40:00-06:00""#,
        #""clocked_in":"2026-03-02 07:40:00""#,
        #""clocked_in":"2026-03-02 07:40:00","clocked_in_iso":"2026-03-02T1:40:00-6""#,
        #""clocked_in":"2026-03-02 7:40","clocked_in_iso":"2026-03-02T01:40:00-06:00""#,
        #""clocked_in_iso":"2026-03-02T01:40:00-06:00","clocked_out":null,"clocked_out_iso":null"#,
    ])
    func `whichever spelling of a time can be read counts`(members: String) throws {
        #expect(try read(members).story == ["clock_in 2026-03-02T07:40:00Z"])
    }

    @Test(arguments: [
        #""clocked_in":"7:40""#, #""clocked_out":"2026-03-02 07:40:00""#,
        #""clocked_in":"2026-03-02 07:40:00","clocked_out":"0000-00-00 00:00:00""#,
        #""clocked_in":"2026-03-02 07:40:00","clocked_out_iso":"later""#,
    ])
    func `a punch whose times cannot be read says nothing`(members: String) throws {
        #expect(try read(members) == DeliveryReading(ignored: "unusable"))
    }

    @Test
    func `breaks ride along, deleted ones do not`() throws {
        let breaks = [
            #"{"in":"2026-03-02 10:00:00","out":"2026-03-02 10:15:00","deleted":false}"#,
            #"{"in":"2026-03-02 08:00:00","out":"2026-03-02 08:15:00","deleted":true}"#,
            #"{"in_iso":"2026-03-02T02:40:00-06:00","out_iso":"2026-03-02T02:50:00-06:00"}"#, #"{"deleted":true}"#,
            #"{"in":"2026-03-02 12:00:00","out":null}"#,
        ]
        let list = breaks.joined(separator: ",")
        let reading = try read(#""clocked_in":"2026-03-02 07:40:00","time_punch_breaks":[\#(list)]"#)
        #expect(
            reading.story == [
                "clock_in 2026-03-02T07:40:00Z", "break_start 2026-03-02T08:40:00Z", "break_end 2026-03-02T08:50:00Z",
                "break_start 2026-03-02T10:00:00Z", "break_end 2026-03-02T10:15:00Z",
                "break_start 2026-03-02T12:00:00Z",
            ]
        )
        #expect(reading.warnings.isEmpty)
        let odd = try read(#""clocked_in":"2026-03-02 07:40:00","time_punch_breaks":[{"in":"noon"}]"#)
        #expect(odd.warnings == ["unusable-break"])
        #expect(odd.punches.count == 1)
    }

    @Test
    func `modified orders the reports, and more punches in one second are newer`() throws {
        func version(_ members: String) throws -> Int64? {
            try read(#""clocked_in":"2026-03-02 07:40:00","modified":"2026-03-02 07:40:00",\#(members)"#).punches[0]
                .version
        }
        let opened = try version(#""clocked_out":null"#)
        let onBreak = try version(#""time_punch_breaks":[{"in":"2026-03-02 09:40:00"}]"#)
        #expect(try #require(opened) < (try #require(onBreak)))
        #expect(try read(#""clocked_in":"2026-03-02 07:40:00""#).punches[0].version == nil)
    }

    @Test
    func `an automatic clock-out is flagged`() throws {
        let start = #""clocked_in":"2026-03-02 07:40:00","auto_clocked_out":true"#
        #expect(try read(start + #","clocked_out":"2026-03-02 16:40:00""#).warnings == ["auto-clock-out"])
        #expect(try read(start).warnings.isEmpty)
    }

    @Test
    func `a deleted punch is withdrawn when it was changed last`() throws {
        let members = #""clocked_in":"2026-03-02 07:40:00","modified":"2026-03-02 19:40:00""#
        #expect(try read(members, topic: "time_punch.deleted").story == ["void 2026-03-02T19:40:00Z"])
        #expect(try read(members + #","deleted":true"#, topic: nil).story == ["void 2026-03-02T19:40:00Z"])
        let undated = try read(#""clocked_in":"2026-03-02 07:40:00""#, topic: "time_punch.deleted")
        #expect(undated.story == ["void \(SignedDelivery.receivedAt.rfc3339)"])
    }

    @Test
    func `other topics are ignored by their type`() throws {
        #expect(try read(#""clocked_in":"2026-03-02 07:40:00""#, topic: "user.created").ignored == "unknown-type")
        #expect(try read(#""clocked_in":"2026-03-02 07:40:00""#, topic: "time_punch.modified").punches.count == 1)
    }

    @Test(arguments: [(0, true), (-301, false), (301, false)])
    func `a partner's signature covers body and time`(seconds: Int64, isTaken: Bool) throws {
        let sentAt = String(SignedDelivery.receivedAt.microseconds / 1_000_000 + seconds)
        var delivery = SignedDelivery.sevenShifts(punch(#""clocked_in":"2026-03-02 07:40:00""#))
        delivery.token = nil
        let code = SignedDelivery.code(delivery.body, key: "\(sentAt)#\(SignedDelivery.secret)")
        for signature in [SignedDelivery.hex(code), SignedDelivery.base64(code)] {
            delivery.headers = [("x-hmac-timestamp", sentAt), ("x-hmac-signature", signature)]
            if isTaken {
                #expect(try delivery.read { $0.auth = .hmac }.punches.count == 1)
            } else {
                #expect(throws: SourceRefusal(.badProof)) { try delivery.read { $0.auth = .hmac } }
            }
        }
        #expect(throws: SourceRefusal(.badProof)) { try delivery.read() }
        delivery.headers.removeLast()
        #expect(throws: SourceRefusal(.badProof)) { try delivery.read { $0.auth = .hmac } }
    }
}
