import Domain
import LibPQ
import Logging
import Testing

@testable import Service

/// An erasure that is cut short, and many at once.
@Suite("Erasure limit", .timeLimit(.minutes(2)))
struct ErasureLimitTests {
    private static func erasures(_ pool: PQPool) -> PersonErasure {
        PersonErasure(
            pool: pool,
            policy: ReconcilePolicy(),
            rules: MatchingRules(sources: [:]),
            clock: DatabaseClock(),
            wakes: RecordingBell(),
            freshness: FreshnessBook(pool: pool, sweep: SweepPolicy(), callsPerSecond: [:])
        )
    }

    @Test
    func `what is out of time is free at once, and another goes on with it`() async throws {
        try await withMigratedDatabase { owner, connectionString in
            let erasures = Self.erasures(owner)
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

    @Test
    func `however many are asked for at once, appends keep their connections`() async throws {
        try await withMigratedDatabase { owner, connectionString in
            let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
            let pools = Pools(databaseURL: connectionString, connections: 4, logger: logger)
            let erasures = Self.erasures(pools.writers)
            let names = (1...4).map { "zq-form id \($0)" }
            _ = try await owner.pipeline(names.map { ErasureStatements.erase($0, source: 1) })
            let claims: PQStatement = "SELECT count(*) AS count FROM erasures WHERE claimed_until IS NOT NULL"
            let requests: [Task<PersonErasure.Outcome, Never>] = try await owner.withTransaction { transaction in
                try await transaction.run(["LOCK TABLE clock_events IN ACCESS EXCLUSIVE MODE"])
                let requests = names.map { _ in Task { await erasures.finish(within: .seconds(60)) } }
                var (claimed, served): (Int64, Int) = (0, 0)
                while claimed == 0 {
                    _ = try await transaction.run(["SELECT pg_sleep(0.03)"])
                    claimed = try await transaction.run([claims])[0][0].column("count", as: Int64.self)
                }
                // Each request looks again ten times a second.
                for _ in 0..<30 {
                    _ = try await transaction.run(["SELECT pg_sleep(0.03)"])
                    let count = try await transaction.run([claims])[0][0].column("count", as: Int64.self)
                    claimed = max(claimed, count)
                    // An error: no connection was left.
                    if (try? await pools.writers.query("SELECT 1 AS one")) != nil { served += 1 }
                }
                #expect(claimed == 1 && served > 0, "\(claimed) claimed, \(served) of 30 served")
                return requests
            }
            for request in requests { #expect(await request.value == .erased) }
            #expect(try await owner.query("SELECT 1 AS one FROM erasures").isEmpty)
            await pools.shutdown()
        }
    }

    @Test
    func `where samples could not be drawn anew the erasure waits, without a name, until they are`() async throws {
        try await withMigratedDatabase { owner, _ in
            let erasures = Self.erasures(owner)
            _ = try await owner.query(
                """
                INSERT INTO clock_events (dedupe, source_id, kind, occurred_at, effective_at, received_at, external_id)
                SELECT gen_random_uuid(), 1, 1, now(), now(), now(), 'zq-form id'
                FROM generate_series(1, 20)
                """
            )
            _ = try await owner.query("ANALYZE clock_events")
            _ = try await owner.query(ErasureStatements.erase("zq-form id", source: 1))
            let footprint = Footprint(owner: owner)
            let waits: PQStatement = "SELECT claimed_until IS NULL AS is_free FROM erasures"
            try await owner.withTransaction { transaction in
                // In the way of nothing but samples.
                try await transaction.run(["LOCK TABLE agents IN SHARE UPDATE EXCLUSIVE MODE"])
                async let outcome = erasures.finish(within: .seconds(60))
                while try await !cancelSampling(owner) { _ = try await transaction.run(["SELECT pg_sleep(0.03)"]) }
                #expect(await outcome == .erasing)
                let left = try await owner.query(waits)
                try #require(left.count == 1)
                #expect(try left[0].column("is_free", as: Bool.self))
                let places = try await footprint.places(of: ["zq-form id"])
                #expect(!places.isEmpty && places.allSatisfy { $0.hasPrefix("samples:") }, "\(places)")
            }
            #expect(await erasures.finish(within: .seconds(60)) == .erased)
            #expect(try await owner.query(waits).isEmpty)
            #expect(try await footprint.places(of: ["zq-form id"]) == [])
        }
    }

    /// Cancels whoever waits to draw samples; `false` while nobody does.
    private func cancelSampling(_ owner: PQPool) async throws -> Bool {
        try await !owner.query(
            """
            SELECT pg_cancel_backend(a.pid) AS is_cancelled
            FROM pg_stat_activity a
            WHERE a.datname = current_database()
              AND a.wait_event_type = 'Lock'
              AND a.query LIKE 'SELECT forget_samples()%'
            """
        ).isEmpty
    }
}
