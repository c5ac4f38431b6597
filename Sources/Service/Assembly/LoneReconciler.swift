package import Domain
package import FoundationEssentials
package import LibPQ
package import Logging
import ServiceLifecycle
import Synchronization

/// Reconciles without serving: for an operator whose service is down.
///
/// It acts as a replica of its own, under the same leases, so it can never act beside one that runs.
package struct LoneReconciler: Sendable {
    /// A running replica that acts for an account.
    package struct Holder: Sendable, Hashable {
        package var account: String
        package var replica: UUID
        package var release: String
        package var seenAt: Timestamp
    }

    /// What one sweep of an account found and did.
    package struct Outcome: Sendable, Hashable {
        package var account: String
        /// Whether every look is over, and every repair that was due.
        package var isComplete: Bool
        package var instances: Int
        package var read: Int
        package var unread: Int
        package var drifted: Int
        package var repaired: Int
        package var deferred: Int
    }

    private let configuration: RollcallConfiguration
    private let pools: Pools
    private let clock: DatabaseClock
    private let logger: Logger

    /// How long leases may take to come: those of a replica that died last this long.
    private static let leasePatience = Housekeeping.leaseTTL + .seconds(10)

    package init(_ configuration: RollcallConfiguration, pools: Pools, clock: DatabaseClock, logger: Logger) {
        self.configuration = configuration
        self.pools = pools
        self.clock = clock
        self.logger = logger
    }

    /// The running replicas that act for the configured accounts.
    package func holders() async throws(PQError) -> [Holder] {
        try await pools.readers.rows(
            """
            SELECT e.name, r.replica, r.release, r.seen_at
            FROM engine_accounts e
            JOIN engine_leases l ON l.account = e.account
            JOIN replicas r ON r.replica = l.holder AND r.expires_at > now()
            WHERE e.name = ANY (\(configuration.accounts.map(\.name)))
            ORDER BY e.name
            """
        ) { row throws(PQError) in
            Holder(
                account: try row.column("name", as: String.self),
                replica: try row.column("replica", as: UUID.self),
                release: try row.column("release", as: String.self),
                seenAt: try row.column("seen_at", as: Timestamp.self)
            )
        }
    }

    /// Takes the leases, does what is due, looks at every instance once and repairs, then gives the leases back.
    ///
    /// `limit`: for each account; what is not over by then stays in line.
    /// Returns what came of it; accounts whose lease did not come are missing.
    package func once(limit: Duration) async throws -> [Outcome] {
        let leases = LeaseBook()
        let reconciler = makeReconciler(leases)
        let pass = OnePass(
            reconciler: reconciler,
            leases: leases,
            accounts: configuration.accounts.map(\.name),
            patience: Self.leasePatience,
            limit: limit
        )
        try await run(reconciler, [.init(service: pass, successTerminationBehavior: .gracefullyShutdownGroup)])
        return pass.outcomes
    }

    /// Reconciles until the service is told to stop, then drains.
    package func untilStopped() async throws {
        try await run(makeReconciler(LeaseBook()), [])
    }

    private func run(
        _ reconciler: Reconciler,
        _ others: [ServiceGroupConfiguration.ServiceConfiguration]
    ) async throws {
        try await SettingDesk.begin(configuration.policy, pool: pools.writers)
        // Nobody is served meanwhile, so that what cannot begin ends at once.
        try await reconciler.registerAccounts()
        let services = [ServiceGroupConfiguration.ServiceConfiguration(service: reconciler)] + others
        try await ServiceGroup(configuration: ServiceGroupConfiguration(services: services, logger: logger)).run()
    }

    private func makeReconciler(_ leases: LeaseBook) -> Reconciler {
        Reconciler(configuration, pools: pools, leases: leases, clock: clock, logger: logger)
    }
}

/// One sweep of every account, as soon as its lease is held.
private final class OnePass: ServiceLifecycle.Service {
    private let reconciler: Reconciler
    private let leases: LeaseBook
    private let accounts: [String]
    private let patience: Duration
    private let limit: Duration
    private let found = Mutex<[LoneReconciler.Outcome]>([])

    init(reconciler: Reconciler, leases: LeaseBook, accounts: [String], patience: Duration, limit: Duration) {
        self.reconciler = reconciler
        self.leases = leases
        self.accounts = accounts
        self.patience = patience
        self.limit = limit
    }

    var outcomes: [LoneReconciler.Outcome] {
        found.withLock { found in found.sorted { $0.account < $1.account } }
    }

    func run() async throws {
        await BackgroundTasks.untilShutdown { await self.pass() }
    }

    private func pass() async {
        await untilReady()
        await withDiscardingTaskGroup { group in
            for account in accounts {
                group.addTask {
                    // A database that fails now leaves the account out, which is told from its absence.
                    guard let run = try? await self.reconciler.sweep(account, wait: self.limit) else { return }
                    self.found.withLock { $0.append(LoneReconciler.Outcome(account, run)) }
                }
            }
        }
    }

    /// Waits until every lease is held, or patience is at its end, and then for one heartbeat more: what was in line is
    /// taken up meanwhile.
    private func untilReady() async {
        let end = ContinuousClock.now + patience
        while leases.heldAccounts().count < accounts.count, ContinuousClock.now < end, !Task.isCancelled {
            await Self.pause()
        }
        let beat = reconciler.lastBeat
        while reconciler.lastBeat == beat, ContinuousClock.now < end, !Task.isCancelled { await Self.pause() }
    }

    private static func pause() async {
        try? await Task.sleep(for: .milliseconds(20))  // Cancelled: whoever waits sees that.
    }
}

extension LoneReconciler.Outcome {
    fileprivate init(_ account: String, _ run: SweepRun) {
        let counts = run.counts
        self.init(
            account: account,
            isComplete: run.isOver,
            instances: counts.instances,
            read: counts.read,
            unread: counts.unread,
            drifted: counts.drifted,
            repaired: counts.repaired,
            deferred: counts.deferred
        )
    }
}
