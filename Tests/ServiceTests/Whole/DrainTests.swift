import Domain
import EngineSimulator
import LibPQ
import Testing

/// The end of the service: what is under way is seen through.
@Suite("The end", .timeLimit(.minutes(2)))
struct DrainTests {
    @Test
    func `a command under way is awaited and recorded`() async throws {
        try await withRunningService { service in
            try await service.add("ana")
            try await service.until("ana") { $0.condition == "converged" }
            try await service.engine.fault(.slow, on: [.start], params: #"{"ms":\#(1500 * ServiceSetup.speed)}"#)
            try await service.clock("clock-in", "ana")
            try await service.until { try await service.engine.commands() == ["start"] }
            await service.stop()
            let commands = try await service.owner.query(
                "SELECT verdict, ended_at IS NOT NULL AS has_ended FROM commands"
            )
            #expect(commands.rowCount == 1)
            let row = try #require(commands.first)
            #expect(try row.column("verdict", as: String?.self) == "ok")
            #expect(try row.column("has_ended", as: Bool.self))
            #expect(
                try await service.count("SELECT count(*) AS count FROM observed_states WHERE command_verdict = 'ok'")
                    == 1
            )
            #expect(
                try await service.count("SELECT count(*) AS count FROM engine_leases WHERE holder IS NOT NULL") == 0
            )
            #expect(try await service.count("SELECT count(*) AS count FROM replicas") == 0)
        }
    }

    @Test
    func `commands that still wait are not sent, and whoever comes next need not wait for them`() async throws {
        try await withRunningService {
            $0.callsPerSecond = 1
        } _: { service in
            try await service.engine.put(["i-a1", "i-a2", "i-a3"])
            for agent in ["a1", "a2", "a3"] { try await service.put(agent) }
            for agent in ["a1", "a2", "a3"] { try await service.until(agent) { $0.condition == "converged" } }
            for agent in ["a1", "a2", "a3"] { try await service.clock("clock-in", agent) }
            await service.stop()
            let sent = try await service.engine.commands().count
            #expect(sent < 3)
            let open = try await service.count("SELECT count(*) AS count FROM commands WHERE ended_at IS NULL")
            #expect(open == 0)
            // They are looked at a second after they were kept back, not after the time that a call may take.
            let due = try await service.count(
                """
                SELECT count(*) AS count
                FROM reconcile_queue q
                JOIN observed_states o ON o.instance = q.instance
                WHERE o.command_verdict = 'notSent' AND q.due_at <= now() + interval '1 second'
                """
            )
            #expect(due == 3 - Int64(sent))
        }
    }

    @Test
    func `requests that wait for a session are answered at once`() async throws {
        try await withRunningService {
            $0.engine.bootTime = .seconds(600) ... .seconds(600)
        } _: { service in
            try await service.add("ana")
            async let waiting = service.clock("clock-in", "ana", wait: 60)
            try await service.until { try await service.engine.commands() == ["start"] }
            let began = ContinuousClock.now
            service.beginStop()
            #expect(try await waiting.status == 202)
            await service.stop()
            #expect(ContinuousClock.now - began < .seconds(60), "it waited to the end")
        }
    }

    @Test
    func `what one service left is taken up by the next`() async throws {
        try await withRunningService { first in
            try await first.add("ana")
            #expect(try await first.clock("clock-in", "ana", wait: 30).status == 200)
            await first.stop()
            try await first.engine.fault(.selfStop, ["i-ana"])
            let url = first.databaseURL
            let engine = first.engine
            try await withRunningService(on: engine) {
                $0.databaseURL = url
            } _: { second in
                // By its own first walk or by a sweep that is asked for, whichever comes first.
                try await second.sweep()
                try await second.until { try await engine.commands().count == 2 }
                try await second.until("ana") { $0.observed == "WORKING" && $0.condition == "converged" }
                #expect(try await engine.commands() == ["start", "start"])
            }
        }
    }
}
