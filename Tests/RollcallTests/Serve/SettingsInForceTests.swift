import Foundation
import LibPQ
import Testing

/// Settings that the environment gives, and what the running service makes of them.
@Suite("Settings in force", .timeLimit(.minutes(3)))
struct SettingsInForceTests {
    @Test
    func `ROLLCALL_UNMATCHED_MAX_AGE bounds which unmatched events start a shift`() async throws {
        try await withInstallation { installation in
            let service = try await installation.serve(["ROLLCALL_UNMATCHED_MAX_AGE": "1h"])
            // With the default of a day both would begin a shift.
            for (agent, minutes) in [("early", 90.0), ("late", 30.0)] {
                let occurredAt = instant(inSeconds: -60 * minutes)
                let answer = try await service.clock("clock-in", agent, json: #"{"occurred_at":"\#(occurredAt)"}"#)
                #expect(try answer.decoded(ReceiptView.self).effect == "unmatched", "\(answer.text)")
                try await service.put(agent, hasInstance: false)
            }
            #expect(try await service.agent("early").shift == "out")
            #expect(try await service.agent("late").shift == "in")
        }
    }

    @Test(arguments: [1, 3])
    func `an account's _CONCURRENCY is how many of its calls are under way at a time`(concurrency: Int) async throws {
        try await withInstallation { installation in
            let service = try await installation.serve([
                "ROLLCALL_ENGINE_MAIN_CONCURRENCY": "\(concurrency)",
                // Nothing is looked at but by the sweep that is asked for.
                "ROLLCALL_SWEEP_INTERVAL": "1h", "ROLLCALL_OFF_SHIFT_SWEEP_INTERVAL": "1h",
            ])
            let agents = ["a", "b", "c"]
            for agent in agents {
                try await service.engine.put("i-\(agent)", "STOPPED")
                try await service.put(agent)
                try await service.until(agent) { $0.condition == "converged" }
            }
            for agent in agents {
                try await service.engine.fault("slow", on: "info", of: "i-\(agent)", milliseconds: 500)
            }
            let before = try await service.engine.calls().count
            #expect(try await service.send("POST", "/v1/engines/main/sweep?wait=60").status == 200)
            let looks = try await service.engine.calls().dropFirst(before).filter { $0.operation == "info" }
            #expect(Set(looks.map(\.instanceId)).count == agents.count)
            let most = looks.map { look in
                looks.count { other in
                    other.receivedMonotonicUs <= look.receivedMonotonicUs
                        && look.receivedMonotonicUs < other.answeredMonotonicUs ?? .max
                }
            }.max()
            #expect(most == concurrency)
        }
    }
}
