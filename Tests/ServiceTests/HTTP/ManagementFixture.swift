import Domain
import FoundationEssentials
import Hummingbird
import LibPQ
import Logging
import Service
import Synchronization
import TestSupport

/// The routes outside the hot path on a real database and a real port.
struct ManagementFixture: Sendable {
    let pool: PQPool
    let port: Int
    let keyRing: KeyRing
    let dependencies: ManagementDependencies
    let bell: RecordingBell
    let clock: DatabaseClock
    /// A key of each role.
    let keys: [Role: String]

    /// Sends a request with the key of a role, or with no key.
    func send(
        _ method: String,
        _ path: String,
        as role: Role? = .admin,
        json: String? = nil,
        headers: [String: String] = [:]
    ) async throws -> WireResponse {
        try await send(method, path, key: role.flatMap { keys[$0] }, json: json, headers: headers)
    }

    /// Sends a request with a key.
    func send(
        _ method: String,
        _ path: String,
        key: String?,
        json: String? = nil,
        headers: [String: String] = [:]
    ) async throws -> WireResponse {
        var headers = headers
        if let key { headers["Authorization"] = "Bearer \(key)" }
        if json != nil, headers["Content-Type"] == nil { headers["Content-Type"] = "application/json" }
        return try await WireClient.send(method, path, port: port, headers: headers, body: json.map { Array($0.utf8) })
    }

    /// Makes a key that is bound to teams.
    func key(_ role: Role, teams: [String]) async throws -> String {
        try await keyRing.create(NewAPIKey(name: "\(role.rawValue) of \(teams)", role: role, teams: teams), by: "test")
            .secret
    }

    /// Puts an agent with an instance of the engine `main`.
    @discardableResult
    func addAgent(_ agentID: String, team: String = "support", instance: String? = nil) async throws -> WireResponse {
        let instanceID = instance ?? "i-\(agentID)"
        return try await send(
            "PUT",
            "/v1/agents/\(agentID)",
            json: """
                {"name":"Agent \(agentID)","team":"\(team)","time_zone":"UTC","instance":
                {"engine":"main","instance_id":"\(instanceID)","session_name":"s-\(instanceID)"}}
                """
        )
    }

    /// Makes the database say that a session was read, as the reconciler would after a look.
    func observe(
        _ agentID: String,
        _ reading: String,
        _ condition: Condition = .converged,
        reason: Reason = .stopped,
        ago: Duration = .zero
    ) async throws {
        let readAt = clock.now() - ago
        _ = try await pool.pipeline([
            """
            UPDATE observed_states o
            SET reading = \(reading), read_at = \(readAt), reading_since = \(readAt), condition = \(condition.rawValue),
                reason = \(reason.rawValue), attention = \(condition.isException ? condition.code : nil)
            FROM instances x
            JOIN agents a ON a.agent = x.agent
            WHERE o.instance = x.instance AND a.agent_id = \(agentID)
            """,
            """
            INSERT INTO looks (instance, looked_at)
            SELECT x.instance, \(readAt)
            FROM instances x
            JOIN agents a ON a.agent = x.agent
            WHERE a.agent_id = \(agentID)
            ON CONFLICT (instance) DO UPDATE
            SET looked_at = excluded.looked_at
            """,
        ])
    }

    /// Adds an event to the ledger as if it had been received at its time.
    func addEvent(
        _ kind: PunchKind,
        of agentID: String,
        ago: Duration,
        late: Duration = .zero,
        source: String = "api",
        matched: Bool
    ) async throws {
        let instant = clock.now() - ago
        _ = try await pool.query(
            """
            INSERT INTO clock_events (
                dedupe, agent, source_id, kind, occurred_at, effective_at, received_at, event_id, external_id
            )
            SELECT \(UUID()), CASE WHEN \(matched) THEN (SELECT agent FROM agents WHERE agent_id = \(agentID)) END,
                s.source_id, \(kind.code), \(instant), \(instant), \(instant + late), \(UUID().uuidString), \(agentID)
            FROM clock_sources s
            WHERE s.name = \(source)
            """
        )
    }

    /// Folds an agent's ledger, as an append would have.
    func refold(_ agentID: String) async throws {
        try await pool.withTransaction { transaction in
            let agents = try await transaction.rows(
                "SELECT agent FROM agents WHERE agent_id = \(agentID)"
            ) { row throws(PQError) in try row.column("agent", as: Int64.self) }
            _ = try await AgentStates.refold(agents, in: transaction, policy: dependencies.policy, now: clock.now())
        }
    }

    /// One number from the database.
    func count(_ statement: PQStatement) async throws -> Int64 {
        let result = try await pool.query(statement)
        return try result[0].column("count", as: Int64.self)
    }
}

/// Remembers what was rung.
final class RecordingBell: WakeBell {
    private let wakes = Mutex<[Wake]>([])

    func ring(_ wakes: [Wake]) {
        self.wakes.withLock { $0 += wakes }
    }

    /// What was rung since the last call.
    func take() -> [Wake] {
        wakes.withLock { wakes in
            defer { wakes = [] }
            return wakes
        }
    }
}

/// A database with the schema of this release, and its owner's pool.
func withMigratedDatabase(
    _ body: @Sendable (_ owner: PQPool, _ connectionString: String) async throws -> Void
) async throws {
    let connectionString = try await MigratedDatabase.make()
    let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
    let owner = PQPool(PQConfiguration(connectionString: connectionString, maxConnections: 3), logger: logger)
    do {
        try await body(owner, connectionString)
    } catch {
        await owner.shutdown()
        throw error
    }
    await owner.shutdown()
}

/// The same, and a way to it through a proxy.
func withProxiedDatabase(
    _ body: @Sendable (_ owner: PQPool, _ proxy: TCPProxy, _ proxied: String) async throws -> Void
) async throws {
    try await withMigratedDatabase { owner, _ in
        let cluster = try await ThrowawayCluster.shared()
        let name = try await owner.query("SELECT current_database()::text AS name")[0].column("name", as: String.self)
        let proxy = try TCPProxy(to: cluster.port)
        defer { proxy.close() }
        try await body(owner, proxy, cluster.tcpConnectionString(database: name, port: proxy.port))
    }
}

/// Serves the routes for the length of the body, as `serve` would: with the role `rollcall_app`.
func withManagement(
    limits: BodyLimits = BodyLimits(),
    policy: ReconcilePolicy = ReconcilePolicy(),
    rules: MatchingRules = MatchingRules(sources: ["hr": false]),
    _ body: @escaping @Sendable (ManagementFixture) async throws -> Void
) async throws {
    try await withMigratedDatabase { owner, connectionString in
        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        var configuration = PQConfiguration(connectionString: connectionString, maxConnections: 6)
        configuration.sessionSettings["role"] = "rollcall_app"
        let pool = PQPool(configuration, logger: logger)
        let clock = DatabaseClock()
        try await clock.measure(pool)
        let bell = RecordingBell()
        let keyRing = KeyRing(pool: pool)
        let dependencies = ManagementDependencies(
            pool: pool,
            readPool: pool,
            keyRing: keyRing,
            policy: policy,
            rules: rules,
            clock: clock,
            wakes: bell,
            freshness: FreshnessBook(pool: pool, sweep: SweepPolicy(), callsPerSecond: ["main": 50]),
            limits: limits,
            logger: logger
        )
        try await Registry(pool: pool).accounts(["main"])
        try await Registry(pool: pool).sources(["hr"])
        var keys: [Role: String] = [:]
        for role in Role.allCases {
            keys[role] = try await keyRing.create(NewAPIKey(name: role.rawValue, role: role), by: "test").secret
        }
        let (ports, port) = AsyncStream<Int>.makeStream()
        let listener = HTTPListener(
            host: "127.0.0.1",
            port: 0,
            unreadBodyTimeout: limits.unreadTimeout,
            logger: logger
        ) { router in
            router.add(middleware: ProblemMiddleware(limits: limits, routes: RouteTable(managementRoutes)))
            addManagementRoutes(to: router, dependencies)
        } onListening: { number in
            port.yield(number)
        }
        let finalKeys = keys
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { port.finish() }
                try await listener.run()
            }
            for await number in ports {
                let fixture = ManagementFixture(
                    pool: pool,
                    port: number,
                    keyRing: keyRing,
                    dependencies: dependencies,
                    bell: bell,
                    clock: clock,
                    keys: finalKeys
                )
                try await body(fixture)
                break
            }
            group.cancelAll()
        }
        await pool.shutdown()
    }
}
