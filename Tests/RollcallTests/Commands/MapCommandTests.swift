import Foundation
import LibPQ
import Testing

/// `rollcall agents map` and `agents unmatched`, and the import's part in it, with the real command.
@Suite("agents map", .timeLimit(.minutes(3)))
struct MapCommandTests {
    /// Adds an unmatched event of the source `api`.
    private func add(_ kind: Int16, _ name: String, minutes: Int64, to installation: Installation) async throws {
        _ = try await installation.owner.query(
            """
            INSERT INTO clock_events (dedupe, source_id, kind, occurred_at, effective_at, received_at, event_id, external_id)
            SELECT gen_random_uuid(), s.source_id, \(kind), now() - make_interval(secs => 60 * \(minutes)),
                now() - make_interval(secs => 60 * \(minutes)), now(), gen_random_uuid()::text, \(name)
            FROM clock_sources s
            WHERE s.name = 'api'
            """
        )
    }

    @Test
    func `names nobody knows are listed, tried, mapped, and then gone`() async throws {
        try await withInstallation { installation in
            _ = try await installation.run("migrate")
            try await add(1, "Ana", minutes: 30, to: installation)
            try await add(3, "Ana", minutes: 10, to: installation)
            try await add(1, "old one", minutes: 40 * 60, to: installation)
            let path = NSTemporaryDirectory() + "/rollcall-map-\(UUID().uuidString).csv"
            try "agent_id,name,aliases\nana,Ana,\nbo,Bo,api:old one\n".write(
                toFile: path,
                atomically: true,
                encoding: .utf8
            )
            defer { try? FileManager.default.removeItem(atPath: path) }  // Left over at worst.
            let imported = try await installation.run("agents", "import", path, "--json")
            #expect(imported.output.contains(#""applied":0"#), "\(imported.output)")

            let listed = try await installation.run("agents", "unmatched")
            #expect(listed.code == 0)
            #expect(listed.output.contains("api  Ana  2  "), "\(listed.output)")
            #expect(listed.output.contains("clock_in,break_start  would start  perhaps ana"), "\(listed.output)")
            #expect(listed.output.contains("clock_in  starts nothing  left out by bo"), "\(listed.output)")

            let dry = try await installation.run("agents", "map", "api", "Ana", "ana", "--dry-run")
            #expect(dry.code == 0)
            #expect(dry.output.contains("2 events will be applied. Ana will be on break since"), "\(dry.output)")
            let mapped = try await installation.run("agents", "map", "api", "Ana", "ana", "--json")
            #expect(mapped.output.contains(#""applied":2,"left_out":0,"#), "\(mapped.output)")
            let show = try await installation.run("agents", "show", "ana", "--json")
            #expect(show.output.contains(#""shift":"break""#), "\(show.output)")
            let rest = try await installation.run("agents", "unmatched", "--json", "--source", "api")
            #expect(rest.output.contains(#""external_id":"old one""#) && !rest.output.contains("Ana"), "\(rest.output)")
        }
    }

    @Test
    func `who or what there is not is said, and that is exit code 1`() async throws {
        try await withInstallation { installation in
            _ = try await installation.run("migrate")
            let nobody = try await installation.run("agents", "map", "api", "7", "nobody")
            #expect(nobody.code == 1)
            #expect(nobody.output.contains("There is no agent of this id."), "\(nobody.output)")
            let nowhere = try await installation.run("agents", "map", "nope", "7", "nobody")
            #expect(nowhere.code == 1)
            #expect(nowhere.output.contains("There is no clock source of this name."), "\(nowhere.output)")
            let empty = try await installation.run("agents", "unmatched", "--json")
            #expect(empty.output.contains("[]"))
            #expect(try await installation.run("agents", "map", "api", "", "ana").code == 2)
        }
    }
}
