import Domain
import Testing

@testable import ClockSources

@Suite("DeputySource")
struct DeputySourceTests {
    /// 2026-03-02T08:11:00Z and 2026-03-02T15:56:00Z.
    static let start = 1_772_439_060
    static let end = 1_772_466_960

    private func sheet(_ members: String, id: String = "88010") -> String {
        #"{"Id":\#(id),"Employee":42,"StartTime":\#(Self.start),\#(members)}"#
    }

    private func read(_ data: String, topic: String = "Timesheet.Update") throws -> DeliveryReading {
        try SignedDelivery.deputy(#"{"topic":"\#(topic)","data":\#(data)}"#).read()
    }

    @Test(arguments: ["Timesheet.Insert", "Timesheet.Update", "Timesheet.Save"])
    func `a timesheet in progress is open, whatever end it plans`(topic: String) throws {
        for end in ["0", "null", "\(Self.end)"] {
            let reading = try read(sheet(#""EndTime":\#(end),"IsInProgress":true"#), topic: topic)
            #expect(reading.story == ["clock_in 2026-03-02T08:11:00Z"])
            #expect(reading.punches.map(\.record) == ["88010"])
            #expect(reading.punches.map(\.externalAgent) == ["42"])
            #expect(reading.warnings.isEmpty)
        }
    }

    @Test
    func `a timesheet that is over has both ends, also without IsInProgress`() throws {
        for progress in [#","IsInProgress":false"#, ""] {
            let reading = try read(sheet(#""EndTime":\#(Self.end)"# + progress))
            #expect(reading.story == ["clock_in 2026-03-02T08:11:00Z", "clock_out 2026-03-02T15:56:00Z"])
        }
        #expect(try read(sheet(#""EndTime":0"#)).story == ["clock_in 2026-03-02T08:11:00Z"])
    }

    @Test
    func `a timesheet that is over without an end leaves nobody at work`() throws {
        let reading = try read(sheet(#""EndTime":0,"IsInProgress":false"#))
        #expect(reading.story.last == "clock_out \(SignedDelivery.receivedAt.rfc3339)")
        #expect(reading.warnings == ["closed-without-end"])
        let dated = try read(sheet(#""EndTime":0,"IsInProgress":false,"Modified":"2026-03-03T02:00:00+11:00""#))
        #expect(dated.story.last == "clock_out 2026-03-02T15:00:00Z")
    }

    @Test
    func `Modified orders the reports of a timesheet`() throws {
        func version(_ members: String) throws -> Int64? { try read(sheet(members)).punches.first?.version }
        let opened = try version(#""IsInProgress":true,"Modified":"2026-03-02T19:11:00+11:00""#)
        let closed = try version(#""EndTime":\#(Self.end),"IsInProgress":false,"Modified":"2026-03-02T19:11:00+11:00""#)
        let edited = try version(#""IsInProgress":true,"Modified":"2026-03-02T19:11:01+11:00""#)
        #expect(try #require(opened) < (try #require(closed)))
        #expect(try #require(closed) < (try #require(edited)))
        #expect(try version(#""IsInProgress":true"#) == nil)
    }

    @Test
    func `deletion and discarding withdraw the timesheet`() throws {
        let deleted = try read(sheet(#""IsInProgress":true"#), topic: "Timesheet.Delete")
        #expect(deleted.story == ["void \(SignedDelivery.receivedAt.rfc3339)"])
        #expect(deleted.punches.map(\.record) == ["88010"])
        let discarded = try read(sheet(#""Discarded":true,"Modified":"2026-03-02T09:00:00Z""#))
        #expect(discarded.story == ["void 2026-03-02T09:00:00Z"])
        #expect(try read(#"{"Id":7}"#, topic: "Timesheet.Delete").punches.map(\.record) == ["7"])
    }

    @Test
    func `breaks that were taken count, planned ones do not`() throws {
        func slot(_ state: String, _ start: Int, _ end: Int, type: String = "B") -> String {
            #"{"strType":"\#(type)","strState":"\#(state)","intUnixStart":\#(start),"intUnixEnd":\#(end)}"#
        }
        let ahead = Int(SignedDelivery.receivedAt.microseconds / 1_000_000) + 600
        let slots = [
            slot("Finished Duration", Self.start + 7200, Self.start + 9000),
            slot("Scheduled Duration", Self.start, Self.end),
            slot("In Progress", Self.end - 60, 0), slot("Finished Duration", Self.start + 60, 0, type: "S"),
            slot("In Progress", Self.start + 3600, ahead), slot("Started", ahead, ahead + 60),
        ]
        let reading = try read(sheet(#""IsInProgress":true,"Slots":[\#(slots.joined(separator: ","))]"#))
        #expect(
            reading.story == [
                "clock_in 2026-03-02T08:11:00Z", "break_start 2026-03-02T09:11:00Z", "break_start 2026-03-02T10:11:00Z",
                "break_end 2026-03-02T10:41:00Z", "break_start 2026-03-02T15:55:00Z",
            ]
        )
        #expect(reading.punches.map(\.ordinal) == [0, 1, 2, 3, 4])
        #expect(try read(sheet(#""IsInProgress":true,"Slots":[7]"#)).warnings == ["unusable-break"])
        #expect(try read(sheet(#""IsInProgress":true,"Slots":{}"#)).warnings == ["unusable-break"])
    }

    @Test
    func `data may be a list, in which one bad item spoils no other`() throws {
        let good = sheet(#""IsInProgress":true"#)
        let other = sheet(#""EndTime":\#(Self.end),"IsInProgress":false"#, id: #""88011""#)
        let reading = try read("[\(good),7,\(other),{}]")
        #expect(reading.punches.map(\.record) == ["88010", "88011", "88011"])
        #expect(reading.warnings == ["unusable-item"])
        #expect(try read("[]").ignored == "empty")
        #expect(try read("[{}]").ignored == "unusable")
        let many = Array(repeating: "{}", count: DeputySource.itemLimit + 1).joined(separator: ",")
        #expect(try read("[\(many)]").ignored == "too-many-items")
    }

    @Test(arguments: [
        #"{"Id":1,"StartTime":1772439060}"#, #"{"Employee":1,"StartTime":1772439060}"#, #"{"Id":1,"Employee":1}"#,
        #"{"Id":1,"Employee":1,"StartTime":9223372036854775807}"#, #"{"Id":1,"Employee":1,"StartTime":-5}"#,
        #"{"Id":1,"Employee":1,"StartTime":1772439060000}"#, #"{"Id":true,"Employee":1,"StartTime":1772439060}"#,
        #"{"Id":1,"Employee":1,"StartTime":1772439060,"EndTime":"soon"}"#, "null", #""text""#,
    ])
    func `a timesheet that cannot be read says nothing`(data: String) throws {
        #expect(try read(data) == DeliveryReading(ignored: "unusable"))
    }

    @Test
    func `other topics are ignored by their type`() throws {
        #expect(try read("{}", topic: "Employee.Update").ignored == "unknown-type")
        #expect(try SignedDelivery.deputy("{}").read().ignored == "unusable")
        #expect(try SignedDelivery.deputy("no JSON").read().ignored == "unusable")
    }

    @Test
    func `the signature may be hex or base64, and nothing else`() throws {
        var delivery = SignedDelivery.deputy(#"{"topic":"Timesheet.Insert","data":{}}"#)
        let code = SignedDelivery.code(delivery.body, key: SignedDelivery.secret)
        delivery.headers = [("x-deputy-secret", SignedDelivery.base64(code))]
        #expect(throws: Never.self) { try delivery.read() }
        for other in [
            "", SignedDelivery.hex(code).uppercased(), "sha256=" + SignedDelivery.hex(code), SignedDelivery.secret,
        ] {
            delivery.headers = [("x-deputy-secret", other)]
            #expect(throws: SourceRefusal(.badProof)) { try delivery.read() }
        }
    }

    @Test
    func `a source with a header of its own takes no signature, and the other way round`() throws {
        let signed = SignedDelivery.deputy(#"{"topic":"Timesheet.Insert","data":{}}"#)
        var told = signed
        told.headers = [("Authorization", "Bearer \(SignedDelivery.secret)")]
        #expect(throws: SourceRefusal(.badProof)) { try signed.read { $0.auth = .header } }
        #expect(throws: SourceRefusal(.badProof)) { try told.read() }
        #expect(throws: Never.self) { try told.read { $0.auth = .header } }
        told.headers = [("X-Roll", SignedDelivery.secret)]
        #expect(throws: Never.self) {
            try told.read {
                $0.auth = .header
                $0.headerName = "x-roll"
            }
        }
    }
}
