import LibPQ
import Logging
import Testing

@testable import Service

/// Who tries keys at one replica after the other.
@Suite("SharedSignInLimit", .timeLimit(.minutes(2)))
struct SharedSignInLimitTests {
    /// A pool as `serve` has it, for the length of the body.
    private func withPool(_ body: @Sendable (PQPool) async throws -> Void) async throws {
        try await withMigratedDatabase { _, connectionString in
            var configuration = PQConfiguration(connectionString: connectionString, maxConnections: 3)
            configuration.sessionSettings["role"] = "rollcall_app"
            let pool = PQPool(configuration, logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
            try await body(pool)
            await pool.shutdown()
        }
    }

    @Test
    func `failures at all replicas count together, and no address is kept`() async throws {
        try await withPool { pool in
            let replicas = [SharedSignInLimit(pool: pool), SharedSignInLimit(pool: pool)]
            // A slow machine forgives a failure now and then, so it may take a few more.
            var failures = 0
            while await replicas[failures % 2].wait("192.0.2.1") == nil {
                await replicas[failures % 2].failed("192.0.2.1")
                failures += 1
                try #require(failures < 100, "nobody is slowed down")
            }
            #expect(failures >= SignInLimiter.burst)
            #expect(failures < 2 * SignInLimiter.burst, "each by itself would allow as many")
            let wait = try #require(await SharedSignInLimit(pool: pool).wait("192.0.2.1"), "a third replica knows too")
            #expect(wait > .zero && wait <= SignInLimiter.forgiveness * 2)
            #expect(await replicas[0].wait("192.0.2.2") == nil)
            let named = try await pool.query(
                "SELECT count(*) AS count FROM sign_in_failures WHERE encode(sender, 'escape') LIKE '%192%'"
            )
            #expect(try named[0].column("count", as: Int64.self) == 0)
        }
    }

    @Test
    func `what is forgiven is forgotten, and the table has a bound`() async throws {
        try await withPool { pool in
            let limit = SharedSignInLimit(pool: pool)
            _ = try await pool.query(
                """
                INSERT INTO sign_in_failures (sender, forgiven_at)
                SELECT decode(lpad(to_hex(n), 32, '0'), 'hex'), now() + interval '1 hour'
                FROM generate_series(1, \(SharedSignInLimit.senderLimit)) AS n
                """
            )
            await limit.failed("192.0.2.1")
            #expect(try await count(pool) == SharedSignInLimit.senderLimit)
            _ = try await pool.query("UPDATE sign_in_failures SET forgiven_at = now()")
            await limit.failed("192.0.2.1")
            #expect(try await count(pool) == 1)
        }
    }

    @Test
    func `while the database is away nobody is locked out, and the process counts for itself`() async throws {
        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        let nowhere = PQPool(
            PQConfiguration(connectionString: "host=127.0.0.1 port=1 dbname=none", maxConnections: 1),
            logger: logger
        )
        let limit = SharedSignInLimit(pool: nowhere)
        #expect(await limit.wait("192.0.2.1") == nil)
        // Each failure may have to wait for the database, so more are forgiven meanwhile than elsewhere.
        let own = SignInLimiter()
        for _ in 0..<SignInLimiter.burst { own.failed("192.0.2.1") }
        #expect(own.wait("192.0.2.1") != nil)
        var failures = 0
        while await limit.wait("192.0.2.1") == nil {
            await limit.failed("192.0.2.1")
            failures += 1
            try #require(failures < 100, "nobody is slowed down")
        }
        await nowhere.shutdown()
    }

    private func count(_ pool: PQPool) async throws -> Int64 {
        try await pool.query("SELECT count(*) AS count FROM sign_in_failures")[0].column("count", as: Int64.self)
    }
}
