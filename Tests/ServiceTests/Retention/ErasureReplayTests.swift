import LibPQ
import Testing

@testable import Service

/// What senders repeat between an erasure and the search for what is left.
@Suite("Erasure: replays meanwhile", .timeLimit(.minutes(2)))
struct ErasureReplayTests {
    private static let agentID = "zelda-9-works"

    @Test
    func `a body that only repeats what was said of the person goes, and one that says something new stays`()
        async throws
    {
        try await withRunningService {
            $0.addVendor()
        } _: { service in
            try await service.until {
                try await service.count("SELECT count(*) AS count FROM delivery_partitions()") == 4
            }
            try await service.addWithoutSession(Self.agentID, "bo")
            let hers = Zelda.punch(Self.agentID, "clock_in", 60, id: "e1")
            let his = Zelda.punch("bo", "clock_in", 50, id: "e2")
            try await service.tell(.init(delivery: "hers", punches: [hers]))
            try await service.tell(.init(delivery: "his", punches: [his]))
            try await erase(service)

            // The ledger has her name still.
            try await service.tell(.init(delivery: "hers-again", punches: [hers]))
            try await service.tell(.init(delivery: "both-again", punches: [his, hers]))
            try await service.tell(.init(delivery: "his-again", punches: [his]))
            let news = Zelda.punch("bo", "clock_out", 40, id: "e3")
            try await service.tell(.init(delivery: "news", punches: [hers, news]))
            let all = ["hers", "his", "hers-again", "both-again", "his-again", "news"]
            #expect(try await deliveries(service) == all)

            _ = try await service.owner.query("UPDATE erasures SET claimed_until = NULL")
            let traces = ErasureTraces(pool: service.owner)
            try await service.until {
                _ = try await traces.removeNext()
                return try await service.count("SELECT count(*) AS count FROM erasures") == 0
            }
            #expect(try await deliveries(service) == ["his", "his-again", "news"])
            #expect(try await service.ledgerCount() == 3)
        }
    }

    /// Erases the agent from the map, and keeps everybody from the search for what is left.
    private func erase(_ service: RunningService) async throws {
        _ = try await service.owner.pipeline([
            """
            UPDATE agents
            SET removal_asked_at = now(),
                erasure_asked_at = now(),
                erasure_sources = ARRAY(SELECT source_id FROM clock_sources WHERE name = 'vendor')
            WHERE agent_id = \(Self.agentID)
            """,
            "DELETE FROM agents WHERE agent_id = \(Self.agentID)",
            "UPDATE erasures SET claimed_until = now() + interval '1 hour'",
        ])
        #expect(try await service.count("SELECT count(*) AS count FROM erasures") == 1)
    }

    private func deliveries(_ service: RunningService) async throws -> [String] {
        try await service.owner.rows("SELECT delivery_id FROM deliveries ORDER BY delivery") { row throws(PQError) in
            try row.column("delivery_id", as: String.self)
        }
    }
}
