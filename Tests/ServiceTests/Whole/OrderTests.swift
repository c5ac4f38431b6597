import EngineSimulator
import LibPQ
import Testing

/// What people order: holds, removal, reboot.
@Suite("Orders", .timeLimit(.minutes(2)))
struct OrderTests {
    private func hold(_ state: String, _ service: RunningService, until: String) async throws {
        let json = #"{"state":"\#(state)","until":"\#(until)","reason":"training"}"#
        let answer = try await service.send("PUT", "/v1/agents/ana/hold", json: json)
        #expect(answer.status == 200, "\(answer.text)")
    }

    @Test
    func `a hold keeps a session running without a shift, and its end stops it`() async throws {
        try await withRunningService { service in
            try await service.add("ana")
            try await hold("running", service, until: rfc3339(in: 3600))
            let held = try await service.until("ana") { $0.condition == "held" }
            #expect(held.observed == "WORKING" && held.rule == "hold" && held.shift == "out")
            #expect(try await service.send("POST", "/v1/agents/ana/reconcile").status == 409)
            #expect(try await service.send("DELETE", "/v1/agents/ana/hold").status == 204)
            try await service.until("ana") { $0.observed == "STOPPED" && $0.condition == "converged" }
            #expect(try await service.engine.commands() == ["start", "stop"])
        }
    }

    @Test
    func `a hold keeps a session stopped through a clock-in, and its end starts it`() async throws {
        try await withRunningService { service in
            try await service.add("ana")
            try await hold("stopped", service, until: rfc3339(in: 3600))
            #expect(
                try await service.clock("clock-in", "ana", wait: 30).status == 202,
                "a held session is not waited for"
            )
            let held = try await service.until("ana") { $0.condition == "held" }
            #expect(held.observed == "STOPPED" && held.shift == "in" && held.desired == "stopped")
            #expect(try await service.engine.commands().isEmpty)
            #expect(try await service.send("DELETE", "/v1/agents/ana/hold").status == 204)
            try await service.until("ana") { $0.observed == "WORKING" && $0.condition == "converged" }
        }
    }

    @Test
    func `a hold ends by the clock, and what the shift asks for is done then`() async throws {
        try await withRunningService { service in
            try await service.add("ana")
            try await hold("running", service, until: rfc3339(in: 5))
            try await service.until { try await service.engine.commands() == ["start"] }
            try await service.until("ana") { $0.observed == "STOPPED" && $0.condition == "converged" }
            #expect(try await service.agent("ana").rule != "hold")
            #expect(try await service.engine.commands() == ["start", "stop"])
        }
    }

    @Test
    func `a look that a person orders finds what changed`() async throws {
        try await withRunningService { service in
            try await service.add("ana")
            #expect(try await service.clock("clock-in", "ana", wait: 30).status == 200)
            try await service.engine.fault(.selfStop, ["i-ana"])
            #expect(try await service.send("POST", "/v1/agents/ana/reconcile").status == 202)
            try await service.until { try await service.engine.commands() == ["start", "start"] }
            try await service.until("ana") { $0.observed == "WORKING" && $0.condition == "converged" }
        }
    }

    @Test
    func `a reboot is a stop, the pause and a start`() async throws {
        try await withRunningService { service in
            try await service.add("ana")
            #expect(try await service.send("POST", "/v1/agents/ana/reboot").status == 409)
            #expect(try await service.clock("clock-in", "ana", wait: 30).status == 200)
            #expect(try await service.send("POST", "/v1/agents/ana/reboot").status == 202)
            try await service.until { try await service.engine.commands().count == 3 }
            try await service.until("ana") { $0.observed == "WORKING" && $0.condition == "converged" }
            let commands = try await service.engine.calls().filter(\.isMutating)
            #expect(commands.map(\.operation) == ["start", "stop", "start"])
            #expect(commands[2].receivedMonotonicUs - (try #require(commands[1].answeredMonotonicUs)) >= 3_000_000)
        }
    }

    @Test
    func `an agent who is removed goes once the session is proved stopped, and comes back without a past`() async throws
    {
        try await withRunningService { service in
            try await service.add("ana")
            #expect(try await service.clock("clock-in", "ana", wait: 30).status == 200)
            #expect(try await service.send("DELETE", "/v1/agents/ana").status == 409)
            #expect(try await service.send("DELETE", "/v1/agents/ana?stop=true").status == 202)
            try await service.until { try await service.send("GET", "/v1/agents/ana").status == 404 }
            #expect(try await service.engine.status(of: "i-ana") == "STOPPED")
            #expect(try await service.engine.commands() == ["start", "stop"])
            for table in ["agents", "instances", "reconcile_queue", "looks"] {
                #expect(try await service.count("SELECT count(*) AS count FROM \(identifier: table)") == 0, "\(table)")
            }
            #expect(try await service.put("ana").status == 201)
            let again = try await service.until("ana") { $0.condition == "converged" }
            #expect(again.shift == "out" && again.desired == "stopped")
            #expect(try await service.engine.commands() == ["start", "stop"])
        }
    }

    @Test
    func `an instance that leaves its agent is stopped, and the new one is started`() async throws {
        try await withRunningService { service in
            try await service.add("ana")
            try await service.engine.put(["i-new"])
            #expect(try await service.clock("clock-in", "ana", wait: 30).status == 200)
            let moved = try await service.send(
                "PUT",
                "/v1/agents/ana",
                json: #"{"team":"support","instance":{"engine":"main","instance_id":"i-new"}}"#
            )
            #expect(moved.status == 200)
            try await service.until { try await service.engine.status(of: "i-ana") == "STOPPED" }
            try await service.until("ana") { $0.observed == "WORKING" && $0.condition == "converged" }
            #expect(try await service.engine.status(of: "i-new") == "WORKING")
            try await service.until { try await service.count("SELECT count(*) AS count FROM instances") == 1 }
            #expect(try await service.engine.commands(of: "i-ana") == ["start", "stop"])
            #expect(try await service.engine.commands(of: "i-new") == ["start"])
        }
    }
}
