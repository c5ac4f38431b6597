import Foundation
import LibPQ
import Testing

/// SIGTERM: what is under way is seen through, then the process ends well.
@Suite("SIGTERM", .timeLimit(.minutes(3)))
struct StopTests {
    @Test
    func `a command under way is awaited and its outcome recorded`() async throws {
        try await withInstallation { installation in
            let service = try await installation.serve()
            try await service.engine.put("i-ana", "STOPPED")
            try await service.put("ana")
            try await service.until("ana") { $0.observed == "STOPPED" }
            try await service.engine.fault("slow", on: "start", of: "i-ana", milliseconds: 1500)
            #expect(try await service.clock("clock-in", "ana").status == 202)
            try await service.until("the start is under way") {
                try await service.engine.commands(of: "i-ana").count == 1
            }
            service.process.signal(15)
            #expect(try await service.process.ending(within: .seconds(30)) == .exit(0))
            #expect(
                try await installation.count(
                    """
                    SELECT count(*) AS count
                    FROM commands
                    WHERE verdict = 'ok' AND ended_at IS NOT NULL
                    """
                ) == 1
            )
            #expect(
                try await installation.count("SELECT count(*) AS count FROM engine_leases WHERE holder IS NOT NULL")
                    == 0
            )
            #expect(try await installation.count("SELECT count(*) AS count FROM replicas") == 0)
            // Whoever comes next has nothing left to do but to look.
            let next = try await installation.serve()
            try await next.until("ana") { $0.observed == "WORKING" && $0.condition == "converged" }
            #expect(try await installation.engine.commands(of: "i-ana").map(\.operation) == ["start"])
        }
    }

    @Test
    func `requests that wait for a session are answered, and hold nothing up`() async throws {
        try await withInstallation { installation in
            let service = try await installation.serve()
            try await service.engine.put("i-ana", "STOPPED")
            try await service.put("ana")
            try await service.engine.admin("PUT", "faults", #"{"kind":"stuck_starting","scope":"all"}"#)
            async let waiting = service.clock("clock-in", "ana", wait: 60)
            try await service.until("the start is sent") {
                try await service.engine.commands(of: "i-ana").count == 1
            }
            service.process.signal(15)
            #expect(try await service.process.ending(within: .seconds(30)) == .exit(0))
            #expect(try await waiting.status == 202)
        }
    }

    @Test
    func `a sweep that is waited for is answered with the counts so far, and holds nothing up`() async throws {
        try await withInstallation { installation in
            // Longer than it takes until the order to stop is there: the sweep is not over before.
            let service = try await installation.serve(["ROLLCALL_ENGINE_MAIN_TIMEOUT": "10s"])
            try await service.engine.put("i-ana", "STOPPED")
            try await service.put("ana")
            try await service.until("ana") { $0.observed == "STOPPED" }
            try await service.engine.fault("hang", on: "info", of: "i-ana", milliseconds: 120_000)
            let looks = try await service.engine.count(of: "info")
            async let sweep = service.send("POST", "/v1/engines/main/sweep?wait=600")
            try await service.until("a look is under way") { try await service.engine.count(of: "info") > looks }
            let told = ContinuousClock.now
            service.process.signal(15)
            let answer = try await sweep
            #expect(answer.status == 202, "\(answer.text)")
            #expect(ContinuousClock.now - told < .seconds(5))
            #expect(try await service.process.ending(within: .seconds(40)) == .exit(0))
        }
    }

    // The description of the API is asked for many times in a row, as anybody can; a stream begins with everybody.
    @Test(arguments: [("GET /openapi.yaml", 400, "HTTP/1.1 200"), ("GET /v1/stream", 1, "event: reset")])
    func `who reads nothing of its answer keeps neither the process nor its accounts`(
        request: String,
        count: Int,
        beginning: String
    ) async throws {
        try await withInstallation { installation in
            let service = try await installation.serve()
            // More than the kernel keeps for a connection.
            _ = try await installation.owner.query(
                """
                WITH crowd AS (
                    INSERT INTO agents (agent_id, name)
                    SELECT 'crowd-' || n, repeat('x', 4000)
                    FROM generate_series(1, 4000) AS n
                    RETURNING agent
                )
                INSERT INTO agent_states (agent) SELECT agent FROM crowd
                """
            )
            let held: PQStatement = "SELECT count(*) AS count FROM engine_leases WHERE holder IS NOT NULL"
            try await service.until("it has its account") { try await installation.count(held) == 1 }
            let head = "\(request) HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \(Installation.adminKey)\r\n\r\n"
            let client = try await LazyClient(
                String(repeating: head, count: count),
                port: service.http.port,
                until: beginning
            )
            defer { client.end() }
            var kept = 0
            try await service.until("nothing more can be written") {
                let before = kept
                _ = try await installation.owner.query("SELECT pg_sleep(1)")
                kept = try Self.unsent(from: service.http.port)
                return kept > 0 && kept == before
            }
            service.process.signal(15)
            #expect(try await service.process.ending(within: .seconds(40)) == .exit(0))
            #expect(service.process.output.contains("connections that outlasted the stop were cut"))
            #expect(try await installation.count(held) == 0)
            #expect(try await installation.count("SELECT count(*) AS count FROM replicas") == 0)
        }
    }

    @Test
    func `events that were taken are committed before the end`() async throws {
        try await withInstallation { installation in
            let service = try await installation.serve()
            let answers = try await withThrowingTaskGroup(of: Answer?.self) { group -> [Answer?] in
                for number in 0..<40 {
                    // Who comes too late is refused or finds nobody, and may send again.
                    group.addTask { try? await service.clock("clock-in", "crowd-\(number)") }
                }
                group.addTask {
                    service.process.signal(15)
                    return nil
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(try await service.process.ending(within: .seconds(30)) == .exit(0))
            let taken = answers.compactMap { $0 }.filter { $0.status == 202 }
            let receipts = try taken.map { try $0.decoded(ReceiptView.self).sequence }
            let kept = try await installation.count(
                "SELECT count(*) AS count FROM clock_events WHERE sequence = ANY (\(receipts))"
            )
            #expect(kept == Int64(receipts.count))
        }
    }

    /// How many bytes the kernel keeps for clients of a port on 127.0.0.1 that do not take them.
    private static func unsent(from port: Int) throws -> Int {
        // Source: proc(5), /proc/net/tcp: a number, local and remote address, state, tx_queue:rx_queue, all in hexadecimal.
        let local = "0100007F:" + String(port, radix: 16, uppercase: true)
        // To its end: it has no size, and of such a file `String(contentsOfFile:)` reads a page.
        let file = try #require(FileHandle(forReadingAtPath: "/proc/net/tcp"))
        defer { try? file.close() }
        let lines = String(decoding: try file.readToEnd() ?? Data(), as: UTF8.self).split(separator: "\n")
        return lines.reduce(0) { sum, line in
            let fields = line.split(separator: " ")
            guard fields.count > 4, fields[1] == local else { return sum }
            return sum + (Int(fields[4].prefix { $0 != ":" }, radix: 16) ?? 0)
        }
    }
}
