import Domain
import FoundationEssentials
import LibPQ
import Logging
import ServiceLifecycle
import Synchronization

/// Wakes instances; what changes the desired state rings it after its commit.
package protocol WakeBell: Sendable {
    /// Puts instances in line at once where this replica acts for them. For others the queue row is enough.
    func ring(_ wakes: [Wake])
    /// Says that a commit may have something else shown of agents. Without it the round of whoever shows them finds it.
    func notice(agents: [Int64])
}

extension WakeBell {
    package func notice(agents: [Int64]) {}
}

/// The right-hand side of the picture: acts for the engine accounts whose leases this replica holds.
package final class Reconciler: Service, WakeBell {
    let settings: [String: AccountSettings]
    let dependencies: ReconcilerDependencies
    /// `nil` where there is no table of orders.
    let orders: SweepOrders?
    private let asked: AskedSweeps
    let watcher = Mutex<ChangeWatcher?>(nil)
    let workers = Mutex<[Int32: AccountWorker]>([:])
    private let release: String
    let onBeat: @Sendable (_ keyVersion: String) async -> Void
    let health = Mutex<ContinuousClock.Instant?>(nil)
    let logger: Logger

    /// `onBeat`: told once a second what version the API keys have.
    init(
        accounts: [AccountSettings],
        dependencies: ReconcilerDependencies,
        release: String,
        onBeat: @escaping @Sendable (_ keyVersion: String) async -> Void
    ) {
        settings = Dictionary(accounts.map { ($0.name, $0) }) { first, _ in first }
        self.dependencies = dependencies
        orders = dependencies.orders
        asked = AskedSweeps(clock: dependencies.clock)
        self.release = release
        self.onBeat = onBeat
        logger = dependencies.logger
    }

    /// When the last heartbeat succeeded; `nil` before the first.
    ///
    /// Who reconciles once, and pairing, go by it.
    package var lastBeat: ContinuousClock.Instant? { health.withLock { $0 } }

    package func ring(_ wakes: [Wake]) {
        notice(instances: wakes.map(\.instance))
        wake(wakes, priority: .people)
    }

    /// Has instances looked at that an engine told of: nobody asked for what follows, so it repairs.
    func heed(_ hints: [Wake]) {
        show(.some(agents: [], instances: hints.map(\.instance)))
        wake(hints, priority: .repair)
    }

    private func wake(_ wakes: [Wake], priority: JobPriority) {
        let workers = workers.withLock { $0 }
        for wake in wakes { workers[wake.account]?.wake(wake.instance, priority: priority) }
        dependencies.channel.tell(wakes.filter { dependencies.leases.lease(of: $0.account) == nil })
    }

    /// Does what committed plans ask for, where this replica acts.
    func carryOut(_ plans: [Plan]) {
        guard !plans.isEmpty else { return }
        notice(instances: plans.map(\.subject.instance))
        let workers = workers.withLock { $0 }
        let groups = Dictionary(grouping: plans, by: \.subject.account)
        for account in groups.keys.sorted() { workers[account]?.carryOut(groups[account] ?? []) }
        tellOthers(of: plans.lazy.map(\.subject.account))
    }

    /// Notes that commands were not sent whose intents may stand.
    func giveBack(_ lost: [LostCommand]) {
        guard !lost.isEmpty else { return }
        let workers = workers.withLock { $0 }
        for item in lost { workers[item.account]?.giveBack(item.command) }
    }

    private func tellOthers(of accounts: some Sequence<Int32>) {
        let leases = dependencies.leases
        if accounts.contains(where: { leases.lease(of: $0) == nil }) { dependencies.channel.tell() }
    }

    /// Looks at every instance of an account once.
    ///
    /// `wait`: how long, until the task is cancelled at most; what is not done by then goes on while this replica acts.
    /// While a page cannot be read nobody waits any more, and it is tried again.
    /// Returns `nil` when this replica does not act for the account, nor does within ``leaseWait``.
    func sweep(_ name: String, wait: Duration) async throws(PQError) -> SweepRun? {
        let deadline = dependencies.clock.monotonic() + min(wait, Self.leaseWait).microseconds
        guard let worker = await leasedWorker(name, by: deadline) else { return nil }
        return await asked.sweep(worker.account, wait: wait) { await self.sweeper(for: worker).sweepOnce($0) }
    }

    func worker(_ account: Int32) -> AccountWorker? { workers.withLock { $0[account] } }

    /// The account's worker where this replica acts for it.
    func actingWorker(_ account: Int32) -> AccountWorker? {
        dependencies.leases.lease(of: account) == nil ? nil : worker(account)
    }

    /// Whether an engine account of this name is configured.
    func knows(_ name: String) -> Bool { settings[name] != nil }

    /// Registers accounts, then beats, acts and sweeps until the service is told to stop; then drains, and gives each account up
    /// as soon as its last call is over.
    package func run() async {
        guard let accounts = await registeredAccounts() else { return }
        dependencies.crashPoints.reach(.bootRegistered)
        let housekeeping = Housekeeping(
            store: dependencies.store,
            replica: dependencies.replica,
            release: release,
            accounts: accounts.keys.sorted(),
            clock: dependencies.clock,
            crashPoints: dependencies.crashPoints,
            breakAction: dependencies.policy.breakAction
        )
        let workers = accounts.mapValues { account in
            AccountWorker(account.settings, account: account.id, dependencies: dependencies) { plans in
                self.notice(passes: plans)
            }
        }
        self.workers.withLock { $0 = workers }
        await act(housekeeping, workers)
        // They hold on to us by what they tell of their commits.
        self.workers.withLock { $0 = [:] }
        do {
            dependencies.crashPoints.reach(.beforeLeave)
            try await housekeeping.leave(spent: workers.mapValues(\.calls.spent))
            dependencies.crashPoints.reach(.afterLeave)
        } catch {
            logger.warning("leases not given up; they run out by themselves", metadata: [LogKeys.error: "\(error)"])
        }
    }

    /// Beats, acts and sweeps; returns once every account is drained.
    private func act(_ housekeeping: Housekeeping, _ workers: [Int32: AccountWorker]) async {
        let drain = AccountDrain(of: workers.keys)
        let bell = BeatBell()
        let inOrder = workers.sorted { $0.key < $1.key }.map(\.value)
        await withDiscardingTaskGroup { group in
            group.addTask {
                await self.untilStopped { await self.dependencies.store.keep(self.dependencies.incidents) }
            }
            for worker in inOrder {
                group.addTask {
                    await worker.run()
                    drain.drained(worker.account)
                    bell.ring()
                }
                group.addTask { await self.untilStopped { await self.sweeper(for: worker).run() } }
                group.addTask { await self.untilStopped { await self.silenceWatch(for: worker).run() } }
            }
            group.addTask { await self.runHeartbeat(housekeeping, workers: workers, drain, bell) }
            if let orders {
                group.addTask { await self.untilStopped { await orders.run { try await self.sweep($0, wait: $1) } } }
            }
            await dependencies.untilStopped()
            drain.begin()
            for worker in inOrder { worker.drain() }
            bell.ring()
            await asked.close()
        }
    }

    private func sweeper(for worker: AccountWorker) -> Sweeper {
        Sweeper(
            worker: worker,
            store: dependencies.store,
            leases: dependencies.leases,
            policy: dependencies.sweep,
            logger: logger
        )
    }

    /// Registers accounts, again and again while the database fails, since requests are taken by now; `nil` when told to stop first.
    private func registeredAccounts() async -> [Int32: (id: Int32, settings: AccountSettings)]? {
        let registered = Mutex<[Int32: (id: Int32, settings: AccountSettings)]?>(nil)
        await untilStopped {
            var isTold = false
            while !Task.isCancelled {
                do throws(PQError) {
                    let accounts = try await self.registerAccounts()
                    registered.withLock { $0 = accounts }
                    return
                } catch {
                    guard !Task.isCancelled else { return }
                    // Should it go on, nobody acts for the accounts, which is an incident.
                    self.logger.log(
                        level: isTold ? .debug : error.isTransient ? .warning : .error,
                        "engine accounts not registered yet",
                        metadata: [LogKeys.error: "\(error)"]
                    )
                    isTold = true
                }
                try? await self.dependencies.clock.sleep(for: Housekeeping.interval)  // Cancelled: the loop ends.
            }
        }
        return registered.withLock { $0 }
    }

    /// Makes the accounts known to the database, once.
    @discardableResult
    func registerAccounts() async throws(PQError) -> [Int32: (id: Int32, settings: AccountSettings)] {
        let keys = try await dependencies.store.register(settings.keys.sorted())
        var accounts: [Int32: (id: Int32, settings: AccountSettings)] = [:]
        for (name, id) in keys {
            guard let settings = settings[name] else { continue }
            accounts[id] = (id, settings)
            dependencies.leases.setCallTimeout(settings.timeout, of: id)
        }
        return accounts
    }

    /// Runs `body`, and cancels it once the service is told to stop.
    func untilStopped(_ body: @escaping @Sendable () async -> Void) async {
        await BackgroundTasks.run(body, until: dependencies.untilStopped)
    }
}
