import Domain
import EngineSimulator
import Testing

/// A shift from end to end: what is posted, what the engine sees, what is shown.
@Suite("A shift", .timeLimit(.minutes(2)))
struct ShiftTests {
    @Test
    func `a clock-in brings the session up and a clock-out takes it down, with one command each`() async throws {
        try await withRunningService { service in
            try await service.add("ana")
            #expect(try await service.clock("clock-in", "ana", wait: 30).status == 200)
            let working = try await service.agent("ana")
            #expect(working.shift == "in" && working.desired == "running" && working.rule == "shift")
            #expect(working.observed == "WORKING" && working.condition == "converged")
            #expect(try await service.engine.status(of: "i-ana") == "WORKING")

            #expect(try await service.clock("clock-out", "ana", wait: 30).status == 200)
            let stopped = try await service.agent("ana")
            #expect(stopped.shift == "out" && stopped.desired == "stopped")
            #expect(stopped.observed == "STOPPED" && stopped.condition == "converged")
            let session = try #require(try await service.engine.session("i-ana"))
            #expect(session.status == "STOPPED")
            #expect(session.paired, "a stop keeps the pairing")
            #expect(try await service.engine.commands() == ["start", "stop"])
        }
    }

    @Test
    func `a start leaves no sooner than three seconds after the answer to a stop`() async throws {
        try await withRunningService { service in
            try await service.add("ana")
            #expect(try await service.clock("clock-in", "ana", wait: 30).status == 200)
            try await service.clock("clock-out", "ana")
            #expect(try await service.clock("clock-in", "ana", wait: 30).status == 200)
            #expect(try await service.agent("ana").observed == "WORKING")
            let commands = try await service.engine.calls(of: "i-ana").filter(\.isMutating)
            // The stop's intent was committed with the clock-out, so the clock-in cannot overtake it.
            #expect(commands.map(\.operation) == ["start", "stop", "start"])
            let stopEnded = try #require(commands[1].answeredMonotonicUs)
            #expect(commands[2].receivedMonotonicUs - stopEnded >= 3_000_000)
            #expect(commands.allSatisfy { $0.httpStatus == 200 }, "the engine refuses what comes too soon")
        }
    }

    @Test
    func `a clock-out while the session boots stops it at once and it stays down`() async throws {
        try await withRunningService {
            $0.engine.bootTime = .seconds(60) ... .seconds(60)
        } _: { service in
            try await service.add("ana")
            try await service.clock("clock-in", "ana")
            try await service.until { try await service.engine.status(of: "i-ana") == "STARTING" }
            #expect(try await service.clock("clock-out", "ana", wait: 30).status == 200)
            #expect(try await service.engine.commands() == ["start", "stop"])
            #expect(try await service.engine.status(of: "i-ana") == "STOPPED")
        }
    }

    @Test
    func `a break keeps the session running, and the end of the shift stops it`() async throws {
        try await withRunningService { service in
            try await service.add("ana")
            #expect(try await service.clock("clock-in", "ana", wait: 30).status == 200)
            #expect(try await service.clock("break-start", "ana", wait: 30).status == 200)
            let onBreak = try await service.agent("ana")
            #expect(onBreak.shift == "break" && onBreak.desired == "running" && onBreak.rule == "break")
            #expect(try await service.clock("clock-out", "ana", wait: 30).status == 200)
            #expect(try await service.engine.commands() == ["start", "stop"])
        }
    }

    @Test
    func `a break stops the session where the policy says so, and its end starts it again`() async throws {
        try await withRunningService {
            $0.policy.breakAction = .stop
        } _: { service in
            try await service.add("ana")
            #expect(try await service.clock("clock-in", "ana", wait: 30).status == 200)
            #expect(try await service.clock("break-start", "ana", wait: 30).status == 200)
            #expect(try await service.agent("ana").observed == "STOPPED")
            #expect(try await service.clock("break-end", "ana", wait: 30).status == 200)
            #expect(try await service.agent("ana").observed == "WORKING")
            #expect(try await service.engine.commands() == ["start", "stop", "start"])
        }
    }

    @Test
    func `a wish to wait is answered at once where nothing can come of it`() async throws {
        try await withRunningService { service async throws in
            #expect(try await service.send("PUT", "/v1/agents/bo", json: "{}").status == 201)
            let began = ContinuousClock.now
            #expect(try await service.clock("clock-in", "bo", wait: 60).status == 202)
            #expect(ContinuousClock.now - began < .seconds(60), "it waited to the end")
            #expect(try await service.agent("bo").condition == "unassigned")
        }
    }
}
