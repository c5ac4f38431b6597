import Domain
import LibPQ
import Testing

@testable import Service

/// An erasure that is cut short.
@Suite("Erasure limit", .timeLimit(.minutes(2)))
struct ErasureLimitTests {
    @Test
    func `what is out of time is free at once, and another goes on with it`() async throws {
        try await withMigratedDatabase { owner, connectionString in
            let erasures = PersonErasure(
                pool: owner,
                policy: ReconcilePolicy(),
                rules: MatchingRules(sources: [:]),
                clock: DatabaseClock(),
                wakes: RecordingBell(),
                freshness: FreshnessBook(pool: owner, sweep: SweepPolicy(), callsPerSecond: [:])
            )
            _ = try await owner.pipeline([
                "INSERT INTO clock_sources (name) VALUES ('vendor')", ErasureStatements.erase("zq-form id", source: 1),
            ])
            let waits: PQStatement = "SELECT claimed_until IS NULL AS is_free FROM erasures"
            try await owner.withTransaction { transaction in
                try await transaction.run(["LOCK TABLE clock_events IN ACCESS EXCLUSIVE MODE"])
                async let outcome = erasures.finish(within: .seconds(3))
                var wasClaimed = false
                while !wasClaimed {
                    _ = try await transaction.run(["SELECT pg_sleep(0.03)"])
                    wasClaimed = try await !transaction.run([waits])[0][0].column("is_free", as: Bool.self)
                }
                #expect(await outcome == .erasing)
                #expect(try await transaction.run([waits])[0][0].column("is_free", as: Bool.self))
            }
            #expect(await erasures.finish(within: .seconds(60)) == .erased)
            #expect(try await owner.query(waits).isEmpty)
        }
    }
}
