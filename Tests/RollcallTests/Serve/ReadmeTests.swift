import Foundation
import TestSupport
import Testing

@testable import rollcall

/// The commands of the README as somebody pastes them.
@Suite("README", .timeLimit(.minutes(5)))
struct ReadmeTests {
    private static let root = RecipePage.folder.appending(path: "../..").standardizedFileURL

    /// The first block of commands of a section that contains a text.
    private func commands(of section: String, containing mark: String) throws -> String {
        let text = try String(contentsOf: Self.root.appending(path: "README.md"), encoding: .utf8)
        let part = try #require(text.components(separatedBy: "\n## ").first { $0.hasPrefix("\(section)\n") })
        let blocks = part.matches(of: /```sh\n((?s:.*?))```/).map { String($0.1) }
        return try #require(blocks.first { $0.contains(mark) }, "no such block")
    }

    /// Runs a block in a shell, where every `curl` also prints the status that it was answered with, on a line of its own.
    private func run(
        _ commands: String,
        _ settings: [String: String]
    ) async throws -> (statuses: [String], output: String) {
        let script = """
            set -u
            curl() { command curl -sS -w '\\n%{http_code}\\n' "$@"; }
            \(commands)
            echo; env | grep ^ROLLCALL_ENGINE_ || echo no-setting-is-left
            """
        var settings = settings
        let program = URL(filePath: try Built.path("rollcall")).deletingLastPathComponent().path
        settings["PATH"] = "\(program):/usr/local/bin:/usr/bin:/bin"
        let shell = try RollcallProcess(["-c", script], settings: settings, program: "/bin/bash")
        defer { shell.kill() }
        try await shell.ending(within: .seconds(200))
        let lines = shell.output.split(separator: "\n").map(String.init)
        return (lines.filter { $0.count == 3 && $0.allSatisfy(\.isNumber) }, shell.output)
    }

    @Test
    func `what is done by hand does what it says`() async throws {
        try await withInstallation { installation in
            let service = try await installation.serve([
                "ROLLCALL_SWEEP_INTERVAL": "2s", "ROLLCALL_OFF_SHIFT_SWEEP_INTERVAL": "2s",
            ])
            let commands = try commands(of: "By hand", containing: "/v1/clock-events")
                .replacing("http://127.0.0.1:8080", with: "http://127.0.0.1:\(service.http.port)")
                .replacing("http://127.0.0.1:8091", with: "http://127.0.0.1:\(installation.engine.http.port)")
            let (statuses, output) = try await run(commands, ["ADMIN_KEY": Installation.adminKey])
            // Session, agent, clock-in, state, why; drift, why; clock-out; an event, and again.
            #expect(
                statuses == ["200", "201", "200", "200", "200", "200", "200", "200", "202", "200"],
                "\(output)"
            )
            #expect(output.contains(#""observed":"WORKING""#), "\(output)")
            #expect(output.contains("went_down"), "the drift is explained: \(output)")
            #expect(output.contains(#""replayed":true"#))
            let calls = try await installation.engine.commands(of: "3EB0BCB2E3D4").map(\.operation)
            #expect(calls.starts(with: ["start", "start", "stop"]), "\(calls)")
        }
    }

    @Test
    func `a process that is killed after a clock-in was committed brings the session up once it is back`() async throws
    {
        let (port, simulator) = (try LoopbackPort.free(), try LoopbackPort.free())
        let commands = try commands(of: "By hand", containing: "ROLLCALL_CRASH_AT")
            .replacing("http://127.0.0.1:8080", with: "http://127.0.0.1:\(port)")
            .replacing("http://127.0.0.1:8091", with: "http://127.0.0.1:\(simulator)")
            .replacing("rollcall simulate-engine", with: "rollcall simulate-engine --port \(simulator)")
        let settings = ["ROLLCALL_HTTP_PORT": "\(port)", "ROLLCALL_METRICS_PORT": "0"]
        let (statuses, output) = try await run(commands, settings)
        // Ready, session, agent, clock-in; ready again, state.
        #expect(statuses.count == 6 && ["000", "202"].contains(statuses[3]), "\(output)")
        #expect(statuses.enumerated().filter { $0.offset != 3 }.map(\.element) == ["200", "200", "201", "200", "200"])
        #expect(output.contains(#""observed":"WORKING""#), "\(output)")
        #expect(output.contains("no-setting-is-left"), "what it exports would be in the way of what follows: \(output)")
    }

    @Test
    func `an embedded database is reached by other commands as the page says`() async throws {
        let text = try String(contentsOf: Self.root.appending(path: "README.md"), encoding: .utf8)
        let found = try #require(
            text.firstMatch(of: /ROLLCALL_DATABASE_URL="(host=DIR[^"]*)"/),
            "the page does not say"
        )
        let folder = try EmbeddedFolder()
        var settings = [
            "ROLLCALL_HTTP_PORT": "0", "ROLLCALL_METRICS_PORT": "0",
            "ROLLCALL_BOOTSTRAP_ADMIN_KEY": Installation.adminKey, "ROLLCALL_ENGINES": "main",
            "ROLLCALL_ENGINE_MAIN_KIND": "wawp", "ROLLCALL_ENGINE_MAIN_URL": "http://127.0.0.1:1",
            "ROLLCALL_ENGINE_MAIN_TOKEN": "tok_valid_0001",
        ]
        let service = try RollcallProcess(["serve", "--embedded", folder.path], settings: settings)
        defer { service.kill() }
        let line = try await service.line(containing: "ROLLCALL_DATABASE_URL")
        let url = String(found.1).replacing("DIR", with: folder.path)
        #expect(folder.layout.connectionString.replacing("'", with: "") == url)
        #expect(line.contains(folder.layout.socketDirectory))
        _ = try await service.line(containing: #""message":"listening""#)
        let without = try await RollcallProcess.run("status", settings: settings)
        #expect(without.code == 2 && without.output.contains("host=DIR/socket"), "\(without.output)")
        settings["ROLLCALL_DATABASE_URL"] = url
        for command in ["status", "verify"] {
            let outcome = try await RollcallProcess.run(command, settings: settings)
            #expect(outcome.code == 0, "\(outcome.output)")
        }
        service.signal(15)
        #expect(try await service.ending() == .exit(0))
    }
}
