import Testing

/// `Prefer: wait=N`: the status speaks of convergence alone.
@Suite("Prefer: wait", .serving, .timeLimit(.minutes(4)))
struct WaitTests {
    @Test
    func `200 once the session is proved to run, and once it is proved to have stopped`() async throws {
        let service = try Served.shared()
        try await service.put("waits")
        let running = try await service.clock("clock-in", "waits", wait: 30)
        #expect(running.status == 200)
        #expect(try running.decoded(ReceiptView.self).replayed == false)
        let view = try await service.agent("waits")
        #expect(view.observed == "WORKING")
        #expect(view.condition == "converged")
        #expect(try await service.engine.status(of: "i-waits") == "WORKING")
        #expect(try await service.clock("clock-out", "waits", wait: 30).status == 200)
        #expect(try await service.agent("waits").observed == "STOPPED")
        #expect(try await service.engine.status(of: "i-waits") == "STOPPED")
        #expect(try await service.engine.commands(of: "i-waits").map(\.operation) == ["start", "stop"])
    }

    @Test
    func `a replay waits too, and says that it is one`() async throws {
        let service = try Served.shared()
        try await service.put("waits-again")
        let event = #"{"event_id":"waits-again-1"}"#
        #expect(try await service.clock("clock-in", "waits-again", json: event).status == 202)
        let answer = try await service.clock("clock-in", "waits-again", wait: 30, json: event)
        #expect(answer.status == 200)
        #expect(try answer.decoded(ReceiptView.self).replayed)
        #expect(try await service.agent("waits-again").observed == "WORKING")
    }

    @Test
    func `202 when time is up`() async throws {
        let service = try Served.shared()
        try await service.engine.put("i-late", "STOPPED")
        try await service.put("late")
        try await service.engine.fault("slow", on: "start", of: "i-late", milliseconds: 2500)
        #expect(try await service.clock("clock-in", "late", wait: 1).status == 202)
        try await service.until("late") { $0.observed == "WORKING" && $0.condition == "converged" }
    }

    @Test
    func `202 at once when a person is needed, when held, and without an instance`() async throws {
        let service = try Served.shared()
        let began = ContinuousClock.now
        try await service.engine.put("i-unpaired", "STOPPED", isPaired: false)
        try await service.put("unpaired")
        #expect(try await service.clock("clock-in", "unpaired", wait: 60).status == 202)
        #expect(try await service.agent("unpaired").condition == "needs_pairing")

        try await service.put("held")
        let hold = #"{"state":"stopped","until":"\#(instant(inSeconds: 3600))","reason":"a test"}"#
        #expect(try await service.send("PUT", "/v1/agents/held/hold", json: hold).status == 200)
        #expect(try await service.clock("clock-in", "held", wait: 60).status == 202)
        #expect(try await service.agent("held").shift == "in")
        #expect(try await service.agent("held").desired == "stopped")

        try await service.put("bare", hasInstance: false)
        #expect(try await service.clock("clock-in", "bare", wait: 60).status == 202)
        #expect(try await service.agent("bare").condition == "unassigned")
        #expect(try await service.clock("clock-in", "nobody", wait: 60).status == 202)
        // Not one of the four waited for the minute it was ready to wait.
        #expect(ContinuousClock.now - began < .seconds(55))
    }

    @Test(arguments: ["wait=soon", "wait=-1", "wait", "respond-async", ""])
    func `a wish that makes no sense is ignored`(prefer: String) async throws {
        let service = try Served.shared()
        let event = #"{"event_id":"wish \#(prefer)"}"#
        #expect(try await service.clock("clock-in", "wishes", json: event).status == 202)
        let path = "/v1/agents/wishes/clock-in"
        // A replay, as long as the status does not speak of convergence.
        let replay = try await service.send("POST", path, json: event, headers: ["Prefer": prefer])
        #expect(replay.status == 200)
        let waiting = try await service.send("POST", path, json: event, headers: ["Prefer": "wait=5"])
        #expect(waiting.status == 202)
    }
}
