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
    ///
    /// Told to stop while it migrates or waits for who does, it gives that up and begins nothing.
    package func run() async throws {
        do {
            try await cancelWhenGracefulShutdown { try await prepareDatabase() }
        } catch {
            guard Task.isShuttingDownGracefully else { throw error }
        }
        guard !Task.isShuttingDownGracefully else { return }
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
        // Not in a function of its own: Swift 6.3.1 crashes while it splits that coroutine, in an optimized build alone.
        let keyRing = KeyRing(pool: pools.writers)
        var bootstrap: KeyRing.Bootstrap?
        if let secret = configuration.bootstrapAdminKey { bootstrap = try await keyRing.bootstrap(secret) }
        try await keyRing.refresh()
        try checkAdmin(keyRing, bootstrap)
        let leases = LeaseBook()
        let alerts = alertSender(pools)
        let freshness = FreshnessBook(
            pool: pools.readers,
            sweep: configuration.sweep,
            callsPerSecond: byAccount(\.callsPerSecond)
        )
        let reconciler = Reconciler(
            configuration,
            pools: pools,
            leases: leases,
            clock: clock,
            freshness: freshness,
            logger: logger
        ) {
            alerts?.wake()
        } onBeat: { version in
            // A failed refresh is tried again with the next beat, which meets the same version.
            try? await keyRing.refreshIfChanged(version: version)
        }
        let guardKeeper = guardKeeper(pools, freshness, wakes: reconciler)
        let queue = appendQueue(pools, leases) { result in
            reconciler.carryOut(result.plans)
            reconciler.giveBack(result.lost)
            reconciler.notice(agents: result.changed)
            guardKeeper.clocked()
        }
        let sources = try await SourceParts(configuration, pools: pools, queue: queue, logger: logger)
        let page = page(pools, keyRing, freshness, reconciler, room: sources.room)
        let feed = page.feed
        reconciler.watch { feed.touched($0) }
        let waiters = ConvergenceWaiters(
            pool: pools.readers,
            freshness: freshness,
            clock: clock,
            limit: configuration.waitingLimit
        )
        let hints = HintDesk(
            pool: pools.writers,
            reconciler: reconciler,
            clock: clock,
            commandLasts: configuration.policy.startingTimeout,
            logger: logger
        )
        let routes = ServedRoutes(
            page: page,
            clock: clockRoutes(queue, waiters, sources.journal),
            sources: sources.routes,
            engines: engineRoutes(reconciler, hints)
        )
        // Agents may name them from the first request on.
        try await Registry(pool: pools.writers).accounts(configuration.accounts.map(\.name))
        // Ended in the opposite order: nobody waits, no more requests, no more events, then the reconciler drains; last what
        // came of sources is written down.
        let retention = Retention(pool: pools.writers, keep: configuration.keepBodies, logger: logger)
        let accountWatch = AccountWatch(pool: pools.writers, clock: clock, logger: logger) { alerts?.wake() }
        var services: [any Service] = [
            sources.watch, reconciler, Writers(queue: queue), sources.fetchLoop, retention, feed, hints,
            listener(routes), waiters, guardKeeper, accountWatch, freshness,
        ]
        if let alerts { services.append(alerts) }
        try await ServiceGroup(services: services, logger: logger).run()
    }
}

/// The parts of ``serve(_:)``.
extension RollcallService {
    /// Sees that there is an admin's key: without one nobody could ever make one.
    private func checkAdmin(_ keyRing: KeyRing, _ bootstrap: KeyRing.Bootstrap?) throws(NoAdminKey) {
        guard keyRing.hasAdmin else { throw NoAdminKey(bootstrap) }
        if bootstrap == .ignored { logger.notice("the bootstrap admin key is ignored: there is an admin key already") }
    }

    private func appendQueue(
        _ pools: Pools,
        _ leases: LeaseBook,
        carryOut: @escaping @Sendable (AppendTransaction.Result) -> Void
    ) -> AppendQueue {
        AppendQueue(
            transaction: AppendTransaction(
                pool: pools.writers,
                leases: leases,
                policy: configuration.policy,
                clock: configuration.clock,
                timeout: Self.transactionTimeout,
                crashPoints: configuration.crashPoints
            ),
            meters: AppendMeters(),
            logger: logger,
            carryOut: carryOut
        )
    }

    private func page(
        _ pools: Pools,
        _ keyRing: KeyRing,
        _ freshness: FreshnessBook,
        _ reconciler: Reconciler,
        room: ReadingRoom
    ) -> PageDependencies {
        let sessions = PageSessions(
            pool: pools.writers,
            readPool: pools.readers,
            keyRing: keyRing,
            publicURL: configuration.publicURL,
            trustedProxies: configuration.trustedProxies
        )
        let management = ManagementDependencies(
            pool: pools.writers,
            readPool: pools.readers,
            keyRing: keyRing,
            policy: configuration.policy,
            rules: configuration.matchingRules,
            clock: configuration.clock,
            wakes: reconciler,
            freshness: freshness,
            limits: configuration.bodyLimits,
            logger: logger,
            session: sessions.caller,
            sources: configuration.sources,
            redactor: configuration.redactor,
            clockSkew: configuration.clockSkew,
            room: room,
            reconciler: reconciler
        )
        return PageDependencies(management: management, sessions: sessions, feed: ChangeFeed(management))
    }

    private func clockRoutes(
        _ queue: AppendQueue,
        _ waiters: ConvergenceWaiters,
        _ journal: SourceJournal
    ) -> ClockRoutes {
        ClockRoutes(
            queue: queue,
            clock: configuration.clock,
            waiters: waiters,
            crashPoints: configuration.crashPoints,
            limits: configuration.bodyLimits,
            admission: EventAdmission(skew: configuration.clockSkew),
            journal: journal
        )
    }

    private func engineRoutes(_ reconciler: Reconciler, _ hints: HintDesk) -> EngineRoutes {
        EngineRoutes(
            secrets: configuration.webhookSecrets,
            signatures: byAccount(\.webhookSignature).compactMapValues { $0 },
            reconciler: reconciler,
            hints: hints,
            limits: configuration.bodyLimits
        )
    }

    private func listener(_ routes: ServedRoutes) -> HTTPListener {
        HTTPListener(
            host: configuration.host,
            port: configuration.port,
            unreadBodyTimeout: configuration.bodyLimits.unreadTimeout,
            logger: logger,
            routes: routes.add(to:),
            onListening: onListening
        )
    }

    /// One member of each configured account, by its name; of two of one name the first counts.
    private func byAccount<Value>(_ value: (AccountSettings) -> Value) -> [String: Value] {
        Dictionary(configuration.accounts.map { ($0.name, value($0)) }) { first, _ in first }
    }
}

extension RollcallService: CustomStringConvertible, CustomReflectable {
    /// Names the service only: what it is made of holds secrets.
    package var description: String { "RollcallService" }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// There is no admin key in the database, and none could be made.
package struct NoAdminKey: Error {
    /// What became of the bootstrap key; `nil` when none is given.
    package var bootstrap: KeyRing.Bootstrap?

    package init(_ bootstrap: KeyRing.Bootstrap?) {
        self.bootstrap = bootstrap
    }
}

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
