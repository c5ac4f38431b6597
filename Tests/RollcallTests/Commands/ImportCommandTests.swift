import Foundation
import LibPQ
import Testing

/// `rollcall agents import`, and what the other commands say of the result.
@Suite("agents import", .timeLimit(.minutes(3)))
struct ImportCommandTests {
    /// Writes a file for the length of the body.
    private func withFile(_ text: String, _ body: (String) async throws -> Void) async throws {
        let path = NSTemporaryDirectory() + "/rollcall-import-\(UUID().uuidString).csv"
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: path) }  // Left over at worst.
        try await body(path)
    }

    @Test
    func `a dry run prints the difference and writes nothing; the import then does what it said`() async throws {
        try await withInstallation { installation in
            _ = try await installation.run("migrate")
            try await withFile("agent_id,name,team,engine,instance_id\nana,Ana,blue,main,i-ana\nbo,Bo,red,,\n") {
                path in
                let dry = try await installation.run("agents", "import", path, "--dry-run")
                #expect(dry.code == 0)
                #expect(dry.output.contains("+ ana  name: Ana  team: blue  instance: main/i-ana"), "\(dry.output)")
                #expect(dry.output.contains("2 would be added, 0 would be changed, 0 unchanged"))
                let held = "nothing would be held: what is desired of 0 sessions would change; at most 5 may"
                #expect(dry.output.contains(held), "\(dry.output)")
                #expect(try await installation.count("SELECT count(*) AS count FROM agents") == 0)
                let real = try await installation.run("agents", "import", path)
                #expect(real.code == 0)
                #expect(real.output.contains("2 added, 0 changed, 0 unchanged"), "\(real.output)")
            }
            try await withFile("agent_id,team\nana,green\n") { path in
                let dry = try await installation.run("agents", "import", path, "--dry-run", "--json")
                let line = dry.output.replacing("\n", with: "")
                let report = try JSONDecoder().decode(Report.self, from: Data(line.utf8))
                #expect(report.changes.map(\.agentID) == ["ana"])
                #expect(report.changes.first?.fields["team"] == ["from": "blue", "to": "green"])
                #expect((report.added, report.changed, report.unchanged) == (0, 1, 0))
                #expect(report.guard.limit == 5 && !report.guard.wouldHold && report.guard.desiredChanges == 0)
            }
            let show = try await installation.run("agents", "show", "ana", "--json")
            #expect(show.output.contains(#""team":"blue""#))
        }
    }

    @Test
    func `a bad row is named with its line, nothing is imported, and that is exit code 1`() async throws {
        try await withInstallation { installation in
            _ = try await installation.run("migrate")
            for (row, words) in [("b a d,main,i2", "line 3, agent_id"), ("bo,nope,i2", "line 3, instance.engine")] {
                try await withFile("agent_id,engine,instance_id\nana,main,i1\n\(row)\n") { path in
                    let outcome = try await installation.run("agents", "import", path)
                    #expect(outcome.code == 1)
                    #expect(outcome.output.contains(words), "\(outcome.output)")
                    #expect(try await installation.count("SELECT count(*) AS count FROM agents") == 0)
                }
            }
        }
    }

    private struct Report: Decodable {
        struct Change: Decodable {
            var agentID: String
            var fields: [String: [String: String?]]

            enum CodingKeys: String, CodingKey {
                case agentID = "agent_id"
                case fields
            }
        }

        struct Guard: Decodable {
            var wouldHold: Bool
            var desiredChanges: Int
            var limit: Int

            enum CodingKeys: String, CodingKey {
                case wouldHold = "would_hold"
                case desiredChanges = "desired_changes"
                case limit
            }
        }

        var changes: [Change]
        var `guard`: Guard
        var added: Int
        var changed: Int
        var unchanged: Int
    }
}
