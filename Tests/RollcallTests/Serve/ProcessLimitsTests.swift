import LibPQ
import TestSupport
import Testing

/// What a process takes of the database, and what it says of itself when it loses an account.
@Suite("What a process takes and tells", .timeLimit(.minutes(3)))
struct ProcessLimitsTests {
    @Test
    func `of four connections none is a fifth, whatever is asked of it`() async throws {
        try await withInstallation { installation in
            let service = try await installation.serve(["ROLLCALL_DATABASE_CONNECTIONS": "4"])
            for agent in 1...4 { try await service.put("a\(agent)") }
            let most = try await withThrowingTaskGroup(of: Int64.self) { group in
                for agent in 1...4 { group.addTask { try await load(service, "a\(agent)") } }
                group.addTask { try await mostConnections(installation) }
                var most: Int64 = 0
                for try await count in group { most = max(most, count) }
                return most
            }
            #expect((3...4).contains(most), "\(most)")
        }
    }

    /// Clocks an agent in and out and lists everybody, again and again.
    private func load(_ service: Served, _ agent: String) async throws -> Int64 {
        for round in 0..<10 {
            let clocked = try await service.clock(round.isMultiple(of: 2) ? "clock-in" : "clock-out", agent)
            let listed = try await service.send("GET", "/v1/agents")
            #expect(clocked.status == 202 && listed.status == 200, "\(clocked.text)")
        }
        return 0
    }

    /// The most connections that a service has while it is looked.
    private func mostConnections(_ installation: Installation) async throws -> Int64 {
        var most: Int64 = 0
        for _ in 0..<40 {
            let count = try await installation.count(
                """
                SELECT count(*) AS count
                FROM pg_stat_activity, pg_sleep(0.02)
                WHERE datname = current_database() AND application_name LIKE 'rollcall %'
                """
            )
            most = max(most, count)
        }
        return most
    }

    @Test
    func `whoever scrapes metrics has 64 connections, and the next waits for one of them`() async throws {
        try await withInstallation { installation in
            let port = try LoopbackPort.free()
            _ = try await installation.serve(["ROLLCALL_METRICS_PORT": "\(port)"])
            var kept: [LazyClient] = []
            defer { for client in kept { client.end() } }
            for _ in 0..<64 {
                kept.append(
                    try await LazyClient("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", port: port, until: "HTTP/1.1 200")
                )
            }
            let impatient = PlainHTTP(port: port, patience: .milliseconds(500))
            await #expect(throws: PlainHTTP.Failure.self) { try await impatient.send("GET", "/metrics") }
            kept.removeLast().end()
            #expect(try await PlainHTTP(port: port).send("GET", "/metrics").status == 200)
        }
    }

    @Test
    func `an outcome that comes back once the account is another's is not written, and counted`() async throws {
        try await withInstallation { installation in
            let port = try LoopbackPort.free()
            let service = try await installation.serve(["ROLLCALL_METRICS_PORT": "\(port)"])
            try await service.put("ana")
            try await service.until("ana") { $0.condition == "converged" }
            try await service.engine.fault("slow", on: "start", of: "i-ana", milliseconds: 2500)
            try await service.clock("clock-in", "ana")
            try await service.until("the engine has the call") {
                try await service.engine.commands(of: "i-ana").count == 1
            }
            // Somebody who lives takes the account, as if this process had stood still.
            _ = try await installation.owner.pipeline([
                """
                INSERT INTO replicas (replica, seen_at, expires_at, release)
                VALUES ('00000000-0000-0000-0000-000000000001', now(), now() + interval '1 hour', 'another')
                """,
                """
                UPDATE engine_leases
                SET holder = '00000000-0000-0000-0000-000000000001', term = term + 1, since = now()
                """,
            ])
            let metrics = PlainHTTP(port: port)
            let line = #"rollcall_outcomes_refused_total{account="main"} "#
            #expect(try await metrics.send("GET", "/metrics").text.contains(line + "0"))
            try await service.until("it is counted") {
                try await metrics.send("GET", "/metrics").text.contains(line + "1")
            }
            let reason = #"rollcall_engine_commands_total{account="main",action="start",reason="should_run"} 1"#
            #expect(try await metrics.send("GET", "/metrics").text.contains(reason))
            let written: PQStatement = "SELECT count(*) AS count FROM commands WHERE ended_at IS NOT NULL"
            #expect(try await installation.count(written) == 0)
        }
    }
}
