import Foundation
import Testing

/// `rollcall agents list`: the API's list, for a terminal.
@Suite("agents list", .timeLimit(.minutes(3)))
struct AgentsListTests {
    @Test
    func `agents are listed as the API lists them, all of them or those that are asked for`() async throws {
        try await withInstallation { installation in
            let service = try await installation.serve()
            let none = try await installation.run("agents", "list", "--json")
            #expect(none.code == 0 && none.output == "[]\n", "\(none.output)")
            try await service.put("ana", team: "blue")
            try await service.put("ben", team: "red")
            try await service.put("bare", team: "red", hasInstance: false)
            #expect(try await service.clock("clock-in", "ana", wait: 30).status == 200)
            try await service.until("ben") { $0.condition == "converged" }

            let table = try await installation.run("agents", "list")
            #expect(table.code == 0, "\(table.output)")
            #expect(
                table.output.split(separator: "\n").map(String.init) == [
                    "ana  blue  in  running  WORKING  converged  working",
                    "bare  red  out  stopped  -  unassigned  no_instance",
                    "ben  red  out  stopped  STOPPED  converged  stopped",
                ]
            )
            for (filter, agents) in [
                (["--team", "red"], ["bare", "ben"]), (["--team", "red", "--team", "blue"], ["ana", "bare", "ben"]),
                (["--condition", "unassigned"], ["bare"]), (["--search", "I-AN"], ["ana"]), (["--team", "green"], []),
                (["--agreement", "off"], ["ben"]), (["--agreement", "fine", "--condition", "unassigned"], []),
            ] {
                let process = try RollcallProcess(
                    ["agents", "list", "--json"] + filter,
                    settings: installation.settings
                )
                defer { process.kill() }
                #expect(try await process.ending() == .exit(0), "\(process.output)")
                let decoder = JSONDecoder()
                decoder.keyDecodingStrategy = .convertFromSnakeCase
                let listed = try decoder.decode([AgentView].self, from: Data(process.output.utf8))
                #expect(listed.map(\.agentId) == agents, "\(filter)")
                for agent in listed { #expect(try await service.agent(agent.agentId) == agent) }
            }
        }
    }
}
