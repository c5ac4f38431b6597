import LibPQ
import Testing

@testable import Service

@Suite("Guard: stops", .timeLimit(.minutes(3)))
struct GuardStopTests {
    private static let isWaiting: PQStatement = """
        SELECT l.pid
        FROM pg_locks l
        JOIN pg_stat_activity a ON a.pid = l.pid
        WHERE NOT l.granted
          AND a.datname = current_database()
        """

    private static let done: PQStatement =
        "SELECT count(*) AS count FROM guard_items WHERE kind = 'instance' AND outcome = 'done'"

    private static let free: PQStatement = """
        SELECT count(*) AS count
        FROM guard_items
        WHERE kind = 'hold'
          AND state = 'approved'
          AND outcome IS NULL
          AND claimed_until IS NULL
        """

    @Test
    func `a stop leaves to others at once what is not carried out, and what is carried out is not done again`()
        async throws
    {
        try await withManagement { fixture in
            let seven = (1...7).map { "a\($0)" }
            try await fixture.addOnShift(seven)
            for agent in seven.prefix(5) { #expect(try await fixture.hold(agent) == 200) }
            #expect(try await fixture.hold("a6") == 202)
            _ = try await fixture.importFile(fixture.fileOfSessions(["a7"], prefix: "j"))
            let approved = try await fixture.pool.execute(
                "UPDATE guard_items SET state = 'approved', decided_by = 'eva', decided_at = now() WHERE state = 'held'"
            )
            #expect(approved == 2)
            try await fixture.pool.withTransaction { transaction in
                try await transaction.run([
                    """
                    SELECT s.agent
                    FROM agent_states s
                    JOIN agents a ON a.agent = s.agent
                    WHERE a.agent_id = 'a6'
                    FOR UPDATE OF s
                    """
                ])
                let keeper = fixture.keeper
                let round = Task { await keeper.tend() }
                defer { round.cancel() }
                let deadline = ContinuousClock.now + .seconds(20)
                while try await fixture.pool.query(Self.isWaiting).isEmpty {
                    try #require(ContinuousClock.now < deadline, "nobody waits for the agent")
                    _ = try await fixture.pool.query("SELECT pg_sleep(0.02)")
                }
                round.cancel()
                await round.value
                #expect(try await fixture.count(Self.done) == 1)
                #expect(try await fixture.count(Self.free) == 1)
            }
            #expect(try await fixture.session(of: "a7") == "j-a7")
            try await fixture.asOwner(["UPDATE instances SET instance_id = 'k-a7' WHERE instance_id = 'j-a7'"])
            await fixture.keeper.tend()
            let agent = try await fixture.send("GET", "/v1/agents/a6").json()
            #expect((agent["hold"] as? [String: Any])?["author"] as? String == "manage")
            #expect(try await fixture.session(of: "a7") == "k-a7")
        }
    }
}
