import LibPQ
import Testing

/// `rollcall agents erase`, beside a running service and after it.
@Suite("agents erase", .timeLimit(.minutes(2)))
struct EraseCommandTests {
    @Test
    func `a person is erased once, by a command that says no name, and nothing differs afterwards`() async throws {
        try await withInstallation { installation in
            let service = try await installation.serve(["ROLLCALL_LOG_LEVEL": "trace", "ROLLCALL_KEEP_BODIES": "30d"])
            try await service.put("zelda.quux@mail.example", hasInstance: false)
            try await service.put("bo", hasInstance: false)
            try await service.clock("clock-in", "zelda.quux@mail.example")
            try await service.clock("clock-in", "bo")
            try await service.clock("clock-in", "nobody-knows")

            let erased = try await installation.run("agents", "erase", "zelda.quux@mail.example", "--json")
            #expect(erased.code == 0 && erased.output.contains(#"{"status":"erased"}"#), "\(erased.output)")
            let again = try await installation.run("agents", "erase", "zelda.quux@mail.example")
            #expect(again.code == 1, "\(again.output)")
            let name = try await installation.run(
                "agents",
                "erase",
                "--source",
                "api",
                "--external-id",
                "nobody-knows"
            )
            #expect(name.code == 0 && name.output.contains("erased"), "\(name.output)")
            let taken = try await installation.run("agents", "erase", "--source", "api", "--external-id", "bo")
            #expect(taken.code == 1 && taken.output.contains("agent"), "\(taken.output)")

            let left: PQStatement = """
                SELECT count(*) AS count FROM clock_events WHERE external_id IN ('zelda.quux@mail.example', 'nobody-knows')
                """
            #expect(try await installation.count(left) == 0)
            #expect(try await installation.ledgerCount() == 3)
            let verify = try await installation.run("verify")
            #expect(verify.code == 0, "\(verify.output)")
            for output in [erased.output, again.output, name.output, service.process.output] {
                #expect(!output.contains("quux") && !output.contains("nobody-knows"), "\(output)")
            }
        }
    }

    @Test(arguments: [
        [], ["ana", "--source", "api"], ["--source", "api"], ["--external-id", "x", "--source", "s", "--stop"],
    ])
    func `an order that is not clear is refused`(arguments: [String]) async throws {
        let process = try RollcallProcess(["agents", "erase"] + arguments, settings: [:])
        defer { process.kill() }
        let ending = try await process.ending()
        #expect(ending == .exit(64) || ending == .exit(2), "\(process.output)")
    }
}
