import Domain
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
            let replicas = (0..<2).map { _ in SharedSignInLimit(pool: pool, readPool: pool) }
            // A slow machine forgives a failure now and then, so it may take a few more.
            var failures = 0
            while case .counted(let isShared) = await replicas[failures % 2].reserve("192.0.2.1") {
                #expect(isShared)
                failures += 1
                try #require(failures < 100, "nobody is slowed down")
            }
            #expect(failures >= SignInLimiter.burst)
            #expect(failures < 2 * SignInLimiter.burst, "each by itself would allow as many")
            let third = SharedSignInLimit(pool: pool, readPool: pool)
            guard case .refused(let wait) = await third.reserve("192.0.2.1") else {
                Issue.record("a third replica knows too")
                return
            }
            #expect(wait > .zero && wait <= SignInLimiter.forgiveness)
            #expect(await replicas[0].reserve("192.0.2.2") == .counted(isShared: true))
            let named = try await pool.query(
                "SELECT count(*) AS count FROM sign_in_failures WHERE encode(sender, 'escape') LIKE '%192%'"
            )
            #expect(try named[0].column("count", as: Int64.self) == 0)
        }
    }

    @Test
    func `of attempts side by side no more pass than one after the other, and the wait has a bound`() async throws {
        try await withPool { pool in
            let replicas = (0..<20).map { _ in SharedSignInLimit(pool: pool, readPool: pool) }
            let began = ContinuousClock.now
            let counted = await withTaskGroup(of: Bool.self) { group in
                for number in 0..<200 {
                    group.addTask { await replicas[number % 20].reserve("192.0.2.1") == .counted(isShared: true) }
                }
                return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            let forgiven = Int((ContinuousClock.now - began) / SignInLimiter.forgiveness) + 1
            #expect(counted >= SignInLimiter.burst)
            #expect(counted <= SignInLimiter.burst + forgiven, "the twenty by themselves allow 200")
            let ahead = try await pool.query(
                "SELECT extract(epoch FROM max(forgiven_at) - now())::float8 AS seconds FROM sign_in_failures"
            )
            let bound = SignInLimiter.forgiveness.inSeconds * Double(SignInLimiter.burst)
            #expect(try ahead[0].column("seconds", as: Double.self) <= bound)
        }
    }

    @Test
    func `two hundred wrong keys at once are a burst of guesses, and a right key is none`() async throws {
        try await withPage { page in
            for _ in 0..<(2 * SignInLimiter.burst) { _ = try await page.signIn(as: .view) }
            let left = try await page.management.count("SELECT count(*) AS count FROM sign_in_failures")
            #expect(left == 0, "who has the right key leaves nothing")
            let began = ContinuousClock.now
            var statuses: [Int: Int] = [:]
            // Twice a burst at a time: each keeps one of the tests' own threads waiting.
            for _ in 0..<(200 / (2 * SignInLimiter.burst)) {
                try await withThrowingTaskGroup(of: Int.self) { group in
                    for number in 0..<(2 * SignInLimiter.burst) {
                        group.addTask {
                            try await page.send("POST", "/session", nil, json: #"{"key":"rk_wrong_\#(number)"}"#).status
                        }
                    }
                    for try await status in group { statuses[status, default: 0] += 1 }
                }
            }
            let forgiven = Int((ContinuousClock.now - began) / SignInLimiter.forgiveness) + 1
            #expect(Set(statuses.keys) == [401, 429])
            #expect(statuses[401, default: 0] <= SignInLimiter.burst + forgiven)
            let isBounded = try await page.management.count(
                "SELECT count(*) AS count FROM sign_in_failures WHERE forgiven_at <= now() + interval '60 seconds'"
            )
            #expect(isBounded == 1)
        }
    }

    @Test
    func `what is forgiven is forgotten, and the table has a bound`() async throws {
        try await withPool { pool in
            let limit = SharedSignInLimit(pool: pool, readPool: pool)
            _ = try await pool.query(
                """
                INSERT INTO sign_in_failures (sender, forgiven_at)
                SELECT decode(lpad(to_hex(n), 32, '0'), 'hex'), now() + interval '1 hour'
                FROM generate_series(1, \(SharedSignInLimit.senderLimit)) AS n
                """
            )
            #expect(await limit.reserve("192.0.2.1") == .counted(isShared: false), "the process counts for itself")
            #expect(try await count(pool) == SharedSignInLimit.senderLimit)
            _ = try await pool.query("UPDATE sign_in_failures SET forgiven_at = now()")
            #expect(await limit.reserve("192.0.2.1") == .counted(isShared: true))
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
        let limit = SharedSignInLimit(pool: nowhere, readPool: nowhere)
        // Each attempt may have to wait for the database, so more are forgiven meanwhile than elsewhere.
        var failures = 0
        while case .counted(let isShared) = await limit.reserve("192.0.2.1") {
            #expect(!isShared)
            failures += 1
            try #require(failures < 100, "nobody is slowed down")
        }
        #expect(failures >= SignInLimiter.burst)
        await nowhere.shutdown()
    }

    private func count(_ pool: PQPool) async throws -> Int64 {
        try await pool.query("SELECT count(*) AS count FROM sign_in_failures")[0].column("count", as: Int64.self)
    }
}
