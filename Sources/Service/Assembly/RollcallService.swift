import Domain
import Hummingbird
import LibPQ
package import Logging
import ServiceLifecycle

/// The whole service, put together: one value that runs until it is told to stop.
package struct RollcallService: Service {
    let configuration: RollcallConfiguration
    let logger: Logger
    private let onListening: @Sendable (Int) async -> Void

    /// The longest a batch may take before its senders get a 503.
    private static let transactionTimeout: Duration = .milliseconds(2000)

    /// `onListening`: told the port once requests are taken.
    package init(
        _ configuration: RollcallConfiguration,
        logger: Logger,
        onListening: @escaping @Sendable (Int) async -> Void = { _ in }
    ) {
        self.configuration = configuration
        self.logger = logger
        self.onListening = onListening
    }

    /// Migrates, serves and reconciles; drains when told to stop: requests first, then what they set going.
    package func run() async throws {
        try await prepareDatabase()
        let pools = Pools(
            databaseURL: configuration.databaseURL,
            connections: configuration.databaseConnections,
            idleInTransactionTimeout: configuration.idleInTransactionTimeout,
            logger: logger
        )
        do {
            try await serve(pools)
        } catch {
            await pools.shutdown()
            throw error
        }
        await pools.shutdown()
    }

    private func prepareDatabase() async throws {
        let pool = PQPool(Pools.owning(configuration.databaseURL), logger: logger)
        do {
            let migrator = Migrator(pool: pool, logger: logger)
            if configuration.migrates { try await migrator.migrate() }
            _ = try await migrator.pending()
            configuration.crashPoints.reach(.bootMigrated)
        } catch {
            await pool.shutdown()
            throw error
        }
        await pool.shutdown()
    }

    private func serve(_ pools: Pools) async throws {
        let clock = configuration.clock
        try await clock.measure(pools.writers)
        try await SettingDesk.begin(configuration.policy, pool: pools.writers)
        let keyRing = KeyRing(pool: pools.writers)
        if let secret = configuration.bootstrapAdminKey { _ = try await keyRing.bootstrap(secret) }
        try await keyRing.refresh()
        try await requireAdmin(pools.writers)
        let leases = LeaseBook()
        let crashPoints = configuration.crashPoints
        let alerts = alertSender(pools)
        let freshness = FreshnessBook(
            pool: pools.readers,
            sweep: configuration.sweep,
            callsPerSecond: Dictionary(configuration.accounts.map { ($0.name, $0.callsPerSecond) }) { first, _ in first
            }
        )
        let store = PostgresReconcilerStore(
            pool: pools.writers,
            listening: Pools.listening(configuration.databaseURL),
            crashPoints: crashPoints,
            logger: logger,
            freshness: freshness
        )
        let reconciler = Reconciler(
            accounts: configuration.accounts,
            dependencies: ReconcilerDependencies(
                store: store,
                leases: leases,
                policy: configuration.policy,
                sweep: configuration.sweep,
                clock: clock,
                incidents: IncidentLog(logger: logger) { alerts?.wake() },
                channel: WakeChannel(store: store, clock: clock, crashPoints: crashPoints, logger: logger),
                crashPoints: crashPoints,
                transactionTimeout: .seconds(5),
                logger: logger,
                orders: SweepOrders(pool: pools.writers, logger: logger)
            ),
            release: configuration.release
        ) { version in
            // A failed refresh is tried again with the next beat, which meets the same version.
            try? await keyRing.refreshIfChanged(version: version)
        }
        let rules = MatchingRules(
            maxAge: configuration.unmatchedMaxAge,
            sources: Dictionary(configuration.sources.map { ($0.name, $0.matchesAgentID) }) { first, _ in first }
        )
        let guardKeeper = guardKeeper(pools, rules, wakes: reconciler)
        let queue = AppendQueue(
            transaction: AppendTransaction(
                pool: pools.writers,
                leases: leases,
                policy: configuration.policy,
                clock: clock,
                timeout: Self.transactionTimeout,
                crashPoints: crashPoints
            ),
            meters: AppendMeters(),
            logger: logger
        ) { result in
            reconciler.carryOut(result.plans)
            reconciler.notice(agents: result.changed)
            guardKeeper.clocked()
        }
        let waiters = ConvergenceWaiters(pool: pools.readers, freshness: freshness, clock: clock)
        let limits = configuration.bodyLimits
        let journal = SourceJournal()
        let room = ReadingRoom()
        let clockRoutes = ClockRoutes(
            queue: queue,
            clock: clock,
            waiters: waiters,
            crashPoints: crashPoints,
            limits: limits,
            admission: EventAdmission(skew: configuration.clockSkew),
            journal: journal
        )
        let sourceIDs = try await sourceIDs(pools.writers)
        let fetches = RecordFetchQueue(pool: pools.writers)
        let keeper = DeliveryKeeper(pool: pools.writers, fetches: fetches)
        let sourceRoutes = SourceRoutes(
            desks: configuration.sources.compactMap { source in
                sourceIDs[source.name].map { SourceDesk(source, sourceID: $0, skew: configuration.clockSkew) }
            },
            queue: queue,
            keeper: keeper,
            journal: journal,
            clock: clock,
            limits: limits,
            room: room,
            logger: logger
        )
        let fetchLoop = RecordFetchLoop(
            sources: configuration.sources,
            sourceIDs: sourceIDs,
            fetches: fetches,
            queue: queue,
            keeper: keeper,
            clock: clock,
            skew: configuration.clockSkew,
            logger: logger
        )
        let retention = Retention(pool: pools.writers, keep: configuration.keepBodies, logger: logger)
        let hints = HintDesk(
            pool: pools.writers,
            reconciler: reconciler,
            clock: clock,
            commandLasts: configuration.policy.startingTimeout,
            logger: logger
        )
        let engineRoutes = EngineRoutes(
            secrets: configuration.webhookSecrets,
            signatures: Dictionary(
                configuration.accounts.compactMap { account in account.webhookSignature.map { (account.name, $0) } }
            ) { first, _ in first },
            reconciler: reconciler,
            hints: hints,
            limits: limits
        )
        var management = ManagementDependencies(
            pool: pools.writers,
            readPool: pools.readers,
            keyRing: keyRing,
            policy: configuration.policy,
            rules: rules,
            clock: clock,
            wakes: reconciler,
            freshness: freshness,
            limits: limits,
            logger: logger
        )
        let sessions = PageSessions(
            pool: pools.writers,
            keyRing: keyRing,
            publicURL: configuration.publicURL,
            trustedProxies: configuration.trustedProxies
        )
        management.session = sessions.caller
        management.sources = configuration.sources
        management.redactor = configuration.redactor
        management.clockSkew = configuration.clockSkew
        management.room = room
        management.pairing = PairingDesk(reconciler: reconciler, pool: pools.writers, clock: clock)
        let feed = ChangeFeed(management)
        reconciler.watch { feed.touched($0) }
        let page = PageDependencies(management: management, sessions: sessions, feed: feed)
        let listener = HTTPListener(
            host: configuration.host,
            port: configuration.port,
            unreadBodyTimeout: limits.unreadTimeout,
            logger: logger,
            routes: { router in
                router.add(
                    middleware: ProblemMiddleware(
                        limits: limits,
                        routes: RouteTable(managementRoutes + eventRoutes + pageRoutes)
                    )
                )
                addManagementRoutes(to: router, management)
                addPageRoutes(to: router, page)
                sourceRoutes.add(to: router)
                engineRoutes.addOpen(to: router)
                let keyed = router.group().add(middleware: Authenticate(keyRing, session: sessions.caller))
                clockRoutes.add(to: keyed)
                engineRoutes.add(to: keyed.requireRole(.admin))
            },
            onListening: onListening
        )
        // Agents may name them from the first request on.
        try await management.directory.register(accounts: configuration.accounts.map(\.name), sources: [])
        // Ended in the opposite order: nobody waits, no more requests, no more events, then the reconciler drains; last what
        // came of sources is written down.
        let accountWatch = AccountWatch(pool: pools.writers, clock: clock, logger: logger) { alerts?.wake() }
        let services: [any Service] =
            [
                sourceWatch(journal, sourceIDs, pools), reconciler, Writers(queue: queue), fetchLoop, retention, feed,
                hints, listener, waiters, guardKeeper, accountWatch, freshness,
            ] + (alerts.map { [$0] } ?? [])
        try await ServiceGroup(services: services, logger: logger).run()
    }

    private func sourceWatch(_ journal: SourceJournal, _ sourceIDs: [String: Int32], _ pools: Pools) -> SourceWatch {
        var names: [Int32: String] = [:]
        var limits: [Int32: Duration] = [:]
        for source in configuration.sources {
            guard let id = sourceIDs[source.name] else { continue }
            names[id] = source.name
            if source.silence > .zero { limits[id] = source.silence }
        }
        return SourceWatch(
            pool: pools.writers,
            journal: journal,
            meters: SourceMeters(names),
            redactor: configuration.redactor,
            names: names,
            silenceLimits: limits,
            logger: logger
        )
    }

    /// Without an admin key nobody could ever make one.
    private func requireAdmin(_ pool: PQPool) async throws {
        let admins = try await pool.query(
            "SELECT 1 AS one FROM api_keys WHERE role = 'admin' AND revoked_at IS NULL LIMIT 1"
        )
        if admins.isEmpty { throw NoAdminKey() }
    }

    /// The surrogate key of each configured source, made where it is new.
    ///
    /// Index: `clock_sources_name_key`.
    private func sourceIDs(_ pool: PQPool) async throws(PQError) -> [String: Int32] {
        let names = configuration.sources.map(\.name)
        _ = try await pool.execute(
            "INSERT INTO clock_sources (name) SELECT n FROM unnest(\(names)) AS n ON CONFLICT (name) DO NOTHING"
        )
        let rows = try await pool.rows(
            "SELECT source_id, name FROM clock_sources WHERE name = ANY (\(names))"
        ) { row throws(PQError) in
            (try row.column("name", as: String.self), try row.column("source_id", as: Int32.self))
        }
        return Dictionary(rows) { first, _ in first }
    }
}

extension RollcallService: CustomStringConvertible, CustomReflectable {
    /// Names the service only: what it is made of holds secrets.
    package var description: String { "RollcallService" }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// There is no admin key in the database, and none is given to make.
package struct NoAdminKey: Error {}

/// The append path's writers.
private struct Writers: Service {
    let queue: AppendQueue

    func run() async throws {
        await withDiscardingTaskGroup { group in
            group.addTask { await queue.run() }
            try? await gracefulShutdown()  // Cancelled: the same as told to stop.
            queue.close()
        }
    }
}

/// The addresses of the event and engine routes, for telling a wrong method from a wrong address.
private let eventRoutes: [(method: String, path: String)] = [
    ("POST", "/v1/clock-events"),
    ("POST", "/v1/agents/{agent}/clock-in"), ("POST", "/v1/agents/{agent}/clock-out"),
    ("POST", "/v1/agents/{agent}/break-start"), ("POST", "/v1/agents/{agent}/break-end"),
    ("POST", "/v1/sources/{source}/events"), ("POST", "/v1/sources/{source}/events/{token}"),
    ("OPTIONS", "/v1/sources/{source}/events"), ("OPTIONS", "/v1/sources/{source}/events/{token}"),
    ("POST", "/v1/engines/{account}/events"), ("POST", "/v1/engines/{account}/sweep"),
]
