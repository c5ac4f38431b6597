import Domain
import LibPQ
import Testing

@testable import Service

/// Who is silent, as the database judges it for processes that come and go.
@Suite("Source judgement", .timeLimit(.minutes(2)))
struct SourceJudgementTests {
    private static func hours(_ count: Int64) -> Duration { .seconds(count * 3600) }

    /// Makes a source that was last heard some hours ago, beside a replica that follows others.
    private func makeSource(heard hours: Double, in owner: PQPool) async throws -> Int32 {
        _ = try await owner.query("UPDATE replica_presence SET seen_at = now()")
        _ = try await owner.query(
            """
            INSERT INTO replicas (replica, seen_at, expires_at, release)
            VALUES ('0b1e7a52-4c1f-4a53-9d3a-1f5b6c7d8e9f', now(), now() + interval '1 minute', 'test')
            """
        )
        _ = try await owner.query("INSERT INTO clock_sources (name) VALUES ('vendor')")
        return try await owner.rows(
            """
            INSERT INTO source_activity (source_id, last_seen_at)
            SELECT source_id, now() - make_interval(secs => \(hours * 3600)) FROM clock_sources WHERE name = 'vendor'
            RETURNING source_id
            """
        ) { row throws(PQError) in try row.column("source_id", as: Int32.self) }[0]
    }

    /// Judges once; returns what changed: whether it fell silent, or was heard again.
    private func judge(
        _ source: Int32,
        limit: Duration,
        uptime: Duration = Self.hours(1),
        in owner: PQPool
    ) async throws -> [Bool] {
        let statement = SourceActivityStatements.judge([source: limit], uptime: uptime)
        return try await owner.rows(statement) { row throws(PQError) in try row.column("is_silent", as: Bool.self) }
    }

    /// How many incidents there are, and how many of them are open.
    private func incidents(_ owner: PQPool) async throws -> [Int64] {
        let result = try await owner.query(
            "SELECT count(*) AS every, count(*) FILTER (WHERE closed_at IS NULL) AS open FROM incidents"
        )
        return [try result[0].column("every", as: Int64.self), try result[0].column("open", as: Int64.self)]
    }

    @Test
    func `silence is told also where no process lives as long as the limit`() async throws {
        try await withMigratedDatabase { owner, _ in
            let source = try await makeSource(heard: 80, in: owner)
            #expect(try await judge(source, limit: Self.hours(96), in: owner).isEmpty)
            #expect(try await judge(source, limit: Self.hours(72), in: owner) == [true])
        }
    }

    @Test
    func `silence counts from the end of the last time in which no replica was there`() async throws {
        try await withMigratedDatabase { owner, _ in
            let source = try await makeSource(heard: 80, in: owner)
            _ = try await owner.query(
                """
                INSERT INTO look_gaps (instance, from_at, to_at)
                VALUES (0, now() - interval '60 hours', now() - interval '50 hours'),
                    (0, now() - interval '20 hours', now() - interval '10 hours')
                """
            )
            #expect(try await judge(source, limit: Self.hours(30), uptime: Self.hours(200), in: owner).isEmpty)
            #expect(try await judge(source, limit: Self.hours(9), in: owner) == [true])
        }
    }

    @Test
    func `nothing is judged before an absence that is over is noted`() async throws {
        try await withMigratedDatabase { owner, _ in
            let source = try await makeSource(heard: 80, in: owner)
            // A process that lives on while the database is away.
            _ = try await owner.query("UPDATE replicas SET seen_at = now() - interval '79 hours'")
            _ = try await owner.query("UPDATE replica_presence SET seen_at = now() - interval '79 hours'")
            #expect(try await judge(source, limit: Self.hours(72), uptime: Self.hours(200), in: owner).isEmpty)
            _ = try await owner.query("UPDATE replicas SET seen_at = now()")
            #expect(try await judge(source, limit: Self.hours(72), uptime: Self.hours(200), in: owner).isEmpty)
        }
    }

    @Test
    func `where no replica is known of that was there before, silence counts from the beginning of the process`()
        async throws
    {
        try await withMigratedDatabase { owner, _ in
            let source = try await makeSource(heard: 80, in: owner)
            _ = try await owner.query("UPDATE replica_presence SET seen_at = NULL")
            #expect(try await judge(source, limit: Self.hours(72), in: owner).isEmpty)
            #expect(try await judge(source, limit: Self.hours(72), uptime: Self.hours(73), in: owner) == [true])
        }
    }

    @Test
    func `what the replica with the shorter limit opened stays until the source is heard`() async throws {
        try await withMigratedDatabase { owner, _ in
            let source = try await makeSource(heard: 30, in: owner)
            #expect(try await judge(source, limit: Self.hours(24), in: owner) == [true])
            for _ in 0..<3 {
                #expect(try await judge(source, limit: Self.hours(72), in: owner).isEmpty)
                #expect(try await judge(source, limit: Self.hours(24), in: owner).isEmpty)
            }
            #expect(try await incidents(owner) == [1, 1])
            _ = try await owner.query("UPDATE source_activity SET last_seen_at = now()")
            #expect(try await judge(source, limit: Self.hours(72), in: owner) == [false])
            #expect(try await incidents(owner) == [1, 0])
        }
    }

    @Test
    func `an incident that a raised limit does not count any more is closed by who begins with it`() async throws {
        try await withMigratedDatabase { owner, _ in
            let source = try await makeSource(heard: 30, in: owner)
            #expect(try await judge(source, limit: Self.hours(24), in: owner) == [true])
            _ = try await owner.query(SourceActivityStatements.abandon(watching: [source: Self.hours(24)]))
            #expect(try await incidents(owner) == [1, 1])
            _ = try await owner.query(SourceActivityStatements.abandon(watching: [source: Self.hours(72)]))
            #expect(try await incidents(owner) == [1, 0])
            #expect(try await judge(source, limit: Self.hours(24), in: owner) == [true])
            _ = try await owner.query(SourceActivityStatements.abandon(watching: [:]))
            #expect(try await incidents(owner) == [2, 0])
        }
    }
}
