import LibPQ
import Logging

extension Reconciler {
    /// The longest that writing a batch of passes may take; it is then written again.
    private static let transactionTimeout: Duration = .seconds(5)

    /// A reconciler on PostgreSQL.
    ///
    /// `freshness`: counts how long looks last, where somebody shows that.
    /// `onIncident`: told once an incident was opened or closed in the database.
    /// `onBeat`: told once a second what version the API keys have.
    convenience init(
        _ configuration: RollcallConfiguration,
        pools: Pools,
        leases: LeaseBook,
        clock: DatabaseClock,
        freshness: FreshnessBook? = nil,
        logger: Logger,
        onIncident: (@Sendable () -> Void)? = nil,
        onBeat: @escaping @Sendable (_ keyVersion: String) async -> Void = { _ in }
    ) {
        let crashPoints = configuration.crashPoints
        let store = PostgresReconcilerStore(
            pool: pools.writers,
            listening: Pools.listening(configuration.databaseURL),
            crashPoints: crashPoints,
            logger: logger,
            freshness: freshness
        )
        self.init(
            accounts: configuration.accounts,
            dependencies: ReconcilerDependencies(
                store: store,
                leases: leases,
                policy: configuration.policy,
                sweep: configuration.sweep,
                clock: clock,
                incidents: IncidentLog(logger: logger, written: onIncident),
                channel: WakeChannel(store: store, clock: clock, crashPoints: crashPoints, logger: logger),
                crashPoints: crashPoints,
                transactionTimeout: Self.transactionTimeout,
                logger: logger,
                orders: SweepOrders(pool: pools.writers, logger: logger)
            ),
            release: configuration.release,
            onBeat: onBeat
        )
    }
}
