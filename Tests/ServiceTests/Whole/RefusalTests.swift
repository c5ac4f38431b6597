import Domain
import EngineSimulator
import Service
import Testing

/// An engine that asks to be left alone, or that refuses for good; and a proof that grows old.
@Suite("Refusals", .timeLimit(.minutes(3)))
struct RefusalTests {
    @Test
    func `an engine that says for how long is left alone for so long, whoever's call it was`() async throws {
        try await withRunningService {
            $0.sweep = SweepPolicy(onShift: .seconds(1), offShift: .seconds(1))
        } _: { service in
            try await service.add("ana", "ben")
            for agent in ["ana", "ben"] { try await service.until(agent) { $0.condition == "converged" } }
            try await service.engine.fault(
                .rateLimited,
                ["i-ana"],
                on: [.start],
                params: #"{"retry_after":"4"}"#,
                count: 1
            )
            try await service.clock("clock-in", "ana")
            try await service.until { try await service.engine.commands().count == 2 }
            let calls = try await service.engine.calls()
            let refused = try #require(calls.first { $0.httpStatus == 429 })
            let answeredAt = try #require(refused.answeredMonotonicUs)
            // Calls that had left before are no fault.
            let later = calls.filter { $0.receivedMonotonicUs > answeredAt + 200_000 }
            let next = try #require(later.map(\.receivedMonotonicUs).min())
            #expect(next - answeredAt > 3_900_000, "\(next - answeredAt) us")
            try await service.until("ana") { $0.observed == "WORKING" && $0.condition == "converged" }
            #expect(try await service.engine.commands() == ["start", "start"])
        }
    }

    @Test
    func `a command that is refused for good needs somebody at once, and is tried again when somebody asks`()
        async throws
    {
        try await withRunningService {
            $0.policy.firstRetry = .seconds(900)
            $0.policy.longestRetry = .seconds(3600)
        } _: { service in
            try await service.add("ana")
            try await service.until("ana") { $0.condition == "converged" }
            try await service.engine.fault(.error, on: [.start], params: #"{"http_status":403}"#)
            #expect(try await service.clock("clock-in", "ana", wait: 30).status == 202)
            let ana = try await service.agent("ana")
            #expect(ana.condition == "needs_attention" && ana.reason == "start_refused")
            for _ in 0..<3 { try await service.sweep() }
            #expect(try await service.engine.commands() == ["start"], "a look changes nothing of that")
            try await service.until("ana") { $0.condition == "needs_attention" && $0.reason == "start_refused" }
            try await service.engine.mend()
            #expect(try await service.send("POST", "/v1/agents/ana/reconcile").status == 202)
            try await service.until("ana") { $0.observed == "WORKING" && $0.condition == "converged" }
            #expect(try await service.engine.commands() == ["start", "start"])
        }
    }

    @Test
    func `who waits is not told that a session runs by a proof that is too old`() async throws {
        try await withRunningService {
            $0.sweep = SweepPolicy(onShift: .seconds(1), offShift: .seconds(1))
        } _: { service in
            try await service.add("ana")
            let event = #"{"event_id":"e1"}"#
            #expect(try await service.clock("clock-in", "ana", wait: 30, json: event).status == 200)
            try await service.engine.fault(.outage)
            try await service.until("ana") { $0.condition == "unknown" && $0.reason == "stale" }
            let stale = try await service.clock("clock-in", "ana", wait: 1, json: event)
            #expect(stale.status == 202, "\(stale.text)")
            try await service.engine.mend()
            #expect(try await service.clock("clock-in", "ana", wait: 60, json: event).status == 200)
            try await service.until("ana") { $0.condition == "converged" }
        }
    }
}
