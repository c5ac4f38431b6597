import Crypto
import Domain
import EngineSimulator
import Engines
import LibPQ
import Service
import Testing

/// Sweeps of an engine that lists its sessions: what they cost, what they find, and what a list does not prove.
@Suite("Sweeps by list", .timeLimit(.minutes(2)))
struct ListSweepTests {
    /// Runs a service on WAHA.
    private func withLists(
        _ change: @Sendable (inout ServiceSetup) -> Void = { _ in },
        _ body: @escaping @Sendable (RunningService) async throws -> Void
    ) async throws {
        try await withRunningService(
            {
                $0.engineKind = .waha
                change(&$0)
            },
            body
        )
    }

    @Test
    func `a shift is worked on WAHA, and drift in both directions is found by one list and repaired`() async throws {
        try await withLists { service in
            try await service.add("ana", "bob")
            #expect(try await service.clock("clock-in", "ana", wait: 30).status == 200)
            try await service.until("bob") { $0.condition == "converged" }
            try await service.engine.put(["i-ana"], "STOPPED")
            try await service.engine.put(["i-bob"], "WORKING")
            let before = try await service.engine.calls().count
            let sweep = try await service.sweep()
            #expect(
                sweep
                    == SweepView(complete: true, instances: 2, read: 2, unread: 0, drifted: 2, repaired: 2, deferred: 0)
            )
            let reads = try await service.engine.calls(since: before).filter { !$0.isMutating }
            #expect(reads.first?.operation == "list")
            for agent in ["ana", "bob"] { try await service.until(agent) { $0.condition == "converged" } }
            #expect(try await service.engine.status(of: "i-ana") == "WORKING")
            #expect(try await service.engine.status(of: "i-bob") == "STOPPED")
            #expect(try await service.clock("clock-out", "ana", wait: 30).status == 200)
            let session = try await service.engine.session("i-ana")
            #expect(session?.status == "STOPPED" && session?.paired == true)
            #expect(try await service.engine.commands(of: "i-ana") == ["start", "start", "stop"])
            #expect(try await service.engine.commands(of: "i-bob") == ["stop"])
        }
    }

    @Test
    func `at rest a sweep of a thousand instances costs one call`() async throws {
        try await withLists {
            $0.callsPerSecond = 5000
        } _: { service in
            try await service.engine.admin("POST", "sessions", #"{"count":1000,"instance_id":"i-a{n}"}"#)
            for number in 1...1000 { #expect(try await service.put("a\(number)").status == 201) }
            try await service.until(within: .seconds(90)) {
                try await service.count("SELECT count(*) AS count FROM observed_states WHERE condition = 'converged'")
                    == 1000
            }
            let before = try await service.engine.calls().count
            for _ in 0..<3 {
                let sweep = try await service.sweep()
                #expect(sweep.instances == 1000 && sweep.read == 1000 && sweep.drifted == 0)
            }
            #expect(try await service.engine.calls(since: before).map(\.operation) == ["list", "list", "list"])
            // Each instance counts as looked at.
            try await service.until {
                try await service.count("SELECT count(*) AS count FROM looks WHERE looked_at > now() - interval '20 s'")
                    == 1000
            }
        }
    }

    @Test
    func `sweeps nobody asked for list as well, and find drift`() async throws {
        try await withLists {
            $0.sweep = .init(onShift: .milliseconds(300), offShift: .milliseconds(300))
        } _: { service in
            try await service.add("in", "out")
            #expect(try await service.clock("clock-in", "in", wait: 30).status == 200)
            try await service.until("out") { $0.condition == "converged" }
            let before = try await service.engine.calls().count
            try await service.until { try await service.engine.calls(since: before).count >= 12 }
            #expect(try await service.engine.calls(since: before).allSatisfy { $0.operation == "list" })
            try await service.engine.fault(.selfStop, ["i-in"])
            try await service.until { try await service.engine.commands(of: "i-in") == ["start", "start"] }
            try await service.until("in") { $0.observed == "WORKING" && $0.condition == "converged" }
            #expect(try await service.engine.commands(of: "i-out") == [])
        }
    }

    @Test
    func `a session that lists leave out is read by itself, and nothing is stopped, started or missing`() async throws {
        try await withLists {
            $0.sweep = .init(onShift: .milliseconds(300), offShift: .milliseconds(300))
        } _: { service in
            try await service.add("listed", "hidden")
            for agent in ["listed", "hidden"] {
                #expect(try await service.clock("clock-in", agent, wait: 30).status == 200)
            }
            try await service.engine.fault(.unlisted, ["i-hidden"])
            let before = try await service.engine.calls().count
            try await service.until { try await service.engine.calls(of: "i-hidden", since: before).count >= 3 }
            let calls = try await service.engine.calls(since: before)
            #expect(
                calls.allSatisfy { $0.operation == "list" || $0.operation == "info" && $0.instanceId == "i-hidden" }
            )
            let view = try await service.agent("hidden")
            #expect(view.observed == "WORKING" && view.condition == "converged")
            #expect(try await service.engine.commands() == ["start", "start"])
        }
    }

    @Test
    func `a session that is gone is missing by its own 404, never by a list`() async throws {
        try await withLists { service in
            try await service.add("ana", "bob")
            for agent in ["ana", "bob"] {
                #expect(try await service.clock("clock-in", agent, wait: 30).status == 200)
            }
            try await service.engine.fault(.vanish, ["i-ana"])
            // While its own read does not succeed, nothing is known of it.
            try await service.engine.fault(.error, ["i-ana"], on: [.info])
            let blind = try await service.sweep()
            #expect(blind.read == 1 && blind.unread == 1)
            #expect(try await service.agent("ana").observed == "WORKING")
            try await service.engine.mend()
            try await service.sweep()
            let view = try await service.until("ana") { $0.observed == "MISSING" }
            #expect(view.condition == "needs_attention")
            #expect(try await service.agent("bob").condition == "converged")
            #expect(try await service.engine.commands() == ["start", "start"])
        }
    }

    @Test
    func `an empty list stops nothing, and everything is read by itself`() async throws {
        try await withLists { service in
            try await service.add("in", "out")
            #expect(try await service.clock("clock-in", "in", wait: 30).status == 200)
            try await service.until("out") { $0.condition == "converged" }
            try await service.engine.faultLists(.lying200)
            let before = try await service.engine.calls().count
            let sweep = try await service.sweep()
            #expect(
                sweep
                    == SweepView(complete: true, instances: 2, read: 2, unread: 0, drifted: 0, repaired: 0, deferred: 0)
            )
            let operations = try await service.engine.calls(since: before).map(\.operation)
            #expect(operations == ["list", "info", "info"])
            #expect(try await service.agent("in").condition == "converged")
            #expect(try await service.engine.commands() == ["start"])
        }
    }

    @Test(arguments: [FaultKind.error, .unauthorized, .garbage200, .cutReply, .dropAfterEffect, .empty200])
    func `without a list everything is read by itself, and the account is not judged by it`(
        fault: FaultKind
    ) async throws {
        try await withLists { service in
            try await service.add("in", "out")
            #expect(try await service.clock("clock-in", "in", wait: 30).status == 200)
            try await service.until("out") { $0.condition == "converged" }
            try await service.engine.faultLists(fault)
            try await service.engine.put(["i-in"], "STOPPED")
            let sweep = try await service.sweep()
            #expect(
                sweep
                    == SweepView(complete: true, instances: 2, read: 2, unread: 0, drifted: 1, repaired: 1, deferred: 0)
            )
            try await service.until("in") { $0.observed == "WORKING" && $0.condition == "converged" }
            let incidents: IncidentsView = try await service.send("GET", "/v1/incidents").decoded()
            #expect(incidents.items.isEmpty)
        }
    }

    @Test
    func `a word nobody knows is shown as it is and never acted on`() async throws {
        try await withLists { service in
            try await service.add("in", "out")
            #expect(try await service.clock("clock-in", "in", wait: 30).status == 200)
            try await service.until("out") { $0.condition == "converged" }
            try await service.engine.put(["i-in", "i-out"], "PASSKEY_REQUIRED")
            try await service.sweep()
            for agent in ["in", "out"] {
                let view = try await service.until(agent) { $0.observed == "PASSKEY_REQUIRED" }
                #expect(view.condition == "unknown")
            }
            #expect(try await service.engine.commands() == ["start"])
        }
    }

    @Test
    func `a list that was sent before a command proves nothing about it`() async throws {
        try await withLists { service in
            try await service.add("ana")
            try await service.until("ana") { $0.condition == "converged" }
            // The list is under way, saying STOPPED, while the agent clocks in and the session comes up.
            try await service.engine.faultLists(.slow, params: #"{"ms":\#(3000 * ServiceSetup.speed)}"#, count: 1)
            async let sweep = service.sweep()
            try await service.until { try await service.engine.calls().contains { $0.operation == "list" } }
            #expect(try await service.clock("clock-in", "ana", wait: 30).status == 200)
            #expect(try await sweep.repaired == 0)
            let view = try await service.agent("ana")
            #expect(view.observed == "WORKING" && view.condition == "converged")
            #expect(try await service.engine.commands() == ["start"])
        }
    }

    @Test
    func `a sweep whose list takes longer than its caller waits is told so in time`() async throws {
        try await withLists { service in
            try await service.add("ana")
            try await service.until("ana") { $0.condition == "converged" }
            try await service.engine.faultLists(.hang)
            let began = ContinuousClock.now
            let answer = try await service.send("POST", "/v1/engines/main/sweep?wait=1")
            // Well before the list's own time-out of 5 s would have let it go.
            #expect(ContinuousClock.now - began < .seconds(4))
            #expect(answer.status == 202)
            let counts: SweepView = try answer.decoded()
            #expect(!counts.complete && counts.read == 0)
            #expect(try await service.engine.commands().isEmpty)
        }
    }

    @Test
    func `what drifts before each of two sweeps that nobody waits for is repaired`() async throws {
        try await withLists { service in
            try await service.add("ana", "bob")
            for agent in ["ana", "bob"] { try await service.until(agent) { $0.condition == "converged" } }
            // The first list is under way for so long that the second sweep is asked for meanwhile.
            try await service.engine.faultLists(.slow, params: #"{"ms":\#(2000 * ServiceSetup.speed)}"#, count: 1)
            try await service.engine.put(["i-ana"], "WORKING")
            #expect(try await service.send("POST", "/v1/engines/main/sweep?wait=0").status == 202)
            try await service.until { try await service.engine.calls().contains { $0.operation == "list" } }
            try await service.engine.put(["i-bob"], "WORKING")
            #expect(try await service.send("POST", "/v1/engines/main/sweep?wait=0").status == 202)
            for agent in ["ana", "bob"] {
                try await service.until { try await service.engine.commands(of: "i-\(agent)") == ["stop"] }
                try await service.until(agent) { $0.condition == "converged" }
            }
        }
    }

    @Test
    func `a signature of another engine's kind proves nothing`() async throws {
        try await withLists {
            $0.webhookSecret = "hook-secret-0123456789"
        } _: { service in
            try await service.engine.put(["i-ana"])
            // The right HMAC-SHA256, where Wawp would have it.
            let code = HMAC<SHA256>.authenticationCode(
                for: Array("{}".utf8),
                using: SymmetricKey(data: Array("hook-secret-0123456789".utf8))
            )
            let digits = code.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
            for header in ["X-Webhook-Signature", "X-Webhook-Hmac"] {
                let answer = try await service.send(
                    "POST",
                    "/v1/engines/main/events",
                    key: nil,
                    json: "{}",
                    headers: [header: digits]
                )
                #expect(answer.status == 401)
            }
        }
    }

    @Test
    func `WAHA's webhook, signed its own way, wakes a look, which finds the drift`() async throws {
        try await withLists {
            $0.webhookSecret = "hook-secret-0123456789"
            $0.sweep = ServiceSetup.noLooks
        } _: { service in
            try await service.add("ana")
            #expect(try await service.clock("clock-in", "ana", wait: 30).status == 200)
            let url = "http://127.0.0.1:\(service.port)/v1/engines/main/events"
            try await service.engine.admin(
                "PUT",
                "webhooks",
                #"{"urls":["\#(url)"],"form":"waha","secret":"hook-secret-0123456789"}"#
            )
            try await service.engine.fault(.selfStop, ["i-ana"])
            try await service.until { try await service.engine.commands() == ["start", "start"] }
            try await service.until("ana") { $0.observed == "WORKING" && $0.condition == "converged" }
        }
    }
}
