import Domain
import Hummingbird
import LibPQ
import Logging
import Service
import Testing

/// The page, the stream and the routes they use, on a real database and a real port.
struct PageFixture: Sendable {
    let management: ManagementFixture
    let feed: ChangeFeed

    var port: Int { management.port }

    /// Signs in as a script does.
    func signIn(as role: Role) async throws -> SignIn {
        try await signIn(key: try #require(management.keys[role]))
    }

    func signIn(key: String) async throws -> SignIn {
        let answer = try await management.send("POST", "/session", as: nil, json: #"{"key":"\#(key)"}"#)
        #expect(answer.status == 200, "\(answer.text)")
        let cookie = try #require(answer.headers["set-cookie"]?.split(separator: ";").first.map(String.init))
        return SignIn(cookie: cookie, csrf: try #require(try answer.json()["csrf"] as? String))
    }

    /// Sends a request as a browser that is signed in.
    func send(
        _ method: String,
        _ path: String,
        _ signIn: SignIn?,
        json: String? = nil,
        headers: [String: String] = [:]
    ) async throws -> WireResponse {
        var headers = headers
        if let signIn { headers["Cookie"] = signIn.cookie }
        return try await management.send(method, path, as: nil, json: json, headers: headers)
    }

    /// Follows the stream until the body returns.
    func follow(
        _ query: String = "",
        key: String? = nil,
        headers: [String: String] = [:],
        _ body: (StreamClient) async throws -> Void
    ) async throws {
        var headers = headers
        if headers["Cookie"] == nil {
            headers["Authorization"] = "Bearer \(try #require(key ?? management.keys[.view]))"
        }
        let client = try StreamClient("/v1/stream" + query, port: port, headers: headers)
        defer { client.close() }
        try await body(client)
    }

    /// Lets somebody act for every engine account that there is.
    func attendEngines() async throws {
        _ = try await management.pool.pipeline([
            """
            INSERT INTO replicas (replica, seen_at, expires_at, release)
            VALUES ('0b1e7a52-4c1f-4a53-9d3a-1f5b6c7d8e9f', now(), now() + interval '1 minute', 'test')
            """,
            """
            INSERT INTO engine_leases (account, holder, term)
            SELECT account, '0b1e7a52-4c1f-4a53-9d3a-1f5b6c7d8e9f', 1 FROM engine_accounts
            ON CONFLICT (account) DO UPDATE SET holder = excluded.holder
            """,
            "INSERT INTO engine_pulses (account, beat_at) SELECT account, now() FROM engine_accounts",
        ])
    }

    /// Waits until something is so, asking the database in between so that time passes.
    func wait(until isSo: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(20)
        while try await !isSo() {
            try #require(ContinuousClock.now < deadline, "it did not come to pass")
            _ = try await management.pool.query("SELECT pg_sleep(0.02)")
        }
    }
}

/// What a browser keeps after it signed in.
struct SignIn: Sendable {
    var cookie: String
    var csrf: String
}

/// Serves the page for the length of the body, as `serve` would.
///
/// `hasReaders`: whether what is only read has a pool of its own, as it has there.
func withPage(
    publicURL: String? = nil,
    hasReaders: Bool = false,
    _ body: @escaping @Sendable (PageFixture) async throws -> Void
) async throws {
    try await withMigratedDatabase { _, connectionString in
        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        var configuration = PQConfiguration(connectionString: connectionString, maxConnections: 6)
        configuration.sessionSettings["role"] = "rollcall_app"
        let pool = PQPool(configuration, logger: logger)
        let readPool = hasReaders ? PQPool(configuration, logger: logger) : pool
        let clock = DatabaseClock()
        try await clock.measure(pool)
        let bell = RecordingBell()
        let keyRing = KeyRing(pool: pool)
        let sessions = PageSessions(pool: pool, readPool: readPool, keyRing: keyRing, publicURL: publicURL)
        let dependencies = ManagementDependencies(
            pool: pool,
            readPool: readPool,
            keyRing: keyRing,
            policy: ReconcilePolicy(),
            rules: MatchingRules(sources: [:]),
            clock: clock,
            wakes: bell,
            freshness: FreshnessBook(pool: readPool, sweep: SweepPolicy(), callsPerSecond: ["main": 50]),
            limits: BodyLimits(),
            logger: logger,
            session: sessions.caller
        )
        try await Registry(pool: pool).accounts(["main"])
        var keys: [Role: String] = [:]
        for role in Role.allCases {
            keys[role] = try await keyRing.create(NewAPIKey(name: role.rawValue, role: role), by: "test").secret
        }
        let finalKeys = keys
        let feed = ChangeFeed(dependencies)
        let (ports, port) = AsyncStream<Int>.makeStream()
        let listener = HTTPListener(
            host: "127.0.0.1",
            port: 0,
            unreadBodyTimeout: dependencies.limits.unreadTimeout,
            logger: logger
        ) { router in
            router.add(
                middleware: ProblemMiddleware(
                    limits: dependencies.limits,
                    routes: RouteTable(managementRoutes + pageRoutes)
                )
            )
            addManagementRoutes(to: router, dependencies)
            addPageRoutes(to: router, PageDependencies(management: dependencies, sessions: sessions, feed: feed))
        } onListening: { number in
            port.yield(number)
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { port.finish() }
                try await listener.run()
            }
            group.addTask { try await feed.run() }
            for await number in ports {
                let management = ManagementFixture(
                    pool: pool,
                    port: number,
                    keyRing: keyRing,
                    dependencies: dependencies,
                    bell: bell,
                    clock: clock,
                    keys: finalKeys
                )
                try await body(PageFixture(management: management, feed: feed))
                break
            }
            group.cancelAll()
        }
        await pool.shutdown()
        if hasReaders { await readPool.shutdown() }
    }
}
