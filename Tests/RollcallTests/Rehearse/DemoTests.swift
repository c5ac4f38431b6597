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
        let demo = try RollcallProcess(
            ["--once"],
            settings: [
                "DEMO_PORT": "\(port)", "DEMO_SIMULATOR_PORT": "\(simulator)",
                "DEMO_PROGRAM": try Built.path("rollcall"),
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
        for port in [port, simulator] {
            #expect(throws: (any Error).self) { close(try LoopbackPort.connect(to: port)) }
        }
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
