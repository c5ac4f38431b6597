import Domain
import EngineSimulator
import Engines
import LibPQ
import Testing

/// Answers that say more, less or something else than what happened.
@Suite("Untrue answers", .timeLimit(.minutes(2)))
struct UntrueAnswerTests {
    @Test
    func `a start that only claims to have worked is not believed, and is sent again`() async throws {
        try await withRunningService { service in
            try await service.add("ana")
            try await service.engine.fault(.lying200, on: [.start], count: 1)
            #expect(try await service.clock("clock-in", "ana", wait: 30).status == 200)
            #expect(try await service.engine.status(of: "i-ana") == "WORKING")
            #expect(try await service.engine.commands() == ["start", "start"])
        }
    }

    @Test
    func `a session that never starts although every start claims so is shown stopped, and somebody is told`()
        async throws
    {
        try await withRunningService { service in
            try await service.add("ana")
            try await service.engine.fault(.lying200, on: [.start])
            #expect(try await service.clock("clock-in", "ana", wait: 30).status == 202)
            let ana = try await service.until("ana") { $0.reason == "start_refused" }
            #expect(ana.condition == "needs_attention" && ana.observed == "STOPPED")
        }
    }

    @Test
    func `a stop that only claims to have worked is not believed`() async throws {
        try await withRunningService { service in
            try await service.add("ana")
            #expect(try await service.clock("clock-in", "ana", wait: 30).status == 200)
            try await service.engine.fault(.lying200, on: [.stop], count: 1)
            #expect(try await service.clock("clock-out", "ana", wait: 30).status == 200)
            #expect(try await service.engine.status(of: "i-ana") == "STOPPED")
            #expect(try await service.engine.commands() == ["start", "stop", "stop"])
        }
    }

    @Test(arguments: [FaultKind.dropAfterEffect, .cutReply, .empty200, .garbage200])
    func `a command whose answer is lost is not sent again when it had its effect`(kind: FaultKind) async throws {
        try await withRunningService { service in
            try await service.add("ana")
            try await service.engine.fault(kind, on: [.start], count: 1)
            #expect(try await service.clock("clock-in", "ana", wait: 30).status == 200)
            try await service.engine.fault(kind, on: [.stop], count: 1)
            #expect(try await service.clock("clock-out", "ana", wait: 30).status == 200)
            #expect(try await service.engine.status(of: "i-ana") == "STOPPED")
            #expect(try await service.engine.commands() == ["start", "stop"])
        }
    }

    @Test
    func `a command that hangs is settled by reading, not sent again`() async throws {
        try await withRunningService {
            $0.callTimeout = .milliseconds(600)
        } _: { service in
            try await service.add("ana")
            let params = #"{"ms":600000,"effect":true}"#
            try await service.engine.fault(.hang, on: [.start], params: params, count: 1)
            #expect(try await service.clock("clock-in", "ana", wait: 30).status == 200)
            try await service.engine.fault(.hang, on: [.stop], params: params, count: 1)
            #expect(try await service.clock("clock-out", "ana", wait: 30).status == 200)
            #expect(try await service.engine.status(of: "i-ana") == "STOPPED")
            #expect(try await service.engine.commands() == ["start", "stop"])
            #expect(try await service.explain("ana").commands.map(\.verdict) == ["ambiguous", "ambiguous"])
        }
    }

    @Test
    func `a command whose answer is lost is sent again when it had no effect`() async throws {
        try await withRunningService { service in
            try await service.add("ana")
            try await service.engine.fault(.dropBeforeEffect, on: [.start], count: 1)
            #expect(try await service.clock("clock-in", "ana", wait: 30).status == 200)
            #expect(try await service.engine.status(of: "i-ana") == "WORKING")
            #expect(try await service.engine.commands() == ["start", "start"])
            let verdicts = try await service.explain("ana").commands.map(\.verdict)
            #expect(verdicts == ["ok", "ambiguous"])
        }
    }

    @Test
    func `a start that keeps being refused does not hold up the clock-out`() async throws {
        try await withRunningService {
            $0.policy.longestRetry = .seconds(600)
            $0.policy.firstRetry = .seconds(300)
        } _: { service in
            try await service.add("ana")
            try await service.until("ana") { $0.condition == "converged" }
            try await service.engine.fault(.error, on: [.start], params: #"{"effect":true}"#, count: 1)
            try await service.clock("clock-in", "ana")
            try await service.until("ana") { $0.reason == "retry_later" }
            #expect(try await service.clock("clock-out", "ana", wait: 30).status == 200)
            #expect(try await service.engine.status(of: "i-ana") == "STOPPED")
            #expect(try await service.engine.commands() == ["start", "stop"])
        }
    }

    @Test(arguments: [EngineKind.wawp, .waha])
    func `a session that says WORKING and has no account is shown as suspect, and a reboot brings it back`(
        kind: EngineKind
    ) async throws {
        try await withRunningService {
            $0.engineKind = kind
        } _: { service in
            try await service.add("ana")
            #expect(try await service.clock("clock-in", "ana", wait: 30).status == 200)
            try await service.engine.fault(.dead, ["i-ana"])
            try await service.sweep()
            let ana = try await service.until("ana") { $0.condition == "needs_attention" }
            #expect(ana.reason == "suspect" && ana.observed == "WORKING", "\(ana)")
            // Nobody but a person ends what claims to work.
            try await service.sweep()
            #expect(try await service.agent("ana").reason == "suspect")
            #expect(try await service.engine.commands() == ["start"])
            #expect(try await service.send("POST", "/v1/agents/ana/reboot").status == 202)
            try await service.until("ana") { $0.observed == "WORKING" && $0.condition == "converged" }
            #expect(try await service.engine.commands() == ["start", "stop", "start"])
        }
    }

    @Test
    func `an outage ends by itself and is one incident`() async throws {
        try await withRunningService { service in
            let agents = (1...25).map { "a\($0)" }
            try await service.engine.put(agents.map { "i-\($0)" })
            for agent in agents { try await service.put(agent) }
            for agent in agents { try await service.until(agent) { $0.condition == "converged" } }
            try await service.engine.fault(.outage)
            for agent in agents { try await service.clock("clock-in", agent) }
            try await service.until {
                try await service.count("SELECT count(*) AS count FROM incidents WHERE kind = 'engine_outage'") == 1
            }
            try await service.engine.mend()
            for agent in agents {
                try await service.until(agent) { $0.observed == "WORKING" && $0.condition == "converged" }
            }
            try await service.until {
                try await service.count("SELECT count(*) AS count FROM incidents WHERE closed_at IS NULL") == 0
            }
            #expect(try await service.count("SELECT count(*) AS count FROM incidents") == 1)
        }
    }
}
