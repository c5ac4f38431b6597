import Foundation
import Glibc
import TestSupport
import Testing

/// `scripts/demo`, as somebody runs it on a machine where all is built.
@Suite("demo", .timeLimit(.minutes(5)))
struct DemoTests {
    private static let script = RecipePage.folder.appending(path: "../../scripts/demo").standardizedFileURL.path

    @Test
    func `one day ends right for everybody, whoever watches sees it, and nothing is left`() async throws {
        let (port, simulator) = (try LoopbackPort.free(), try LoopbackPort.free())
        let folder = try Self.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }  // Only tidies up.
        let demo = try RollcallProcess(
            ["--once"],
            settings: [
                "DEMO_PORT": "\(port)", "DEMO_SIMULATOR_PORT": "\(simulator)",
                "DEMO_PROGRAM": try Built.path("rollcall"), "TMPDIR": folder,
            ],
            program: Self.script
        )
        // So that it ends what it began.
        defer { demo.signal(SIGTERM) }
        #expect(try await demo.line(containing: "page:").contains("http://127.0.0.1:\(port)/"))
        let said = try await demo.line(containing: "a manager's key:")
        let key = try #require(said.split(separator: " ").last.map(String.init))
        // The stream ends with the service; what it told until then is what a page shows.
        async let told = PlainHTTP(port: port).send("GET", "/v1/stream", headers: ["Authorization": "Bearer \(key)"])
        let ending = try await demo.ending(within: .seconds(240))
        #expect(ending == .exit(0), "\(demo.output)")
        #expect(demo.output.contains("the day ended right for all 12 agents"), "\(demo.output)")
        let stream = try await told.text
        for word in [
            "event: agent", #""observed":"WORKING""#, #""condition":"drifted""#, #""condition":"needs_pairing""#,
        ] {
            #expect(stream.contains(word), "the page saw nothing of \(word)")
        }
        let moves = stream.matches(of: /"agent_id":"ada"[^\n]*"observed":"(\w+)"/).map { String($0.1) }
        #expect(moves.contains("WORKING") && moves.last == "STOPPED", "\(moves)")
        try Self.expectNothing(in: folder, at: port, simulator)
    }

    @Test
    func `Ctrl-C ends it and leaves nothing behind, neither file nor process`() async throws {
        let (port, simulator) = (try LoopbackPort.free(), try LoopbackPort.free())
        let folder = try Self.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }  // Only tidies up.
        let demo = try Self.inTerminal(folder, port, simulator)
        defer { demo.signal(SIGTERM) }
        _ = try await demo.line(containing: "a manager's key:")
        let running = Self.processes(about: folder, port)
        for word in ["serve --embedded", "demo --url", "postgres"] {
            #expect(running.contains { $0.contains(word) }, "\(running)")
        }
        demo.interrupt()
        #expect(try await demo.ending(within: .seconds(60)) == .exit(130), "\(demo.output)")
        try Self.expectNothing(in: folder, at: port, simulator)
    }

    @Test
    func `Ctrl-C while the database is being made leaves nothing behind either`() async throws {
        let (port, simulator) = (try LoopbackPort.free(), try LoopbackPort.free())
        let folder = try Self.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }  // Only tidies up.
        let demo = try Self.inTerminal(folder, port, simulator)
        defer { demo.signal(SIGTERM) }
        try await ProcessList.until("initdb runs", about: folder) { lines in
            lines.contains { $0.contains("initdb ") }
        }
        demo.interrupt()
        #expect(try await demo.ending(within: .seconds(60)) == .exit(130), "\(demo.output)")
        try Self.expectNothing(in: folder, at: port, simulator)
    }

    /// Starts it as somebody does in a terminal.
    private static func inTerminal(_ folder: String, _ port: Int, _ simulator: Int) throws -> RollcallProcess {
        try RollcallProcess(
            [],
            settings: [
                "DEMO_PORT": "\(port)", "DEMO_SIMULATOR_PORT": "\(simulator)",
                "DEMO_PROGRAM": try Built.path("rollcall"), "TMPDIR": folder,
            ],
            program: script,
            leadsGroup: true
        )
    }

    /// An empty folder that PostgreSQL's user may pass through, with a path that is short enough for a socket's.
    private static func makeFolder() throws -> String {
        let name = "rollcall-demo-\(UInt32.random(in: .min ... .max))"
        let folder = FileManager.default.temporaryDirectory.appending(path: name).path
        try FileManager.default.createDirectory(
            atPath: folder,
            withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o755]
        )
        return folder
    }

    /// Fails where there are files, processes or listeners of a demo still.
    private static func expectNothing(in folder: String, at port: Int, _ simulator: Int) throws {
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [])
        #expect(processes(about: folder, port) == [])
        for port in [port, simulator] {
            #expect(throws: (any Error).self) { close(try LoopbackPort.connect(to: port)) }
        }
    }

    /// The command lines of the processes that work in a folder, were told of it, or were told of the demo's address.
    private static func processes(about folder: String, _ port: Int) -> [String] {
        ProcessList.about(folder, or: "http://127.0.0.1:\(port) ")
    }

    @Test
    func `a port that is taken ends it, and says so`() async throws {
        let taken = try LoopbackPort.listener()
        defer { close(taken) }
        let demo = try RollcallProcess(
            ["--once"],
            settings: [
                "DEMO_PORT": "\(try LoopbackPort.free())",
                "DEMO_SIMULATOR_PORT": "\(try LoopbackPort.number(of: taken))",
                "DEMO_PROGRAM": try Built.path("rollcall"),
            ],
            program: Self.script
        )
        defer { demo.signal(SIGTERM) }
        #expect(try await demo.ending(within: .seconds(120)) == .exit(3), "\(demo.output)")
        #expect(demo.output.contains("ended by itself"), "\(demo.output)")
    }

    @Test
    func `the line that the README has people copy can be pasted as it is`() async throws {
        try await withInstallation { installation in
            let service = try await installation.serve()
            let demo = try RollcallProcess(
                [
                    "demo", "--url", "http://127.0.0.1:\(service.http.port)", "--simulator",
                    "http://127.0.0.1:\(installation.engine.http.port)",
                ],
                settings: ["DEMO_ADMIN_KEY": Installation.adminKey]
            )
            defer { demo.kill() }
            #expect(try await demo.line(containing: "ADMIN_KEY=") == "export ADMIN_KEY=\(Installation.adminKey)")
        }
    }
}
