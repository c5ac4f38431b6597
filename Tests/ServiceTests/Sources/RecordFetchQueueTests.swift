import ClockSources
import Domain
import LibPQ
import Testing

@testable import Service

/// Wishes for one record that cross each other.
@Suite("RecordFetchQueue", .timeLimit(.minutes(2)))
struct RecordFetchQueueTests {
    @Test
    func `a wish that is written last is the latest, also where its number was drawn before another's`() async throws {
        try await withMigratedDatabase { owner, _ in
            let sources = try await owner.rows(
                "INSERT INTO clock_sources (name) VALUES ('vendor') RETURNING source_id"
            ) { row throws(PQError) in try row.column("source_id", as: Int32.self) }
            let source = try #require(sources.first)
            let reference = try #require(RecordReference(kind: "thing", id: "r1"))
            let fetches = RecordFetchQueue(pool: owner)
            let ask = fetches.ask(for: reference, sourceID: source)
            let (asking, taken) = try await owner.withTransaction { transaction in
                _ = try await transaction.run([ask])
                // Has drawn a number for a row of its own, and waits for this one.
                let asking = Task { _ = try await owner.query(ask) }
                let deadline = ContinuousClock.now + .seconds(30)
                while try await owner.query(Self.waiting).isEmpty {
                    try #require(ContinuousClock.now < deadline, "nobody waits")
                    _ = try await owner.query("SELECT pg_sleep(0.02)")
                }
                _ = try await transaction.run([ask])
                // Somebody has it by the time that the other goes on.
                let taken = try await transaction.rows(
                    "UPDATE record_fetches SET claimed_until = now() + interval '1 hour' RETURNING asked, claimed_until"
                ) { row throws(PQError) in
                    RecordFetchQueue.Item(
                        sourceID: source,
                        reference: reference,
                        asked: try row.column("asked", as: Int64.self),
                        attempts: 0,
                        claimedUntil: try row.column("claimed_until", as: Timestamp.self)
                    )
                }
                return (asking, taken)
            }
            try await asking.value
            try await fetches.settle(try #require(taken.first))
            let next = try await fetches.take(of: [source], limit: 1)
            #expect(next.map(\.reference) == [reference], "it was asked for again, so it is due at once")
        }
    }

    /// Who waits for another's row.
    private static let waiting: PQStatement = """
        SELECT a.pid
        FROM pg_stat_activity a
        WHERE a.datname = current_database()
          AND a.wait_event_type = 'Lock'
          AND a.query LIKE 'INSERT INTO record_fetches%'
        """
}
