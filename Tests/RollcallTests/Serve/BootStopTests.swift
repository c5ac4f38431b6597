import Glibc
import LibPQ
import Testing

/// SIGTERM to a service that does not serve yet.
@Suite("SIGTERM at boot", .timeLimit(.minutes(3)))
struct BootStopTests {
    private static let waiting = "waiting for another process that migrates the database"

    @Test
    func `whoever waits for another's migration says so, ends when told to, and begins once it is over`() async throws {
        try await withInstallation { installation in
            try await installation.owner.withConnection { other in
                try await other.query("SELECT pg_advisory_lock(7265, 0)")
                let first = try installation.start()
                let said = try await first.line(containing: Self.waiting)
                #expect(said.contains(#""level":"notice""#), "\(said)")
                first.signal(SIGTERM)
                #expect(try await first.ending(within: .seconds(30)) == .exit(0), "\(first.output)")
                #expect(!first.output.contains("listening"), "\(first.output)")
                let second = try installation.start()
                _ = try await second.line(containing: Self.waiting)
                #expect(
                    try await installation.count(
                        "SELECT count(*) AS count FROM pg_class WHERE relname = 'schema_migrations'"
                    ) == 0
                )
                try await other.query("SELECT pg_advisory_unlock(7265, 0)")
                let service = try await installation.served(second)
                try await service.until("it is ready") {
                    try await service.http.send("GET", "/readyz").status == 200
                }
            }
        }
    }

    @Test
    func `whoever has its turn to migrate and is held up by the database ends when told to`() async throws {
        try await withInstallation { installation in
            let service = try await installation.serve()
            service.process.signal(SIGTERM)
            #expect(try await service.process.ending() == .exit(0))
            // Whoever boots reads this table while it has the lock of migrations.
            try await installation.owner.withTransaction { other in
                try await other.run(["LOCK TABLE schema_migrations IN ACCESS EXCLUSIVE MODE"])
                let first = try installation.start()
                try await service.until("it waits for the table") {
                    try await installation.count(
                        """
                        SELECT count(*) AS count
                        FROM pg_locks
                        WHERE relation = 'schema_migrations'::regclass AND NOT granted
                        """
                    ) > 0
                }
                first.signal(SIGTERM)
                #expect(try await first.ending(within: .seconds(30)) == .exit(0), "\(first.output)")
                #expect(!first.output.contains("listening"), "\(first.output)")
            }
            let second = try await installation.serve()
            #expect(try await second.http.send("GET", "/readyz").status == 200)
        }
    }
}
