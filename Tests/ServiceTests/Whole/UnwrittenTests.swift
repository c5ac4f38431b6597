import Domain
import LibPQ
import Testing

/// What a replica finds out and cannot write: nobody acts for those sessions, though the replica lives.
@Suite("Unwritten", .timeLimit(.minutes(2)))
struct UnwrittenTests {
    @Test
    func `an account of which nothing can be written is told of within 10 s, until it can`() async throws {
        try await withRunningService { service in
            try await service.add("ana", "ben")
            for agent in ["ana", "ben"] { try await service.until(agent) { $0.condition == "converged" } }
            try await service.until { try await service.pulse().contains(#""acting":true"#) }
            try await service.owner.withTransaction { transaction in
                _ = try await transaction.run(["SELECT FROM agent_states FOR UPDATE"])
                try await service.engine.fault(.selfStart, ["i-ben"])
                try await service.until { try await service.engine.status(of: "i-ben") == "WORKING" }
                let began = ContinuousClock.now
                #expect(try await service.send("POST", "/v1/engines/main/sweep?wait=0").status == 202)
                try await service.until { try await service.pulse().contains(#""acting":false"#) }
                #expect((ContinuousClock.now - began).seconds < 10)
                #expect(try await service.count(Self.heartbeats) == 1, "and it lives")
            }
            try await service.until("ben") { $0.observed == "STOPPED" && $0.condition == "converged" }
            try await service.until { try await service.pulse().contains(#""acting":true"#) }
        }
    }

    private static let heartbeats: PQStatement = """
        SELECT count(*) AS count
        FROM replicas r JOIN engine_leases l ON l.holder = r.replica
        WHERE r.seen_at > now() - interval '3 s'
        """
}

extension RunningService {
    /// What is told of the engine accounts.
    fileprivate func pulse() async throws -> String {
        try await send("GET", "/v1/engines").text
    }
}
