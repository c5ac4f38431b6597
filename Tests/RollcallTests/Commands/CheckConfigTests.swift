import Foundation
import TestSupport
import Testing

/// `rollcall check-config`: what it says of the database.
@Suite("check-config", .timeLimit(.minutes(2)))
struct CheckConfigTests {
    private struct Row: Decodable {
        var setting: String
        var value: String?
        var origin: String
    }

    /// The row about durability, and the exit code.
    private func durability(_ settings: [String: String]) async throws -> (code: Int32, row: Row?) {
        let outcome = try await RollcallProcess.run("check-config", "--json", settings: settings)
        let json = outcome.output[(outcome.output.firstIndex(of: "[") ?? outcome.output.startIndex)...]
        let end = try #require(json.lastIndex(of: "]"), "\(outcome.output)")
        let rows = try JSONDecoder().decode([Row].self, from: Data(json[...end].utf8))
        return (outcome.code, rows.first { $0.setting == "durability" })
    }

    @Test
    func `it says what a commit survives`() async throws {
        try await withInstallation { installation in
            let found = try await durability(installation.settings)
            #expect(found.code == 0)
            #expect(found.row?.value == "local" && found.row?.origin == "database")
            let table = try await RollcallProcess.run("check-config", settings: installation.settings)
            #expect(table.output.contains(/durability +local +database/), "\(table.output)")
        }
    }

    @Test
    func `a database that cannot be asked, or is not named, is no fault of the settings`() async throws {
        var settings = [
            "ROLLCALL_DATABASE_URL": "host=127.0.0.1 port=\(try LoopbackPort.free()) user=nobody dbname=none",
            "ROLLCALL_BOOTSTRAP_ADMIN_KEY": Installation.adminKey,
            "ROLLCALL_ENGINES": "main",
            "ROLLCALL_ENGINE_MAIN_KIND": "wawp",
            "ROLLCALL_ENGINE_MAIN_URL": "http://127.0.0.1:1",
            "ROLLCALL_ENGINE_MAIN_TOKEN": "tok_valid_0001",
        ]
        let unreachable = try await durability(settings)
        #expect(unreachable.code == 0 && unreachable.row?.value == "unknown")
        settings["ROLLCALL_DATABASE_URL"] = nil
        let none = try await durability(settings)
        #expect(none.code == 0 && none.row != nil && none.row?.value == nil)
    }
}
