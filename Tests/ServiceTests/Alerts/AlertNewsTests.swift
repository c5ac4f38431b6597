import Domain
import LibPQ
import Logging
import Testing

@testable import Service

@Suite("AlertNews")
struct AlertNewsTests {
    /// Of which agents the outside would be told that they cannot work.
    private func told(_ fixture: ManagementFixture) async throws -> [String] {
        try await fixture.pool.rows(AlertStatements.news(after: .seconds(60), page: 0), AlertNews.init)
            .filter { $0.subject == .cannotWork }.compactMap(\.agentID).sorted()
    }

    /// As if all had been so for an hour.
    private func age(_ fixture: ManagementFixture) async throws {
        _ = try await fixture.pool.pipeline([
            "UPDATE agent_states SET desired_since = now() - interval '1 hour'",
            "UPDATE observed_states SET since = now() - interval '1 hour'",
            "UPDATE session_owners SET from_at = now() - interval '1 hour'",
        ])
    }

    @Test
    func `an incident about some sessions tells of these alone, one about the whole account of all`() async throws {
        try await withManagement { fixture in
            try await fixture.addOnShift(["qr", "gone", "failed", "odd", "dead", "falls", "barred"])
            try await fixture.observe("qr", "SCAN_QR_CODE", .needsPairing, reason: .pairingRequired)
            try await fixture.observe("gone", "MISSING", .needsAttention, reason: .sessionMissing)
            try await fixture.observe("failed", "FAILED", .needsAttention, reason: .restartBudgetUsed)
            try await fixture.observe("odd", "HIBERNATING", .unknown, reason: .unknownWord)
            try await fixture.observe("dead", "WORKING?", .needsAttention, reason: .suspect)
            try await fixture.observe("falls", "STOPPED", .needsAttention, reason: .keepsFalling)
            try await fixture.observe("barred", "STOPPED", .needsAttention, reason: .startRefused)
            try await age(fixture)
            #expect(try await told(fixture) == ["barred", "dead", "failed", "falls", "gone", "odd", "qr"])
            for (kind, others) in [
                (IncidentKind.sessionsFailing, ["barred", "dead", "falls", "gone", "odd", "qr"]),
                (.sessionsLoggedOut, ["barred", "dead", "falls", "gone", "odd"]),
                (.sessionsUnknown, ["barred", "dead", "falls", "odd"]),
                (.sessionsSuspect, ["barred", "falls", "odd"]),
                (.wordsUnknown, ["barred", "falls"]),
                (.sessionsKeepFalling, ["barred"]), (.engineOutage, []),
            ] {
                _ = try await fixture.pool.query(
                    "INSERT INTO incidents (account, kind) SELECT account, \(kind.rawValue) FROM engine_accounts"
                )
                #expect(try await told(fixture) == others)
                let incident = try await fixture.send("GET", "/v1/incidents").items().first
                #expect(incident?["kind"] as? String == kind.rawValue)
                #expect(incident?["agents"] as? Int == (kind == .engineOutage ? 7 : 1), "\(kind)")
            }
        }
    }

    /// Kinds of incident, and whom one that is just over is not about.
    private static let ends: [(IncidentKind, [String])] = [
        (.accountRefused, []), (.engineOutage, []), (.readsRefused, []), (.sessionsLoggedOut, ["boots", "falls"]),
        (.sessionsKeepFalling, ["boots", "qr"]),
    ]

    @Test(arguments: ends)
    func `who was part of an incident is told of once it has been over for as long as anybody has, and not before`(
        kind: IncidentKind,
        others: [String]
    ) async throws {
        try await withManagement { fixture in
            let all = ["boots", "falls", "qr"]
            try await fixture.addOnShift(all)
            try await fixture.observe("boots", "STOPPED", .starting, reason: .shouldRun)
            try await fixture.observe("falls", "STOPPED", .drifted, reason: .wentDown)
            try await fixture.observe("qr", "SCAN_QR_CODE", .needsPairing, reason: .pairingRequired)
            try await age(fixture)
            _ = try await fixture.pool.pipeline([
                Self.queue,
                """
                INSERT INTO incidents (account, kind, opened_at, closed_at)
                SELECT account, \(kind.rawValue), now() - interval '30 minutes', now() - interval '50 seconds'
                FROM engine_accounts
                """,
                // What befell others since leaves it where it is.
                """
                INSERT INTO incidents (account, kind, opened_at, closed_at)
                SELECT -n, 'source_silent', now() - interval '5 minutes', now() - interval '4 minutes'
                FROM generate_series(1, 300) AS n
                """,
            ])
            #expect(try await told(fixture) == others)
            _ = try await fixture.pool.query(
                "UPDATE incidents SET closed_at = now() - interval '61 seconds' WHERE account > 0"
            )
            #expect(try await told(fixture) == all)
        }
    }

    @Test
    func `who hangs while the session starts is told of, once for longer than may be`() async throws {
        try await withManagement { fixture in
            try await fixture.addOnShift(["hangs", "boots", "off"])
            try await fixture.addEvent(.clockOut, of: "off", ago: .seconds(600), matched: true)
            try await fixture.refold("off")
            for agent in ["hangs", "boots", "off"] {
                try await fixture.observe(agent, "STOPPED", .starting, reason: .startSent)
            }
            try await age(fixture)
            _ = try await fixture.pool.pipeline([
                """
                UPDATE agent_states s
                SET desired_since = now() - interval '10 seconds'
                FROM agents a
                WHERE a.agent = s.agent AND a.agent_id = 'boots'
                """,
                Self.queue,
            ])
            #expect(try await told(fixture) == ["hangs"])
        }
    }

    private static let queue: PQStatement = """
        INSERT INTO reconcile_queue (instance, account, priority, due_at)
        SELECT instance, account, 0, now() + interval '10 seconds' FROM instances
        ON CONFLICT (instance) DO NOTHING
        """

    /// How a session was read, and since when its condition is what it is, in seconds before now.
    struct Past: Sendable {
        var agent: String
        var condition: Condition = .drifted
        var since = 10
        var readings: [(ago: Int, reading: String)] = []
        /// Since when it cannot work; `nil` for one that is not told of.
        var told: Int?
    }

    private static let loop: [(ago: Int, reading: String)] = [
        (7200, "WORKING"), (3000, "FAILED"), (2000, "STARTING"), (1000, "FAILED"),
    ]
    private static let pasts = [
        Past(agent: "loops", readings: loop, told: 3000),
        Past(agent: "starts", condition: .starting, readings: loop + [(20, "STARTING")], told: 3000),
        Past(agent: "fell", since: 3600, readings: [(7200, "WORKING"), (10, "FAILED")]),
        Past(agent: "came", since: 3600, readings: [(7200, "FAILED"), (90, "WORKING"), (10, "FAILED")]),
        // What was before the shift counts for nothing.
        Past(agent: "never", readings: [(90_000, "WORKING"), (80_000, "STOPPED"), (100, "FAILED")], told: 3600),
        Past(agent: "untouched", told: 3600),
        // It works by what is read, and cannot be used.
        Past(agent: "barred", condition: .needsAttention, since: 100, readings: [(7200, "WORKING")], told: 100),
        Past(agent: "moved", readings: loop),
    ]

    @Test
    func `who cannot work is told of by when the session last worked, however often it changed since`() async throws {
        try await withManagement { fixture in
            try await fixture.addOnShift(Self.pasts.map(\.agent))
            for past in Self.pasts {
                let reading = past.readings.last?.reading ?? "STOPPED"
                try await fixture.observe(past.agent, reading, past.condition, reason: .failedRestart)
            }
            try await age(fixture)
            _ = try await fixture.pool.pipeline([
                "DELETE FROM session_changes", "UPDATE observed_states SET attempts = 2", Self.queue,
                """
                UPDATE session_owners o
                SET from_at = now() - interval '10 seconds'
                FROM instances x
                WHERE x.instance = o.instance AND x.instance_id = 'i-moved'
                """,
            ])
            for past in Self.pasts {
                _ = try await fixture.pool.pipeline([
                    """
                    INSERT INTO session_changes (instance, at, recorded_at, reading)
                    SELECT x.instance, now() - make_interval(secs => n.ago), now(), n.reading
                    FROM instances x
                    CROSS JOIN unnest(\(past.readings.map { Double($0.ago) }), \(past.readings.map(\.reading))) AS n (ago, reading)
                    WHERE x.instance_id = \("i-" + past.agent)
                    """,
                    """
                    UPDATE observed_states o
                    SET since = now() - make_interval(secs => \(Double(past.since)))
                    FROM instances x
                    WHERE x.instance = o.instance AND x.instance_id = \("i-" + past.agent)
                    """,
                ])
            }
            let news = try await fixture.pool.rows(AlertStatements.news(after: .seconds(60), page: 0), AlertNews.init)
                .filter { $0.subject == .cannotWork }
            for past in Self.pasts {
                let since = news.first { $0.agentID == past.agent }?.since
                guard let told = past.told else {
                    #expect(since == nil, "\(past.agent)")
                    continue
                }
                let age = try #require(since.map { fixture.clock.now() - $0 }, "\(past.agent)")
                #expect(abs(age.inSeconds - Double(told)) < 30, "\(past.agent): \(age)")
            }
        }
    }

    @Test
    func `an incident that is over before anybody looked is told, unless it is long past`() async throws {
        try await withManagement { fixture in
            _ = try await fixture.pool.query(
                """
                INSERT INTO incidents (account, kind, opened_at, closed_at)
                VALUES (1, 'engine_outage', now() - interval '1 minute', now()),
                    (1, 'account_refused', now() - interval '2 hours', now() - interval '1 hour'),
                    (1, 'sessions_failing', now() - interval '2 hours', NULL)
                """
            )
            let news = try await fixture.pool.rows(AlertStatements.news(after: .seconds(60), page: 0)) {
                row throws(PQError) in
                (what: try row.column("what", as: String.self), kind: try row.column("kind", as: String?.self))
            }.filter { $0.what.hasPrefix("incident") }
            #expect(Set(news.map(\.what)) == ["incident.opened"])
            #expect(Set(news.map(\.kind)) == ["engine_outage", "sessions_failing"])
        }
    }

    @Test
    func `what is not over stays in the log, however old, so that it is told once`() async throws {
        try await withManagement { fixture in
            let incidents = try await fixture.pool.rows(
                """
                INSERT INTO incidents (account, kind, closed_at)
                VALUES (1, 'engine_outage', NULL), (1, 'account_refused', now())
                RETURNING incident
                """
            ) { row throws(PQError) in try row.column("incident", as: Int64.self) }
            _ = try await fixture.pool.query(
                """
                INSERT INTO alert_notices (notice, subject, thread, kind, body, incident, is_over, created_at)
                SELECT gen_random_uuid(), 'incident/' || n || '/opened', 'incident/' || n, 'incident.opened', '', n,
                    n = \(incidents[1]), now() - interval '31 days'
                FROM unnest(\(incidents)) AS n
                """
            )
            #expect(try await OldHistory(pool: fixture.pool).forget(keep: Retention.changesKept) == 1)
            let left = try await fixture.pool.rows("SELECT incident FROM alert_notices") { row throws(PQError) in
                try row.column("incident", as: Int64.self)
            }
            #expect(left == [incidents[0]])
        }
    }

    @Test
    func `the log is kept for 30 days, also where nothing is told any more`() async throws {
        try await withManagement { fixture in
            _ = try await fixture.pool.query(
                """
                INSERT INTO alert_notices (notice, subject, thread, kind, body, state, created_at)
                SELECT gen_random_uuid(), n.state || n.days, n.state || n.days, 'agent.cannot_work', '{}', n.state,
                    now() - make_interval(days => n.days)
                FROM (VALUES ('delivered', 31), ('waiting', 31), ('delivered', 29), ('waiting', 29)) AS n (state, days)
                """
            )
            let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
            await Retention(pool: fixture.pool, keep: .seconds(90 * 86_400), logger: logger).runOnce()
            let left = try await fixture.pool.rows("SELECT subject FROM alert_notices ORDER BY subject") {
                row throws(PQError) in try row.column("subject", as: String.self)
            }
            #expect(left == ["delivered29", "waiting29"])
        }
    }
}
