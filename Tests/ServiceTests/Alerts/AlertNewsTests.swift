import Domain
import LibPQ
import Testing

@testable import Service

@Suite("AlertNews")
struct AlertNewsTests {
    /// Of which agents the outside would be told that they cannot work.
    private func told(_ fixture: ManagementFixture) async throws -> [String] {
        try await fixture.pool.rows(AlertStatements.news(after: .seconds(60), page: 0), AlertNews.init)
            .filter { $0.subject == .cannotWork }.compactMap(\.agentID).sorted()
    }

    @Test
    func `an incident about some sessions tells of these alone, one about the whole account of all`() async throws {
        try await withManagement { fixture in
            try await fixture.addOnShift(["qr", "gone", "failed"])
            try await fixture.observe("qr", "SCAN_QR_CODE", .needsPairing, reason: .pairingRequired)
            try await fixture.observe("gone", "MISSING", .needsAttention, reason: .sessionMissing)
            try await fixture.observe("failed", "FAILED", .needsAttention, reason: .restartBudgetUsed)
            _ = try await fixture.pool.pipeline([
                "UPDATE agent_states SET desired_since = now() - interval '1 hour'",
                "UPDATE observed_states SET since = now() - interval '1 hour'",
            ])
            #expect(try await told(fixture) == ["failed", "gone", "qr"])
            for (kind, others) in [
                (IncidentKind.sessionsLoggedOut, ["failed", "gone"]), (.sessionsUnknown, ["failed"]),
                (.engineOutage, []),
            ] {
                _ = try await fixture.pool.query(
                    "INSERT INTO incidents (account, kind) SELECT account, \(kind.rawValue) FROM engine_accounts"
                )
                #expect(try await told(fixture) == others)
            }
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
            _ = try await fixture.pool.pipeline([
                "UPDATE agent_states SET desired_since = now() - interval '1 hour'",
                """
                UPDATE observed_states o
                SET since = now() - CASE WHEN x.instance_id = 'i-boots' THEN interval '10 seconds' ELSE interval '1 hour' END
                FROM instances x
                WHERE x.instance = o.instance
                """,
                """
                INSERT INTO reconcile_queue (instance, account, priority, due_at)
                SELECT instance, account, 0, now() + interval '10 seconds' FROM instances
                ON CONFLICT (instance) DO NOTHING
                """,
            ])
            #expect(try await told(fixture) == ["hangs"])
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
            _ = try await fixture.pool.pipeline(AlertStatements.noteIncidents([], bodies: []))
            let left = try await fixture.pool.rows("SELECT incident FROM alert_notices") { row throws(PQError) in
                try row.column("incident", as: Int64.self)
            }
            #expect(left == [incidents[0]])
        }
    }
}
