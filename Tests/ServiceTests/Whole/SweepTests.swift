import Domain
import EngineSimulator
import Service
import Testing

/// Sweeps: what they count, and that they change nothing where nothing has to change.
@Suite("Sweeps", .timeLimit(.minutes(2)))
struct SweepTests {
    @Test
    func `while everything is as it should be only reads are made`() async throws {
        try await withRunningService {
            $0.sweep = .init(onShift: .milliseconds(300), offShift: .milliseconds(300))
        } _: { service in
            try await service.add("in1", "in2", "out1", "out2")
            #expect(try await service.clock("clock-in", "in1", wait: 30).status == 200)
            #expect(try await service.clock("clock-in", "in2", wait: 30).status == 200)
            for agent in ["out1", "out2"] { try await service.until(agent) { $0.condition == "converged" } }
            let before = try await service.engine.calls().count
            for _ in 0..<3 {
                let sweep = try await service.sweep()
                #expect(sweep.instances == 4 && sweep.drifted == 0 && sweep.repaired == 0)
            }
            // The service's own sweeps have come round as well.
            try await service.until { try await service.engine.calls(since: before).count >= 30 }
            let after = try await service.engine.calls(since: before)
            #expect(after.allSatisfy { !$0.isMutating })
            #expect(Set(after.map(\.instanceId)) == ["i-in1", "i-in2", "i-out1", "i-out2"])
            #expect(try await service.engine.commands() == ["start", "start"])
        }
    }

    @Test
    func `a sweep counts what it read, what drifted, what it repaired and what has to wait`() async throws {
        try await withRunningService {
            $0.policy.confirmAfter = .seconds(60)
        } _: { service in
            try await service.add("works", "flickers", "fails", "cameUp", "away")
            for agent in ["works", "flickers", "fails"] {
                #expect(try await service.clock("clock-in", agent, wait: 30).status == 200)
            }
            for agent in ["cameUp", "away"] { try await service.until(agent) { $0.condition == "converged" } }
            try await service.engine.put(["i-flickers"], "STOPPED")
            try await service.engine.put(["i-cameUp"], "WORKING")
            try await service.engine.fault(.error, ["i-fails"], on: [.info])
            let sweep = try await service.sweep()
            let expected = SweepView(
                complete: true,
                instances: 5,
                read: 4,
                unread: 1,
                drifted: 2,
                repaired: 1,
                deferred: 1
            )
            #expect(sweep == expected)
            #expect(try await service.engine.commands(of: "i-cameUp") == ["stop"])
            #expect(try await service.engine.commands(of: "i-flickers") == ["start"])
        }
    }

    @Test
    func `a sweep that takes longer than its caller waits is told as far as it got`() async throws {
        try await withRunningService { service in
            try await service.add("ana")
            try await service.until("ana") { $0.condition == "converged" }
            try await service.engine.fault(
                .slow,
                on: [.info],
                params: #"{"ms":\#(3000 * ServiceSetup.speed)}"#,
                count: 1
            )
            let answer = try await service.send("POST", "/v1/engines/main/sweep?wait=1")
            #expect(answer.status == 202)
            let counts: SweepView = try answer.decoded()
            #expect(!counts.complete && counts.instances == 1 && counts.read == 0)
        }
    }

    @Test(arguments: ["abc", "-1", "601", "1.5", "60s", "99999999999999999999"])
    func `how long to wait is a whole number of seconds up to 600, and nothing else is taken for one`(
        wait: String
    ) async throws {
        try await withRunningService { service async throws in
            let answer = try await service.send("POST", "/v1/engines/main/sweep?wait=\(wait)")
            #expect(answer.status == 422, "\(answer.text)")
            #expect(try answer.code() == "invalid_field")
            #expect(try answer.json()["field"] as? String == "wait")
        }
    }

    @Test
    func `an account nobody configured cannot be swept`() async throws {
        try await withRunningService { service async throws in
            #expect(try await service.send("POST", "/v1/engines/other/sweep").status == 404)
        }
    }
}
