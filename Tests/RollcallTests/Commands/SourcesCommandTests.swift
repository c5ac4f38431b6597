import Foundation
import LibPQ
import TestSupport
import Testing

/// `rollcall sources`, beside a running service and without one.
@Suite("sources command", .timeLimit(.minutes(3)))
struct SourcesCommandTests {
    private static let source = [
        "ROLLCALL_SOURCES": "hr", "ROLLCALL_SOURCE_HR_KIND": "generic-bearer",
        "ROLLCALL_SOURCE_HR_SECRET": "a-secret-long-enough",
    ]

    private static func request(_ agent: String = "ana", secret: String = "a-secret-long-enough") -> String {
        """
        POST /v1/sources/hr/events HTTP/1.1\r
        Authorization: Bearer \(secret)\r
        Idempotency-Key: k1\r
        \r
        {"agent_id":"\(agent)","kind":"clock_in","event_id":"e1","occurred_at":"2026-03-02T08:00:00Z"}
        """
    }

    private func withFile<Value>(_ text: String, _ body: (String) async throws -> Value) async throws -> Value {
        let path = NSTemporaryDirectory() + "/rollcall-request-\(UUID().uuidString).http"
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: path) }  // Left over at worst.
        return try await body(path)
    }

    @Test
    func `check says what the service then does, and changes nothing`() async throws {
        try await withInstallation { installation in
            let settings = installation.settings.merging(Self.source) { _, new in new }
            let service = try await installation.serve(Self.source)
            try await service.put("ana", hasInstance: false)
            let check = { (text: String, more: [String]) in
                try await withFile(text) { path in
                    let process = try RollcallProcess(["sources", "check", "hr", path] + more, settings: settings)
                    defer { process.kill() }
                    let ending = try await process.ending()
                    return (ending, process.output)
                }
            }
            let fine = try await check(Self.request(), [])
            #expect(fine.0 == .exit(0), "\(fine.1)")
            #expect(fine.1.contains("proof: accepted") && fine.1.contains("agent ana") && fine.1.contains("applied"))
            let unknown = try await check(Self.request("bo"), [])
            #expect(unknown.0 == .exit(1) && unknown.1.contains("nobody is mapped"), "\(unknown.1)")
            let forged = try await check(Self.request(secret: "another-secret-here"), ["--json"])
            #expect(forged.0 == .exit(1) && forged.1.contains(#""proof":"refused""#), "\(forged.1)")
            #expect(!forged.1.contains("another-secret-here"))
            #expect(try await installation.ledgerCount() == 0)
            #expect(try await installation.count("SELECT count(*) AS count FROM deliveries") == 0)

            let body = try #require(Self.request().split(separator: "\r\n").last)
            let real = try await service.send(
                "POST",
                "/v1/sources/hr/events",
                key: nil,
                json: String(body),
                headers: ["Authorization": "Bearer a-secret-long-enough"]
            )
            #expect(real.status == 200, "\(real.text)")
            let again = try await check(Self.request(), [])
            #expect(again.0 == .exit(0) && again.1.contains("known already"), "\(again.1)")
            try await service.until("it is counted") {
                let list = try await RollcallProcess.run("sources", "list", settings: settings)
                return list.output.contains("hr  generic-bearer  receiving")
            }
            let list = try await RollcallProcess.run("sources", "list", "--json", settings: settings)
            #expect(list.code == 0 && list.output.contains(#""name":"hr","kind":"generic-bearer""#), "\(list.output)")
        }
    }

    @Test
    func `metrics tell when each source was last seen and what came of it`() async throws {
        try await withInstallation { installation in
            let port = try LoopbackPort.free()
            let changes = Self.source.merging(["ROLLCALL_METRICS_PORT": "\(port)"]) { _, new in new }
            let service = try await installation.serve(changes)
            let deliver = { (secret: String) in
                try await service.send(
                    "POST",
                    "/v1/sources/hr/events",
                    key: nil,
                    json: #"{"agent_id":"ana","kind":"clock_in"}"#,
                    headers: ["Authorization": "Bearer \(secret)"]
                )
            }
            #expect(try await deliver("another-secret-here").status == 401)
            #expect(try await deliver("a-secret-long-enough").status == 200)
            #expect(try await service.clock("clock-in", "ana").status == 202)
            try await service.until("they are told") {
                let text = try await PlainHTTP(port: port).send("GET", "/metrics").text
                return text.contains(#"rollcall_source_deliveries_total{outcome="bad_proof",source="hr"} 1"#)
                    && text.contains(#"rollcall_source_deliveries_total{outcome="accepted",source="hr"} 1"#)
                    && text.contains(#"rollcall_source_deliveries_total{outcome="ignored",source="hr"} 0"#)
                    && text.contains(#"rollcall_source_deliveries_total{outcome="accepted",source="api"} 1"#)
                    && text.contains(#"rollcall_source_last_seen_timestamp_seconds{source="hr"}"#)
            }
        }
    }

    @Test
    func `without a database it is exit 3, and offline proof and reading alone are judged`() async throws {
        let settings = Self.source.merging(
            [
                "ROLLCALL_DATABASE_URL": "postgresql://rollcall@127.0.0.1:1/none", "ROLLCALL_ENGINES": "main",
                "ROLLCALL_ENGINE_MAIN_KIND": "wawp", "ROLLCALL_ENGINE_MAIN_URL": "http://127.0.0.1:1",
                "ROLLCALL_ENGINE_MAIN_TOKEN": "tok_valid_0001",
            ]
        ) { _, new in new }
        try await withFile(Self.request()) { path in
            let check = ["sources", "check", "hr", path]
            let away = try await RollcallProcess.run("sources", "check", "hr", path, settings: settings)
            #expect(away.code == 3, "\(away.output)")
            let offline = try await RollcallProcess.run("sources", "check", "hr", path, "--offline", settings: settings)
            #expect(offline.code == 0 && offline.output.contains("clock_in"), "\(offline.output)")
            #expect(!offline.output.contains("a-secret-long-enough"))
            for (arguments, words) in [
                (["sources", "check", "vendor", path, "--offline"], "there is: hr"),
                (["sources", "check", "hr", path + "x", "--offline"], "cannot be read"),
                (check + ["--at", "yesterday"], "--at"),
            ] {
                let process = try RollcallProcess(arguments, settings: settings)
                defer { process.kill() }
                #expect(try await process.ending() == .exit(2), "\(process.output)")
                #expect(process.output.contains(words), "\(process.output)")
            }
        }
        try await withFile("{}") { path in
            let none = try await RollcallProcess.run("sources", "check", "hr", path, "--offline", settings: settings)
            #expect(none.code == 2 && none.output.contains("first line"), "\(none.output)")
        }
    }
}
