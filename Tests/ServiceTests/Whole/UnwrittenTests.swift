import Domain
import EngineSimulator
import LibPQ
import Testing

/// What a replica finds out and cannot write: nobody acts for those sessions, though the replica lives.
@Suite("Unwritten", .timeLimit(.minutes(4)))
struct UnwrittenTests {
    @Test
    func `an account of which nothing can be written is told of within 10 s, until it can`() async throws {
        try await withRunningService { service in
            try await service.add("ana", "ben")
            for agent in ["ana", "ben"] { try await service.until(agent) { $0.condition == "converged" } }
            // By turns, so that a machine that is busy for a moment does not decide.
            var delays: [Duration] = []
            repeat {
                try await service.until { try await service.isActedFor() }
                delays.append(try await unwritten(service))
                try await service.until("ben") { $0.observed == "STOPPED" && $0.condition == "converged" }
                try await service.until { try await service.isActedFor() }
            } while delays.allSatisfy { $0 >= .seconds(10) } && delays.count < 3
            #expect(delays.contains { $0 < .seconds(10) }, "\(delays)")
        }
    }

    /// Keeps the rows locked that a pass over a session needs which has just come up; how long it takes until that is told.
    private func unwritten(_ service: RunningService) async throws -> Duration {
        try await service.owner.withTransaction { transaction in
            _ = try await transaction.run(["SELECT FROM agent_states FOR UPDATE"])
            try await service.engine.fault(.selfStart, ["i-ben"])
            try await service.until { try await service.engine.status(of: "i-ben") == "WORKING" }
            let began = ContinuousClock.now
            #expect(try await service.send("POST", "/v1/engines/main/sweep?wait=0").status == 202)
            try await service.until { try await !service.isActedFor() }
            let delay = ContinuousClock.now - began
            #expect(try await service.count(Self.heartbeats) == 1, "and the replica lives")
            return delay
        }
    }

    private static let heartbeats: PQStatement = """
        SELECT count(*) AS count
        FROM replicas r JOIN engine_leases l ON l.holder = r.replica
        WHERE r.expires_at > now()
        """
}

extension RunningService {
    /// Whether somebody is said to act for the engine account.
    fileprivate func isActedFor() async throws -> Bool {
        try await send("GET", "/v1/engines").text.contains(#""acting":true"#)
    }
}
