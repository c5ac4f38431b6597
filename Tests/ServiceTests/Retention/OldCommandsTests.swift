import Domain
import LibPQ
import Testing

@testable import Service

/// Commands that are too old to be shown.
@Suite("Old commands", .timeLimit(.minutes(2)))
struct OldCommandsTests {
    private static let day: Double = 86_400

    /// Adds commands of a session, so many days old.
    private func add(
        _ commands: [(days: Double, action: Action, isSent: Bool)],
        to instanceID: String,
        _ fixture: ManagementFixture
    ) async throws {
        let ages = commands.map { $0.days * Self.day }
        let actions = commands.map(\.action.code)
        _ = try await fixture.pool.query(
            """
            INSERT INTO commands (instance, command_id, account, action, agent, term, intended_at, sent_at, reason)
            SELECT x.instance, (extract(epoch FROM t.at) * 1000000)::bigint, x.account, n.action, x.agent, 1, t.at,
                CASE WHEN n.is_sent THEN t.at END, 'x'
            FROM instances x
            CROSS JOIN unnest(\(ages), \(actions), \(commands.map(\.isSent))) AS n (age, action, is_sent)
            CROSS JOIN LATERAL (SELECT now() - make_interval(secs => n.age) AS at) t
            WHERE x.instance_id = \(instanceID)
            """
        )
    }

    /// How many days old the commands of a session are that are left, oldest first.
    private func days(of instanceID: String, _ fixture: ManagementFixture) async throws -> [Int64] {
        try await fixture.pool.rows(
            """
            SELECT (extract(epoch FROM now() - c.intended_at) / 86400)::bigint AS days
            FROM commands c
            JOIN instances x ON x.instance = c.instance
            WHERE x.instance_id = \(instanceID)
            ORDER BY c.intended_at
            """
        ) { row throws(PQError) in try row.column("days", as: Int64.self) }
    }

    @Test
    func `old commands go, but for the last of each session and the last that was sent`() async throws {
        try await withManagement { fixture in
            for agent in ["a1", "a2", "a3"] { try await fixture.addAgent(agent, instance: agent) }
            try await add(
                [
                    (300, .start, true), (200, .stop, true), (150, .start, false), (100, .start, true),
                    (96, .stop, false), (95, .stop, false), (50, .stop, true), (1, .start, false),
                ],
                to: "a1",
                fixture
            )
            try await add([(300, .start, true)], to: "a2", fixture)
            try await add([(300, .start, false), (200, .start, false)], to: "a3", fixture)
            let history = OldHistory(pool: fixture.pool)
            #expect(try await history.forget(keep: Retention.changesKept) == 5)
            #expect(try await history.forget(keep: Retention.changesKept) == 0)
            #expect(try await days(of: "a1", fixture) == [100, 95, 50, 1])
            #expect(try await days(of: "a2", fixture) == [300])
            #expect(try await days(of: "a3", fixture) == [200])
        }
    }

    @Test
    func `of a session that is gone, with whoever had it, none stays that is old`() async throws {
        try await withManagement { fixture in
            for agent in ["a1", "a2"] { try await fixture.addAgent(agent, instance: agent) }
            for agent in ["a1", "a2"] {
                try await add([(200, .start, true), (100, .stop, true), (50, .start, true)], to: agent, fixture)
            }
            _ = try await fixture.pool.pipeline([
                "DELETE FROM session_owners WHERE instance IN (SELECT instance FROM instances WHERE instance_id = 'a1')",
                "DELETE FROM instances WHERE instance_id = 'a1'",
            ])
            #expect(try await OldHistory(pool: fixture.pool).forget(keep: Retention.changesKept) == 3)
            #expect(try await fixture.count("SELECT count(*) AS count FROM commands") == 3)
            #expect(try await days(of: "a2", fixture) == [100, 50])
        }
    }

    @Test
    func `drift since the time that is kept is told as before`() async throws {
        try await withManagement { fixture in
            try await fixture.addAgent("a1", instance: "a1")
            // Started by us, and found stopped twenty days later.
            try await add([(120, .stop, true), (100, .start, true), (10, .stop, true)], to: "a1", fixture)
            _ = try await fixture.pool.pipeline([
                "UPDATE session_owners SET from_at = now() - interval '200 days'",
                """
                INSERT INTO session_changes (instance, at, recorded_at, reading)
                SELECT x.instance, now() - make_interval(hours => n.hours), now(), n.reading
                FROM instances x
                CROSS JOIN (VALUES (2200, 'STOPPED'), (2190, 'WORKING'), (1920, 'STOPPED')) AS n (hours, reading)
                """,
            ])
            let now = fixture.clock.now()
            let question = StatsReads.Question(
                teams: nil,
                from: now - .seconds(85 * 86_400),
                to: now - .seconds(60 * 86_400)
            )
            for gone in [1, 0] {
                // Each anew, so that none remembers an answer.
                let reads = StatsReads(pool: fixture.pool, freshness: fixture.dependencies.freshness)
                #expect(try await reads.stats(question).driftFound == 1)
                #expect(try await OldHistory(pool: fixture.pool).forget(keep: Retention.changesKept) == gone)
            }
        }
    }

    @Test
    func `a portion has its limit, and reads little of what stays`() async throws {
        try await withMigratedDatabase { owner, _ in
            _ = try await owner.pipeline([
                """
                INSERT INTO commands (instance, command_id, account, action, term, intended_at, sent_at, reason)
                SELECT i, (extract(epoch FROM t.at) * 1000000)::bigint, 1, 1, 1, t.at, t.at, 'x'
                FROM generate_series(1, 200) AS i
                CROSS JOIN generate_series(1, 200) AS n
                CROSS JOIN LATERAL (SELECT now() - make_interval(hours => n) AS at) t
                """,
                """
                INSERT INTO commands (instance, command_id, account, action, term, intended_at, sent_at, reason)
                SELECT i, (extract(epoch FROM t.at) * 1000000)::bigint, 1, 1, 1, t.at, t.at, 'x'
                FROM unnest(ARRAY[100, 150]) AS i
                CROSS JOIN generate_series(1, 700) AS n
                CROSS JOIN LATERAL (SELECT now() - interval '100 days' - make_interval(hours => n) AS at) t
                """,
            ])
            _ = try await owner.query("ANALYZE commands")
            for gone in [1_000, 400, 0] {
                try await owner.withTransaction { transaction in
                    // As the writers' pool has it.
                    try await transaction.run([
                        "SET LOCAL enable_seqscan = off", "SET LOCAL enable_hashjoin = off",
                        "SET LOCAL enable_mergejoin = off", "SET LOCAL plan_cache_mode = force_generic_plan",
                    ])
                    let deleted = try await transaction.run([OldHistory.commands(Retention.changesKept)])
                    #expect(deleted[0].affectedRows == gone)
                    let reads = try await transaction.rows(
                        """
                        SELECT coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) AS count
                        FROM pg_stat_xact_user_tables
                        WHERE relname = 'commands'
                        """
                    ) { row throws(PQError) in try row.column("count", as: Int64.self) }
                    // Of 200 sessions and 41,400 commands.
                    #expect(reads.allSatisfy { $0 < 4_000 } && reads.count == 1, "\(reads)")
                }
            }
        }
    }
}
