import Testing

/// What is typed wrong ends with 2, as wrong settings do, and before anything is tried.
@Suite("Usage", .timeLimit(.minutes(3)))
struct UsageTests {
    @Test(
        arguments: [
            ["nonsense"], ["--nonsense"], ["agents", "nonsense"], ["agents", "show"], ["verify", "--what"],
            ["explain"], ["reconcile", "--json"], ["reconcile", "--once", "--wait", "0"],
            ["agents", "list", "--condition", "fine"], ["agents", "list", "--agreement", "drifted"],
            ["simulate-engine", "--port", "70000"],
            ["keys", "create", "--name", "n", "--role", "king"], ["agents", "import", "/nowhere/agents.csv"],
            ["simulate", "--seeds", "0"], ["simulate", "--planted", "nothing"],
        ]
    )
    func `a usage error is exit code 2 and says what is wrong`(arguments: [String]) async throws {
        let process = try RollcallProcess(arguments)
        defer { process.kill() }
        #expect(try await process.ending() == .exit(2), "\(process.output)")
        #expect(!process.output.isEmpty)
    }

    @Test(arguments: [["--help"], ["agents", "--help"], ["reconcile", "--help"], ["help", "explain"]])
    func `help is exit code 0`(arguments: [String]) async throws {
        let process = try RollcallProcess(arguments)
        defer { process.kill() }
        #expect(try await process.ending() == .exit(0), "\(process.output)")
        #expect(process.output.contains("USAGE: rollcall"))
    }
}
