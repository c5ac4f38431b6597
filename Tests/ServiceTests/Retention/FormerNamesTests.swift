import LibPQ
import Logging
import TestSupport
import Testing

@testable import Service

/// What a database that is older than erasures knows of names that are gone.
@Suite("Former names", .timeLimit(.minutes(1)))
struct FormerNamesTests {
    private let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    @Test
    func `names that the ledger alone still knows are found when the database is migrated, and later ones by triggers`()
        async throws
    {
        let connectionString = try await ThrowawayCluster.shared().makeDatabase()
        let owner = PQPool(PQConfiguration(connectionString: connectionString, maxConnections: 2), logger: logger)
        do {
            let before = Migration.all.filter { $0.number < 7 }
            try await Migrator(pool: owner, logger: logger, migrations: before).migrate()
            // Ana has an alias, had another, and works; Cy is gone; and an event was matched to her later.
            _ = try await owner.pipeline([
                "INSERT INTO clock_sources (name) VALUES ('hr')",
                "INSERT INTO agents (agent_id) VALUES ('ana'), ('bo')",
                "INSERT INTO agent_aliases (source_id, external_id, agent) VALUES (2, 'a-now', 1)",
                """
                INSERT INTO clock_events (dedupe, agent, source_id, kind, occurred_at, effective_at, received_at, external_id)
                SELECT gen_random_uuid(), n.agent, n.source_id, 1, now(), now(), now(), n.name
                FROM (VALUES (1, 1, 'ana'), (1, 2, 'a-now'), (1, 2, 'a-old'), (7, 2, 'cy'), (NULL, 2, 'a-late'), (NULL, 2, 'zoe'))
                    AS n (agent, source_id, name)
                """,
                "INSERT INTO clock_event_matches (sequence, agent) VALUES (5, 1)",
                "INSERT INTO deliveries (source_id, received_at, headers, body, reading) VALUES (2, now(), '{}', 'b', '')",
            ])
            try await Migrator(pool: owner, logger: logger).migrate()
            #expect(try await names(owner) == ["2 a-late 1", "2 a-old 1", "2 cy 7"])
            _ = try await owner.pipeline([
                "SET LOCAL ROLE rollcall_app", "UPDATE agent_aliases SET agent = 2",
                "DELETE FROM agents WHERE agent_id = 'bo'",
            ])
            #expect(
                try await names(owner) == ["0 bo 2", "2 a-late 1", "2 a-now 1", "2 a-now 2", "2 a-old 1", "2 cy 7"]
            )
        } catch {
            await owner.shutdown()
            throw error
        }
        await owner.shutdown()
    }

    private func names(_ pool: PQPool) async throws -> [String] {
        try await pool.rows(
            "SELECT concat_ws(' ', source_id, external_id, agent) AS line FROM former_names ORDER BY 1"
        ) { row throws(PQError) in try row.column("line", as: String.self) }
    }
}
