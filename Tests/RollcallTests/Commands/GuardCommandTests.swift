import Foundation
import LibPQ
import Testing

/// `rollcall agents import` and `rollcall guard`, beside a running service.
@Suite("guard", .timeLimit(.minutes(3)))
struct GuardCommandTests {
    @Test
    func `an import says what it holds and how to go on, and a named person lets it happen`() async throws {
        try await withInstallation { installation in
            let served = try await installation.serve()
            for session in ["i-ana", "j-ana"] { try await installation.engine.put(session, "STOPPED") }
            try await served.put("ana")
            #expect(try await served.clock("clock-in", "ana", wait: 30).status == 200)
            let path = NSTemporaryDirectory() + "/rollcall-guard-\(UUID().uuidString).csv"
            try "agent_id,engine,instance_id\nana,main,j-ana\n".write(toFile: path, atomically: true, encoding: .utf8)
            defer { try? FileManager.default.removeItem(atPath: path) }  // Left over at worst.
            let dry = try await installation.run("agents", "import", path, "--dry-run")
            #expect(dry.output.contains("would be held until somebody approves it: ana"), "\(dry.output)")
            let numbers = "what is desired of 2 sessions would change; at most 5 may within 5 minutes, 0 did"
            #expect(dry.output.contains(numbers), "\(dry.output)")
            #expect(try await installation.count("SELECT count(*) AS count FROM guard_changes") == 0)
            let imported = try await installation.run("agents", "import", path)
            #expect(imported.code == 0, "\(imported.output)")
            #expect(
                imported.output.contains("held, as change 1") && imported.output.contains("ana"),
                "\(imported.output)"
            )
            #expect(imported.output.contains("rollcall guard approve 1 --by NAME"))
            let list = try await installation.run("guard", "list")
            #expect(list.output.contains("1  held  import  1 of 1 wait  asked by command line"), "\(list.output)")
            let show = try await installation.run("guard", "show", "1")
            #expect(show.output.contains("ana  instance j-ana  running -> stopped  held"), "\(show.output)")
            let json = try await installation.run("guard", "show", "1", "--json")
            #expect(json.output.contains(#""agent_id":"ana""#), "\(json.output)")
            #expect(try await installation.run("guard", "approve", "1").code == 2)
            #expect(try await installation.run("guard", "approve", "1", "--by", " ").code == 2)
            #expect(try await installation.run("guard", "approve", "7", "--by", "Eva").code == 1)
            let approved = try await installation.run("guard", "approve", "1", "--by", "Eva", "--agent", "ana")
            #expect(approved.code == 0 && approved.output.contains("approved: 1"), "\(approved.output)")
            try await served.until("the sessions have changed places") {
                let (old, new) = (
                    try await installation.engine.status(of: "i-ana"), try await installation.engine.status(of: "j-ana")
                )
                return old == "STOPPED" && new == "WORKING"
            }
            #expect(try await installation.run("guard", "refuse", "1", "--by", "Eva").code == 1)
            #expect(
                try await installation.count(
                    "SELECT count(*) AS count FROM audit WHERE deed = 'guard.approve' AND actor = 'Eva'"
                ) == 1
            )
        }
    }
}
