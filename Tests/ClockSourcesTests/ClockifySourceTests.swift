import Domain
import Testing

@testable import ClockSources

@Suite("ClockifySource")
struct ClockifySourceTests {
    static let token = "tokenofonewebhook1"
    static let receivedAt = Timestamp(seconds: 1_772_500_000)
    static let closed = #""timeInterval":{"start":"2026-03-02T08:00:00Z","end":"2026-03-02T14:00:00Z"}"#

    private func read(
        _ event: String?,
        entry: String = closed,
        token: String = token,
        settings change: (inout SourceSettings) -> Void = { _ in }
    ) throws -> DeliveryReading {
        var settings = SourceSettings(name: "time", kind: .clockify, secrets: [Self.token])
        change(&settings)
        var delivery = Delivery(
            headers: [("Clockify-Signature", token)],
            body: Array(#"{"id":"E1","userId":"U1",\#(entry)}"#.utf8),
            receivedAt: Self.receivedAt
        )
        if let event { delivery.set("clockify-webhook-event-type", event) }
        return try makeClockSource(settings).read(delivery)
    }

    @Test(
        arguments: [
            ("NEW_TIMER_STARTED", 0), ("NEW_TIME_ENTRY", 0), ("TIMER_STOPPED", nil), ("TIME_ENTRY_UPDATED", nil),
        ] as [(String, Int64?)]
    )
    func `only the making of an entry is numbered, lowest`(event: String, version: Int64?) throws {
        let punches = try read(event).punches
        #expect(punches.map(\.kind) == [.clockIn, .clockOut])
        #expect(punches.map(\.version) == [version, version])
        #expect(punches.allSatisfy { $0.record == "E1" && $0.externalAgent == "U1" })
    }

    @Test
    func `a late start reopens nothing`() throws {
        let running = #""timeInterval":{"start":"2026-03-02T08:00:00Z","end":null},"currentlyRunning":true"#
        var ledger = ReferenceLedger(agents: ["U1": "a"])
        for reading in [try read("TIMER_STOPPED"), try read("NEW_TIMER_STARTED", entry: running)] {
            _ = ledger.take(reading, receivedAt: Self.receivedAt)
        }
        #expect(ledger.state(of: "a", at: Self.receivedAt) == "off")
    }

    @Test
    func `a deleted entry is withdrawn on arrival`() throws {
        let punches = try read("TIME_ENTRY_DELETED").punches
        #expect(
            punches == [SourcePunch(externalAgent: "U1", kind: .void, occurredAt: Self.receivedAt, record: "E1")]
        )
    }

    @Test(arguments: ["NEW_PROJECT", "", nil])
    func `another event is ignored by its type`(event: String?) throws {
        #expect(try read(event).ignored == "unknown-type")
    }

    @Test(arguments: [
        #""timeInterval":null"#, #""timeInterval":{"end":null}"#,
        #""timeInterval":{"start":"2026-03-02T08:00:00Z","end":7}"#,
    ])
    func `an entry whose times cannot be read says nothing`(entry: String) throws {
        #expect(try read("TIMER_STOPPED", entry: entry).ignored == "unusable")
    }

    @Test
    func `an entry that is over without an end is flagged`() throws {
        let entry = #""timeInterval":{"start":"2026-03-02T08:00:00Z"},"currentlyRunning":false"#
        #expect(try read("TIMER_STOPPED", entry: entry).warnings == ["closed-without-end"])
    }

    @Test
    func `an event with a token of its own takes no other`() throws {
        let own = { (settings: inout SourceSettings) in
            settings.tokens = ["TIMER_STOPPED": "tokenofstopwebhook|tokenofstopwebnext"]
        }
        for token in ["tokenofstopwebhook", "tokenofstopwebnext"] {
            #expect(try read("TIMER_STOPPED", token: token, settings: own).punches.count == 2)
            #expect(throws: SourceRefusal(.badProof)) { try read("NEW_TIME_ENTRY", token: token, settings: own) }
        }
        #expect(throws: SourceRefusal(.badProof)) { try read("TIMER_STOPPED", settings: own) }
        #expect(throws: SourceRefusal(.badProof)) { try read("TIMER_STOPPED", token: "", settings: own) }
        #expect(try read("NEW_TIME_ENTRY", settings: own).punches.count == 2)
    }

    @Test(arguments: ["", "short", "tokenofstopwebhook|short"])
    func `a token that is too short is refused`(token: String) {
        #expect(throws: SourceSettingsError(.shortToken, source: "time")) {
            try read("TIMER_STOPPED", settings: { $0.tokens = ["TIMER_STOPPED": token] })
        }
    }

    @Test
    func `tokens alone are enough`() throws {
        let reading = try read("TIMER_STOPPED") { settings in
            settings.tokens = ["TIMER_STOPPED": Self.token]
            settings.secrets = []
        }
        #expect(reading.punches.count == 2)
    }
}
