import Domain
import LibPQ
import Testing

@testable import Service

/// A rebuild beside other changes that the guard judges.
@Suite("LedgerRebuilder: the guard", .timeLimit(.minutes(2)))
struct RebuildGuardTests {
    @Test
    func `a rebuild waits for a change that is being judged, and counts what passed`() async throws {
        try await withManagement { fixture in
            try await fixture.addOnShift(["ana"])
            _ = try await fixture.pool.query("UPDATE agent_states SET desired = 0")
            let rebuilder = LedgerRebuilder(
                pool: fixture.pool,
                policy: fixture.dependencies.policy,
                clock: fixture.clock
            )
            let limit = GuardPolicy().floor
            let rebuilding = try await fixture.pool.withTransaction { transaction in
                // As an import does that changes as many as may.
                _ = try await transaction.run([AdvisoryLocks.guarded])
                try await GuardGate().note(limit, by: "hr", in: transaction)
                let rebuilding = Task { try await rebuilder.run() }
                let deadline = ContinuousClock.now + .seconds(30)
                while try await fixture.count(Self.waiting) == 0 {
                    try #require(ContinuousClock.now < deadline, "the rebuild does not wait")
                    _ = try await fixture.pool.query("SELECT pg_sleep(0.02)")
                }
                return rebuilding
            }
            await #expect(throws: LedgerRebuilder.NeedsApproval(changing: 1, limit: limit)) {
                try await rebuilding.value
            }
            let desired: PQStatement = "SELECT count(*) AS count FROM agent_states WHERE desired = 1"
            #expect(try await fixture.count(desired) == 0, "nothing was changed")
        }
    }

    /// Who waits until another change is judged.
    private static let waiting: PQStatement = """
        SELECT count(*) AS count
        FROM pg_locks
        WHERE locktype = 'advisory'
          AND classid = 7265
          AND objid = 3
          AND NOT granted
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        """
}
