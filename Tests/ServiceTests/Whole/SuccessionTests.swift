import Domain
import EngineSimulator
import LibPQ
import Testing

/// Several services over one database, one after another and side by side.
@Suite("Succession", .timeLimit(.minutes(2)))
struct SuccessionTests {
    @Test(arguments: [true, false])
    func `a command whose outcome was lost with its service is settled by reading`(hadEffect: Bool) async throws {
        try await withRunningService { first in
            try await first.add("ana")
            #expect(try await first.clock("clock-in", "ana", wait: 30).status == 200)
            await first.stop()
            if !hadEffect { try await first.engine.put(["i-ana"], "STOPPED") }
            let intended = try await loseOutcome(first)
            let seen = try await first.engine.calls().count
            let url = first.databaseURL
            try await withRunningService(on: first.engine) {
                $0.databaseURL = url
                $0.callTimeout = .seconds(1)
            } _: { second in
                try await second.until("ana") { $0.observed == "WORKING" && $0.condition == "converged" }
                let calls = try await second.engine.calls(since: seen)
                #expect(calls.first?.isMutating == false, "a read comes first")
                let commands = calls.filter(\.isMutating)
                #expect(commands.map(\.operation) == (hadEffect ? [] : ["start"]))
                // Until then the lost service might still have sent it: the call's time-out and the gap.
                let over = intended + .seconds(4)
                #expect(commands.allSatisfy { $0.receivedAtUs >= over.microseconds })
            }
        }
    }

    /// Makes the rows say what a service leaves that is killed right after it committed the intent of a start.
    private func loseOutcome(_ service: RunningService) async throws -> Timestamp {
        _ = try await service.owner.pipeline([
            "UPDATE commands SET intended_at = now(), sent_at = NULL, ended_at = NULL, verdict = NULL, claim = NULL",
            """
            UPDATE observed_states
            SET reading = 'STOPPED', read_at = now() - interval '1 minute', reading_since = now() - interval '1 minute',
                claim = NULL, command_sent_at = now(), command_ended_at = NULL, command_verdict = NULL,
                start_sent_at = now(), attempts = 1, condition = 'starting', reason = 'should_run'
            """,
            """
            INSERT INTO reconcile_queue (instance, account, priority, due_at)
            SELECT instance, account, 0, now() + interval '4 seconds' FROM instances
            """,
        ])
        let rows = try await service.owner.query("SELECT intended_at FROM commands")
        return try rows[0].column("intended_at", as: Timestamp.self)
    }

    @Test
    func `of two services one acts, whichever is told, and the other takes over`() async throws {
        try await withRunningService { first in
            let agents = ["a1", "a2", "a3", "a4"]
            let url = first.databaseURL
            let engine = first.engine
            try await withRunningService(on: engine) {
                $0.databaseURL = url
            } _: { second in
                try await engine.put(agents.map { "i-\($0)" })
                for agent in agents { #expect(try await first.put(agent).status == 201) }
                for (agent, service) in zip(agents, [first, second, first, second]) {
                    try await service.clock("clock-in", agent)
                }
                for agent in agents {
                    try await second.until(agent) { $0.observed == "WORKING" && $0.condition == "converged" }
                    #expect(try await engine.commands(of: "i-\(agent)") == ["start"])
                }
                await first.stop()
                for agent in agents { try await second.clock("clock-out", agent) }
                for agent in agents {
                    try await second.until(agent) { $0.observed == "STOPPED" && $0.condition == "converged" }
                    #expect(try await engine.commands(of: "i-\(agent)") == ["start", "stop"])
                }
            }
        }
    }

    @Test
    func `a look ordered at a service that does not act is made by the one that does`() async throws {
        try await withRunningService { first in
            let url = first.databaseURL
            try await withRunningService(on: first.engine) {
                $0.databaseURL = url
            } _: { second in
                try await first.add("ana")
                #expect(try await first.clock("clock-in", "ana", wait: 30).status == 200)
                try await first.engine.fault(.selfStop, ["i-ana"])
                #expect(try await second.send("POST", "/v1/agents/ana/reconcile").status == 202)
                try await first.until { try await first.engine.commands() == ["start", "start"] }
                try await second.until("ana") { $0.observed == "WORKING" && $0.condition == "converged" }
            }
        }
    }

    @Test
    func `a sweep that is ordered at a service that does not act, and that nobody waits for, is made all the same`()
        async throws
    {
        try await withRunningService { first in
            let url = first.databaseURL
            try await withRunningService(on: first.engine) {
                $0.databaseURL = url
            } _: { second in
                try await first.add("ana")
                try await first.until("ana") { $0.condition == "converged" }
                try await first.engine.put(["i-ana"], "WORKING")
                #expect(try await second.send("POST", "/v1/engines/main/sweep?wait=0").status == 202)
                try await first.until { try await first.engine.commands() == ["stop"] }
                try await second.until("ana") { $0.observed == "STOPPED" && $0.condition == "converged" }
            }
        }
    }

    @Test
    func `the pause after a stop outlives the service that sent it`() async throws {
        try await withRunningService { first in
            try await first.add("ana")
            #expect(try await first.clock("clock-in", "ana", wait: 30).status == 200)
            try await first.clock("clock-out", "ana")
            try await first.until { try await first.engine.commands() == ["start", "stop"] }
            await first.stop()
            let url = first.databaseURL
            try await withRunningService(on: first.engine) {
                $0.databaseURL = url
            } _: { second in
                try await second.clock("clock-in", "ana")
                try await second.until("ana") { $0.observed == "WORKING" && $0.condition == "converged" }
                let commands = try await second.engine.calls().filter(\.isMutating)
                #expect(commands.map(\.operation) == ["start", "stop", "start"])
                let stopEnded = try #require(commands[1].answeredMonotonicUs)
                #expect(commands[2].receivedMonotonicUs - stopEnded >= 3_000_000)
            }
        }
    }
}
