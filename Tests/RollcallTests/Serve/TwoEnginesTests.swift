import Testing

/// Wawp and WAHA, swept every second.
private let twoEngines = [
    "ROLLCALL_ENGINES": "main,home",
    "ROLLCALL_ENGINE_HOME_KIND": "waha",
    "ROLLCALL_ENGINE_HOME_TOKEN": "tok_valid_0001",
    "ROLLCALL_ENGINE_HOME_CALLS_PER_SECOND": "500",
    "ROLLCALL_ENGINE_HOME_TIMEOUT": "3s",
    "ROLLCALL_SWEEP_INTERVAL": "1s",
    "ROLLCALL_OFF_SHIFT_SWEEP_INTERVAL": "1s",
]

/// One installation whose agents have sessions on two engines: Wawp as `main`, WAHA as `home`.
@Suite("Two engines at once", .serving(settings: twoEngines), .timeLimit(.minutes(4)))
struct TwoEnginesTests {
    private func put(_ agent: String, on engine: String, to service: Served) async throws {
        let instance = #"{"engine":"\#(engine)","instance_id":"i-\#(agent)"}"#
        let answer = try await service.send("PUT", "/v1/agents/\(agent)", json: #"{"instance":\#(instance)}"#)
        try #require(answer.status == 201, "\(answer.text)")
    }

    @Test
    func `clock-in starts either's session, drift of either is repaired, clock-out stops it and keeps its pairing`()
        async throws
    {
        let service = try Served.shared()
        for (agent, engine) in [("wanda", "main"), ("hana", "home")] {
            try await service.engine.put("i-\(agent)", "STOPPED")
            try await put(agent, on: engine, to: service)
            #expect(try await service.clock("clock-in", agent, wait: 30).status == 200)
            #expect(try await service.engine.status(of: "i-\(agent)") == "WORKING")
        }
        for agent in ["wanda", "hana"] {
            // It stops by itself, and nobody tells us.
            try await service.engine.put("i-\(agent)", "STOPPED")
            try await service.until("\(agent) is started again") {
                try await service.engine.commands(of: "i-\(agent)").map(\.operation) == ["start", "start"]
            }
            try await service.until(agent) { $0.observed == "WORKING" && $0.condition == "converged" }
            #expect(try await service.clock("clock-out", agent, wait: 30).status == 200)
            #expect(try await service.engine.status(of: "i-\(agent)") == "STOPPED")
            #expect(try await service.agent(agent).observed == "STOPPED")
            // It comes up by itself.
            try await service.engine.put("i-\(agent)", "WORKING")
            try await service.until("\(agent) is stopped again") {
                try await service.engine.commands(of: "i-\(agent)").map(\.operation) == [
                    "start", "start", "stop", "stop",
                ]
            }
            try await service.until(agent) { $0.observed == "STOPPED" && $0.condition == "converged" }
        }
        // Nobody scanned anything: the next start works because the pairing was kept.
        #expect(try await service.clock("clock-in", "hana", wait: 30).status == 200)
        #expect(try await service.engine.status(of: "i-hana") == "WORKING")
        #expect(try await service.engine.count(of: "list") > 0)
        for operation in ["create", "logout", "delete", "update"] {
            #expect(try await service.engine.count(of: operation) == 0)
        }
    }

    @Test
    func `each engine's sweep is asked for by its account's name`() async throws {
        let service = try Served.shared()
        try await service.engine.put("i-swept", "STOPPED")
        try await put("swept", on: "home", to: service)
        try await service.until("swept") { $0.condition == "converged" }
        for account in ["main", "home"] {
            #expect(try await service.send("POST", "/v1/engines/\(account)/sweep?wait=30").status == 200)
        }
        let checked = try await service.installation.run("check-config", settings: twoEngines)
        #expect(checked.code == 0, "\(checked.output)")
        #expect(checked.output.contains("waha") && !checked.output.contains("tok_valid_0001"))
    }
}
