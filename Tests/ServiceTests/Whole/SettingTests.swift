import Domain
import EngineSimulator
import LibPQ
import Testing

/// Services that are restarted, and run side by side, with another setting of what a break does.
@Suite("Another setting", .timeLimit(.minutes(4)))
struct SettingTests {
    private struct Changes: Decodable {
        struct Change: Decodable {
            var change: Int
            var state: String
            var kind: String
        }

        var items: [Change]
    }

    private func held(_ service: RunningService) async throws -> [Changes.Change] {
        let changes: Changes = try await service.send("GET", "/v1/guard").decoded()
        return changes.items.filter { $0.state == "held" }
    }

    @Test
    func `a restart with another setting stops nobody on break until somebody approves it`() async throws {
        try await withRunningService { first in
            let agents = (1...7).map { "a\($0)" }
            try await first.engine.put(agents.map { "i-\($0)" }, "STOPPED")
            for agent in agents {
                try await first.put(agent)
                try await first.clock("clock-in", agent)
                try await first.clock("break-start", agent)
            }
            for agent in agents { try await first.until(agent) { $0.shift == "break" && $0.observed == "WORKING" } }
            let url = first.databaseURL
            try await withRunningService(on: first.engine) {
                $0.databaseURL = url
                $0.policy.breakAction = .stop
            } _: { second in
                let (late, later) = ("a8", "a9")
                try await second.engine.put(["i-\(late)", "i-\(later)"], "STOPPED")
                for agent in [late, later] {
                    try await second.put(agent)
                    try await second.clock("clock-in", agent)
                }
                // Side by side: whoever takes the event, the one in force decides.
                try await second.clock("break-start", late)
                let onBreak = try await second.agent(late)
                #expect(onBreak.shift == "break" && onBreak.desired == "running" && onBreak.rule == "break")
                #expect(try await held(second).isEmpty)
                await first.stop()
                // Who stops in order has no say any more, so nobody waits until it is long gone.
                #expect(try await second.count("SELECT count(*) AS count FROM replicas") == 1)
                try await second.until(within: .seconds(50)) { try await held(second).map(\.kind) == ["setting"] }
                try await second.clock("break-start", later)
                #expect(try await second.agent(later).desired == "running")
                let stops = try await second.engine.calls().filter { $0.operation == "stop" }
                #expect(stops.isEmpty)
                let change = try #require(try await held(second).first?.change)
                #expect(try await second.send("POST", "/v1/guard/\(change)/approve").status == 200)
                for agent in agents + [late, later] {
                    try await second.until(agent) { $0.desired == "stopped" && $0.observed == "STOPPED" }
                }
            }
        }
    }
}
