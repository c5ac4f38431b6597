import Domain
import EngineSimulator
import Service
import Testing

/// Sessions that change behind our back.
@Suite("Drift", .timeLimit(.minutes(2)))
struct DriftTests {
    @Test
    func `a session that stops while its agent is on shift is started again, and the reason is told`() async throws {
        try await withRunningService { service in
            try await service.add("ana")
            #expect(try await service.clock("clock-in", "ana", wait: 30).status == 200)
            try await service.engine.fault(.selfStop, ["i-ana"])
            let sweep = try await service.sweep()
            #expect(sweep.drifted == 1 && sweep.repaired == 1)
            try await service.until("ana") { $0.observed == "WORKING" && $0.condition == "converged" }
            #expect(try await service.engine.status(of: "i-ana") == "WORKING")
            #expect(try await service.engine.commands() == ["start", "start"])
            let command = try #require(try await service.explain("ana").commands.first)
            #expect(command.action == "start" && command.reason == "went_down" && command.verdict == "ok")
        }
    }

    @Test
    func `a session that comes up while its agent is away is stopped, and the reason is told`() async throws {
        try await withRunningService { service in
            try await service.add("ana")
            #expect(try await service.clock("clock-in", "ana", wait: 30).status == 200)
            #expect(try await service.clock("clock-out", "ana", wait: 30).status == 200)
            try await service.engine.fault(.selfStart, ["i-ana"])
            try await service.until { try await service.engine.status(of: "i-ana") == "WORKING" }
            #expect(try await service.sweep().repaired == 1)
            try await service.until("ana") { $0.observed == "STOPPED" && $0.condition == "converged" }
            #expect(try await service.engine.status(of: "i-ana") == "STOPPED")
            #expect(try await service.engine.commands() == ["start", "stop", "stop"])
            #expect(try await service.explain("ana").commands.first?.reason == "came_up")
        }
    }

    @Test
    func `a sweep nobody asked for finds drift as well`() async throws {
        try await withRunningService {
            $0.sweep.onShift = .milliseconds(500)
        } _: { service in
            try await service.add("ana")
            #expect(try await service.clock("clock-in", "ana", wait: 30).status == 200)
            try await service.engine.fault(.selfStop, ["i-ana"])
            try await service.until { try await service.engine.commands() == ["start", "start"] }
            try await service.until("ana") { $0.observed == "WORKING" && $0.condition == "converged" }
        }
    }

    @Test
    func `the engine's webhook wakes a look, which finds the drift`() async throws {
        try await withRunningService {
            $0.webhookSecret = "hook-secret-0123456789"
            $0.sweep = ServiceSetup.noLooks
        } _: { service in
            try await service.add("ana")
            #expect(try await service.clock("clock-in", "ana", wait: 30).status == 200)
            let url = "http://127.0.0.1:\(service.port)/v1/engines/main/events"
            try await service.engine.admin(
                "PUT",
                "webhooks",
                #"{"urls":["\#(url)"],"secret":"hook-secret-0123456789"}"#
            )
            try await service.engine.fault(.selfStop, ["i-ana"])
            try await service.until { try await service.engine.commands() == ["start", "start"] }
            try await service.until("ana") { $0.observed == "WORKING" && $0.condition == "converged" }
        }
    }

    @Test
    func `a webhook that proves nothing wakes nobody`() async throws {
        try await withRunningService {
            $0.webhookSecret = "hook-secret-0123456789"
            $0.sweep = ServiceSetup.noLooks
        } _: { service in
            try await service.add("ana")
            try await service.until("ana") { $0.condition == "converged" }
            let before = try await service.engine.calls().count
            let body = #"{"session":"s-i-ana","payload":{"status":"WORKING"}}"#
            for query in ["", "?secret=wrong", "?secret="] {
                let answer = try await service.send("POST", "/v1/engines/main/events\(query)", key: nil, json: body)
                #expect(answer.status == 401)
            }
            let forged = try await service.send(
                "POST",
                "/v1/engines/main/events",
                key: nil,
                json: body,
                headers: ["X-Webhook-Signature": String(repeating: "00", count: 32)]
            )
            #expect(forged.status == 401)
            #expect(try await service.engine.calls().count == before)
            let right = try await service.send(
                "POST",
                "/v1/engines/main/events?secret=hook-secret-0123456789",
                key: nil,
                json: body
            )
            #expect(right.status == 200)
            try await service.until { try await service.engine.calls().count > before }
            #expect(try await service.engine.commands().isEmpty)
        }
    }

    @Test
    func `a flicker of a working session is looked at again and left alone`() async throws {
        try await withRunningService {
            $0.policy.confirmAfter = .milliseconds(1500)
        } _: { service in
            try await service.add("ana")
            #expect(try await service.clock("clock-in", "ana", wait: 30).status == 200)
            try await service.engine.fault(.flicker, ["i-ana"], params: #"{"ms":\#(700 * ServiceSetup.speed)}"#)
            let sweep = try await service.sweep()
            #expect(sweep.drifted == 1 && sweep.repaired == 0 && sweep.deferred == 1)
            #expect(try await service.agent("ana").reason == "confirming_drift")
            try await service.until("ana") { $0.observed == "WORKING" && $0.condition == "converged" }
            #expect(try await service.engine.commands() == ["start"])
        }
    }
}
