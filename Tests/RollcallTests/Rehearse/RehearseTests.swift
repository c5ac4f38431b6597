import Foundation
import Testing

/// `rollcall rehearse` with an engine behind it, small.
@Suite("rehearse act, burst, sweep", .timeLimit(.minutes(5)))
struct RehearseTests {
    private struct Line: Decodable {
        var what: String
        var count: Int
        var failures: Int
    }

    /// Rehearses with 20 agents, or fewer where the arguments say so.
    private func lines(_ arguments: [String], _ service: Served) async throws -> [Line] {
        let process = try RollcallProcess(
            ["rehearse"] + arguments + [
                "--url", "http://127.0.0.1:\(service.http.port)", "--simulator",
                "http://127.0.0.1:\(service.engine.http.port)", "--agents", "20", "--patience", "60", "--json",
            ],
            settings: ["REHEARSE_KEY": Installation.adminKey]
        )
        defer { process.kill() }
        let ending = try await process.ending(within: .seconds(120))
        #expect(ending == .exit(0), "\(process.output)")
        return try JSONDecoder().decode([Line].self, from: Data(process.output.utf8))
    }

    @Test
    func `each says when the engine heard of everybody, and brings sessions where they should be`() async throws {
        try await withInstallation { installation in
            let service = try await installation.serve()
            for (arguments, count) in [(["act", "--rate", "20"], 20), (["burst", "8"], 8)] {
                let lines = try await lines(arguments, service)
                #expect(lines.map(\.what) == ["event to answer", "event to engine's start call"])
                #expect(lines.map(\.count) == [count, count] && lines.allSatisfy { $0.failures == 0 }, "\(lines)")
            }
            let swept = try await lines(["sweep", "--drift", "5"], service)
            #expect(swept.map(\.what) == ["whole sweep of 20", "drift to engine's start call"])
            #expect(swept.map(\.count) == [1, 5] && swept.allSatisfy { $0.failures == 0 }, "\(swept)")
            try await service.until("all are back") {
                let page: Page = try await service.send("GET", "/v1/agents?team=rehearsal&limit=100").decoded()
                return page.items.count == 20 && page.items.allSatisfy { $0.observed == "WORKING" }
            }
        }
    }

    private struct Page: Decodable {
        var items: [AgentView]
    }

    @Test
    func `without the engine's address it says what is missing, and measures nothing`() async throws {
        try await withInstallation { installation in
            let service = try await installation.serve()
            for command in ["act", "sweep"] {
                let process = try RollcallProcess(
                    ["rehearse", command, "--url", "http://127.0.0.1:\(service.http.port)", "--agents", "1"],
                    settings: ["REHEARSE_KEY": Installation.adminKey]
                )
                defer { process.kill() }
                #expect(try await process.ending() == .exit(3))
                #expect(process.output.contains("--simulator"), "\(process.output)")
            }
        }
    }
}
