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
                let wait = LockWait()
                let rebuilding = wait.task { try await rebuilder.run() }
                try await wait.until(1, in: transaction)
                #expect(!wait.isDone, "the rebuild does not wait")
                return rebuilding
            }
            await #expect(throws: LedgerRebuilder.NeedsApproval(changing: 1, limit: limit)) {
                try await rebuilding.value
            }
            let desired: PQStatement = "SELECT count(*) AS count FROM agent_states WHERE desired = 1"
            #expect(try await fixture.count(desired) == 0, "nothing was changed")
        }
    }
}
