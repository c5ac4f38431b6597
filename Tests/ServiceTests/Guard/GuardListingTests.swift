import Domain
import LibPQ
import Testing

@testable import Service

/// No stop follows from a list alone, and what waits keeps nobody's clock from acting: with the real reconciler and engine.
@Suite("Guard: a list alone", .timeLimit(.minutes(3)))
struct GuardListingTests {
    private func importFile(
        _ service: RunningService,
        _ text: String,
        isDryRun: Bool = false
    ) async throws -> AgentImport.Report {
        let clock = DatabaseClock()
        try await clock.measure(service.owner)
        let directory = AgentDirectory(
            pool: service.owner,
            policy: service.policy,
            rules: MatchingRules(),
            clock: clock,
            wakes: RecordingBell()
        )
        return try await AgentImport(directory)
            .run(AgentImportFile(parsing: text.utf8), isDryRun: isDryRun, author: "hr")
    }

    private func listed(_ service: RunningService, _ agents: [String], _ status: String) async throws {
        try await service.engine.put(agents.map { "i-\($0)" }, status)
        let report = try await importFile(
            service,
            "agent_id,engine,instance_id\n" + agents.map { "\($0),main,i-\($0)\n" }.joined()
        )
        #expect(report.added == agents.count)
    }

    private func held(_ service: RunningService) async throws -> [Int] {
        struct Changes: Decodable {
            struct Change: Decodable {
                var change: Int
                var state: String
                var kind: String
                var waiting: Int
            }
            var items: [Change]
        }
        let changes: Changes = try await service.send("GET", "/v1/guard").decoded()
        return changes.items.filter { $0.state == "held" && $0.waiting > 0 }.map(\.change)
    }

    @Test
    func `sessions that an import finds running are not stopped until somebody confirms it`() async throws {
        try await withRunningService { service in
            try await listed(service, ["ana", "bo"], "WORKING")
            for agent in ["ana", "bo"] {
                let found = try await service.until(agent) { $0.reason == "listed_only" }
                #expect(
                    found.condition == "needs_attention" && found.observed == "WORKING" && found.desired == "stopped"
                )
            }
            try await service.sweep()
            try await service.sweep()
            #expect(try await service.engine.commands().isEmpty)
            let change = try #require(try await held(service).first)
            let approved = try await service.send(
                "POST",
                "/v1/guard/\(change)/approve",
                json: #"{"agents":["ana"]}"#
            )
            #expect(approved.status == 200, "\(approved.text)")
            try await service.until("ana") { $0.observed == "STOPPED" && $0.condition == "converged" }
            #expect(try await service.engine.commands(of: "i-bo").isEmpty)
            #expect(try await service.engine.commands(of: "i-ana") == ["stop"])
            #expect(try await held(service) == [change])
        }
    }

    @Test
    func `a clock event or a hold says enough, and from then on the session is as any other`() async throws {
        try await withRunningService { service in
            try await listed(service, ["ana", "bo"], "WORKING")
            for agent in ["ana", "bo"] { try await service.until(agent) { $0.reason == "listed_only" } }
            #expect(try await service.clock("clock-in", "ana", wait: 30).status == 200)
            #expect(try await service.engine.commands().isEmpty)
            #expect(try await service.clock("clock-out", "ana", wait: 30).status == 200)
            #expect(try await service.engine.commands(of: "i-ana") == ["stop"])
            let until = rfc3339(in: 600)
            let hold = #"{"state":"stopped","until":"\#(until)","reason":"exam"}"#
            #expect(try await service.send("PUT", "/v1/agents/bo/hold", json: hold).status == 200)
            try await service.until("bo") { $0.observed == "STOPPED" && $0.condition == "held" }
            try await service.until { try await held(service).isEmpty }
        }
    }

    @Test
    func `one that was seen stopped and comes up by itself is stopped, for that is repair`() async throws {
        try await withRunningService { service in
            try await listed(service, ["ana"], "STOPPED")
            try await service.until("ana") { $0.observed == "STOPPED" && $0.condition == "converged" }
            try await service.engine.put(["i-ana"], "WORKING")
            try await service.sweep()
            try await service.until("ana") { $0.observed == "STOPPED" && $0.condition == "converged" }
            #expect(try await service.engine.commands() == ["stop"])
        }
    }

    @Test
    func `one that is refused goes on running, and is no longer asked about`() async throws {
        try await withRunningService { service in
            try await listed(service, ["ana"], "WORKING")
            try await service.until("ana") { $0.reason == "listed_only" }
            let change = try #require(try await held(service).first)
            #expect(try await service.send("POST", "/v1/guard/\(change)/refuse").status == 200)
            try await service.sweep()
            #expect(try await held(service).isEmpty)
            #expect(try await service.engine.commands().isEmpty)
            #expect(try await service.agent("ana").reason == "listed_only")
        }
    }

    /// Says that ana's session is another than the one that an earlier file named.
    private static let correction = "agent_id,engine,instance_id\nana,main,i-y\n"

    @Test
    func `a corrected file stops no session that an earlier one brought, until somebody confirms it`() async throws {
        try await withRunningService { service in
            try await listed(service, ["ana"], "WORKING")
            try await service.engine.put(["i-y"], "WORKING")
            try await service.until("ana") { $0.reason == "listed_only" }
            let listing = try #require(try await held(service).first)
            let dry = try await importFile(service, Self.correction, isDryRun: true)
            let forecast = try #require(dry.forecast)
            #expect(forecast.held == ["ana"] && forecast.changing == 1)
            let report = try await importFile(service, Self.correction)
            let change = Int(try #require(report.heldChange))
            #expect(report.held == ["ana"])
            try await service.sweep()
            #expect(try await service.engine.commands().isEmpty)
            #expect(try await service.agent("ana").reason == "listed_only")
            #expect(try await held(service) == [change, listing])
            let approved = try await service.send("POST", "/v1/guard/\(change)/approve")
            #expect(approved.status == 200, "\(approved.text)")
            try await service.until { try await service.engine.status(of: "i-ana") == "STOPPED" }
            // Of the one that ana has instead nobody was asked yet, and it runs as well.
            try await service.until("ana") { $0.reason == "listed_only" }
            try await service.sweep()
            #expect(try await service.engine.commands(of: "i-ana") == ["stop"])
            #expect(try await service.engine.commands(of: "i-y").isEmpty)
            let others = try await held(service)
            #expect(others.count == 1 && others != [listing])
        }
    }

    @Test
    func `what was refused of one file is not undone by the next, of which the move may be refused too`() async throws {
        try await withRunningService { service in
            try await listed(service, ["ana"], "WORKING")
            try await service.until("ana") { $0.reason == "listed_only" }
            let listing = try #require(try await held(service).first)
            #expect(try await service.send("POST", "/v1/guard/\(listing)/refuse").status == 200)
            let change = try #require(try await importFile(service, Self.correction).heldChange)
            #expect(try await service.send("POST", "/v1/guard/\(change)/refuse").status == 200)
            try await service.sweep()
            #expect(try await service.engine.commands().isEmpty)
            #expect(try await service.agent("ana").reason == "listed_only")
            #expect(try await held(service).isEmpty)
        }
    }

    @Test
    func `while a move of sessions waits, clock events of the same agents act on the sessions they have`() async throws
    {
        try await withRunningService { service in
            try await service.add("ana")
            try await service.engine.put(["j-ana"])
            #expect(try await service.clock("clock-in", "ana", wait: 30).status == 200)
            let report = try await importFile(service, "agent_id,engine,instance_id\nana,main,j-ana\n")
            let change = try #require(report.heldChange)
            #expect(try await service.clock("clock-out", "ana", wait: 30).status == 200)
            #expect(try await service.engine.commands() == ["start", "stop"])
            #expect(try await service.clock("clock-in", "ana", wait: 30).status == 200)
            #expect(try await service.engine.commands(of: "i-ana") == ["start", "stop", "start"])
            #expect(try await service.engine.commands(of: "j-ana").isEmpty)
            // Drift of it is repaired meanwhile.
            try await service.engine.put(["i-ana"], "STOPPED")
            try await service.sweep()
            try await service.until("ana") { $0.observed == "WORKING" && $0.condition == "converged" }
            #expect(try await service.send("POST", "/v1/guard/\(change)/approve").status == 200)
            try await service.until("ana") { $0.observed == "WORKING" && $0.condition == "converged" }
            try await service.until { try await service.engine.status(of: "i-ana") == "STOPPED" }
            #expect(try await service.engine.commands(of: "j-ana") == ["start"])
        }
    }
}
