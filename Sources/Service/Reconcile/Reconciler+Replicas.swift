import Domain
import Synchronization

/// What replicas do for each other.
extension Reconciler {
    /// Whether this replica acts for an account at this moment.
    func actsFor(_ name: String) -> Bool {
        guard let worker = workers.withLock({ $0.values.first { $0.name == name } }) else { return false }
        return dependencies.leases.lease(of: worker.account) != nil
    }

    /// How long an order waits for a lease: a replica that just started has none yet.
    static let leaseWait: Duration = .seconds(6)

    /// `deadline`: by ``DatabaseClock/monotonic()``.
    func leasedWorker(_ name: String, by deadline: Int64) async -> AccountWorker? {
        while true {
            if let worker = workers.withLock({ $0.values.first { $0.name == name } }),
                dependencies.leases.lease(of: worker.account) != nil
            {
                return worker
            }
            guard dependencies.clock.monotonic() < deadline, !Task.isCancelled else { return nil }
            try? await dependencies.clock.sleep(for: .milliseconds(50))  // Cancelled: as above.
        }
    }

    /// Takes in what another replica was told of accounts that it does not act for.
    func hear(_ wakes: [Wake]) {
        show(.some(agents: [], instances: wakes.map(\.instance)))
        let workers = workers.withLock { $0 }
        for wake in wakes where dependencies.leases.lease(of: wake.account) != nil {
            // What people asked for has a row that says so.
            workers[wake.account]?.wake(wake.instance, priority: .repair)
        }
    }
}
