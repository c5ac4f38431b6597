import Foundation
import LibPQ
import Service
import Testing

/// Two releases on one database: the one before this, and one after it.
@Suite("Releases side by side", .timeLimit(.minutes(3)))
struct ReleaseTests {
    @Test
    func `a migration of a newer release keeps nobody from serving`() async throws {
        try await withInstallation { installation in
            let first = try await installation.serve()
            first.process.signal(15)
            #expect(try await first.process.ending() == .exit(0))
            try await installation.owner.query(
                "INSERT INTO schema_migrations (number, name, sha256) VALUES (9999, '9999_of_tomorrow', 'unknown')"
            )
            let second = try await installation.serve()
            #expect(try await second.http.send("GET", "/readyz").status == 200)
            let checked = try await installation.run("migrate", "--check")
            #expect(checked.code == 0, "\(checked.output)")
            #expect(try await second.clock("clock-in", "ana").status == 202)
        }
    }

    @Test
    func `what is pending is said, and without leave to migrate nothing is applied and nobody is sent here`()
        async throws
    {
        struct Readiness: Decodable {
            var status: String
            var migrations: String
        }

        try await withInstallation { installation in
            let first = try await installation.serve()
            first.process.signal(15)
            #expect(try await first.process.ending() == .exit(0))
            let newest = try #require(Migration.all.last)
            try await installation.owner.query("DELETE FROM schema_migrations WHERE number = \(newest.number)")
            let checked = try await installation.run("migrate", "--check")
            #expect(checked.code == 1, "\(checked.output)")
            #expect(checked.output.contains("pending: \(newest.name)"), "\(checked.output)")
            let process = try installation.start(["ROLLCALL_MIGRATE": "false"])
            let second = try await installation.served(process)
            let answer = try await second.http.send("GET", "/readyz")
            #expect(answer.status == 503)
            let readiness: Readiness = try answer.decoded()
            #expect(readiness.status == "unready" && readiness.migrations == "pending", "\(answer.text)")
            let applied = try await installation.count("SELECT count(*) AS count FROM schema_migrations")
            #expect(applied == Int64(Migration.all.count - 1))
        }
    }

    @Test(arguments: ["true", "false"])
    func `a schema that another text of a migration made is not served`(migrate: String) async throws {
        try await withInstallation { installation in
            #expect(try await installation.run("migrate").code == 0)
            let edited = try #require(Migration.all.first)
            try await installation.owner.query(
                "UPDATE schema_migrations SET sha256 = 'of another text' WHERE number = \(edited.number)"
            )
            let ended = try await installation.run("serve", settings: ["ROLLCALL_MIGRATE": migrate])
            #expect(ended.code == 1, "\(ended.output)")
            #expect(ended.output.contains("migrations/\(edited.name).sql"), "\(ended.output)")
        }
    }

    @Test
    func `the last release's heartbeat runs on this schema, and takes and keeps what is free`() async throws {
        try await withInstallation { installation in
            let served = try await installation.serve()
            served.process.signal(15)
            #expect(try await served.process.ending() == .exit(0))
            let old = UUID()
            // As there, the first beat only registers the replica.
            try await installation.owner.query(Self.heartbeat(of: old))
            #expect(try await installation.owner.query(Self.heartbeat(of: old))[0].column("term", as: Int64.self) > 0)

            let beside = try await installation.serve()
            try await beside.put("ana")
            // The new one waits for as long as the old one lives, and then takes over.
            let taken = try await beside.process.line(containing: #""message":"lease taken""#)
            #expect(taken.contains("main"))
            try await beside.until("ana") { $0.observed == "STOPPED" }
        }
    }

    /// The statement of release 0.1.0, but for what it only reads.
    private static func heartbeat(of replica: UUID) -> PQStatement {
        """
        WITH beat AS (
            INSERT INTO replicas AS r (replica, seen_at, expires_at, release)
            VALUES (\(replica), now(), now() + make_interval(secs => 5), '0.1.0')
            ON CONFLICT (replica) DO UPDATE
            SET seen_at = excluded.seen_at, expires_at = excluded.expires_at
        ), gone AS (
            DELETE FROM replicas WHERE expires_at < now() - interval '1 hour'
        ), taken AS (
            UPDATE engine_leases l
            SET holder = \(replica), term = l.term + 1, since = now()
            WHERE l.account = ANY (SELECT account FROM engine_accounts)
              AND l.holder IS DISTINCT FROM \(replica)
              AND NOT EXISTS (SELECT FROM replicas r WHERE r.replica = l.holder AND r.expires_at > now())
              AND EXISTS (SELECT FROM replicas r WHERE r.replica = \(replica))
            RETURNING l.account, l.term
        )
        SELECT coalesce(max(term), 0) AS term FROM taken
        """
    }
}
