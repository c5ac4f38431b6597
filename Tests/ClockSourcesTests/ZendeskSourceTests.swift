import Domain
import Testing

@testable import ClockSources

@Suite("ZendeskSource")
struct ZendeskSourceTests {
    private func body(
        to state: String = "online",
        from previous: String = "offline",
        detail: String = #""agent_id":"10011","version":"3""#,
        updatedAt: String = #""updated_at":"2026-03-02T08:01:00.642630335Z""#,
        type: String = "zen:event-type:agent.unified_state_changed"
    ) -> String {
        #"""
        {"id":"EV1","type":"\#(type)","time":"2026-03-02T08:01:02Z","subject":"zen:agent:10011","detail":{\#(detail)},
        "event":{"new_unified_state":{"name":"\#(state)"},"previous_unified_state":{"name":"\#(previous)"},\#(updatedAt)}}
        """#
    }

    @Test
    func `a change of state is one event with the agent's version and microseconds`() throws {
        let reading = try SignedDelivery.zendesk(body()).read()
        #expect(reading.story == ["clock_in 2026-03-02T08:01:00.642630Z"])
        #expect(reading.punches.map(\.version) == [3])
        #expect(reading.punches.map(\.eventID) == ["EV1"])
        #expect(reading.punches.map(\.record) == [nil])
        #expect(reading.deliveryID == "EV1")
    }

    @Test(arguments: [
        ("online", "offline", ["clock_in"]), ("online", "away", ["clock_in"]), ("away", "online", ["break_start"]),
        ("offline", "online", ["clock_out"]), ("offline", "away", ["clock_out"]),
        ("away", "offline", ["clock_in", "break_start"]),
        ("transfers_only", "offline", ["clock_in"]), ("Transfers only", "away", ["clock_in"]),
        ("away", "transfers only", ["break_start"]), ("online", "coffee", ["clock_in"]),
    ])
    func `states mean what the vendor's pages say, in either spelling`(
        state: String,
        from: String,
        kinds: [String]
    ) throws {
        let reading = try SignedDelivery.zendesk(body(to: state, from: from)).read()
        #expect(reading.punches.map(\.kind.rawValue) == kinds)
    }

    @Test
    func `the settings' words replace the usual ones`() throws {
        let reading = try SignedDelivery.zendesk(body(to: "Deep Work")).read { $0.map = ["deep work": .clockIn] }
        #expect(reading.punches.map(\.kind) == [.clockIn])
        #expect(try SignedDelivery.zendesk(body(to: "Deep Work")).read().ignored == "unmapped-word")
        #expect(try SignedDelivery.zendesk(body()).read { $0.map = ["deep work": .clockIn] }.ignored == "unmapped-word")
    }

    @Test
    func `what is missing is taken from its twin, or flagged`() throws {
        let unnamed = try SignedDelivery.zendesk(body(detail: #""version":4"#)).read()
        #expect(unnamed.punches.map(\.externalAgent) == ["10011"])
        #expect(unnamed.punches.map(\.version) == [4])
        let undated = try SignedDelivery.zendesk(body(updatedAt: #""updated_at":"never""#)).read()
        #expect(undated.story == ["clock_in 2026-03-02T08:01:02Z"])
        let unnumbered = try SignedDelivery.zendesk(body(detail: #""agent_id":10011,"version":"x""#)).read()
        #expect(unnumbered.warnings == ["no-version"])
    }

    @Test
    func `states per channel, other events and empty bodies are ignored`() throws {
        let channel = body(type: "zen:event-type:agent.state_changed")
        #expect(
            try SignedDelivery.zendesk(channel).read() == DeliveryReading(deliveryID: "EV1", ignored: "unknown-type")
        )
        #expect(try SignedDelivery.zendesk("").read().ignored == "empty")
        #expect(try SignedDelivery.zendesk("[]").read().ignored == "unusable")
    }

    @Test(arguments: [
        (-300, true), (-301, false), (300, true), (301, false),
    ])
    func `the signed time may lie within the tolerance either way`(seconds: Int, isTaken: Bool) throws {
        let sentAt = (SignedDelivery.receivedAt + .seconds(seconds)).rfc3339
        let delivery = SignedDelivery.zendesk(body(), sentAt: sentAt)
        if isTaken {
            #expect(try delivery.read().punches.count == 1)
        } else {
            #expect(throws: SourceRefusal(.badProof)) { try delivery.read() }
        }
    }

    @Test
    func `another time than the signed one is refused`() throws {
        var delivery = SignedDelivery.zendesk(body())
        delivery.headers[1].value = (SignedDelivery.receivedAt + .seconds(1)).rfc3339
        #expect(throws: SourceRefusal(.badProof)) { try delivery.read() }
        delivery.headers.remove(at: 1)
        #expect(throws: SourceRefusal(.badProof)) { try delivery.read() }
    }
}
