import Domain
import Synchronization

/// A lease this replica holds.
struct HeldLease: Sendable, Hashable {
    /// Grows with every change of the holder.
    var term: Int64
    /// By ``DatabaseClock/monotonic()``: no command leaves from here on.
    var deadline: Int64
}

/// The engine accounts this replica acts for, as it knows from its last heartbeat.
final class LeaseBook: Sendable {
    private struct Entry {
        var lease: HeldLease?
        var isRefused = false
        var callTimeout: Duration?
    }

    private let entries = Mutex<[Int32: Entry]>([:])

    /// The accounts whose leases have not run out here.
    func heldAccounts() -> [Int32] {
        let now = DatabaseClock.monotonic()
        return entries.withLock { entries in
            entries.compactMap { account, entry in (entry.lease?.deadline ?? 0) > now ? account : nil }.sorted()
        }
    }

    /// The lease of an account, unless it has run out.
    func lease(of account: Int32) -> HeldLease? {
        let now = DatabaseClock.monotonic()
        return entries.withLock { entries in
            guard let lease = entries[account]?.lease, lease.deadline > now else { return nil }
            return lease
        }
    }

    /// The lease of an account even when it has run out here: enough to record what happened, if the database agrees.
    func lastKnown(of account: Int32) -> HeldLease? {
        entries.withLock { $0[account]?.lease }
    }

    /// Takes in what a heartbeat answered: the leases held, and nothing else.
    func replace(with leases: [Int32: HeldLease]) {
        entries.withLock { entries in
            for account in entries.keys { entries[account]?.lease = leases[account] }
            for (account, lease) in leases { entries[account, default: Entry()].lease = lease }
        }
    }

    /// Notes how long a call of an account may take.
    func setCallTimeout(_ timeout: Duration, of account: Int32) {
        entries.withLock { $0[account, default: Entry()].callTimeout = timeout }
    }

    /// The policy as it is for one account: with its own limit for a call.
    func policy(_ policy: ReconcilePolicy, for account: Int32) -> ReconcilePolicy {
        var policy = policy
        policy.callTimeout = entries.withLock { $0[account]?.callTimeout } ?? policy.callTimeout
        return policy
    }

    /// Whether the engine answers 401 for the whole account.
    func isRefused(_ account: Int32) -> Bool {
        entries.withLock { $0[account]?.isRefused ?? false }
    }

    /// Notes that an account is refused, or is no longer.
    ///
    /// - Returns: whether that is news.
    func setRefused(_ account: Int32, _ isRefused: Bool) -> Bool {
        entries.withLock { entries in
            defer { entries[account, default: Entry()].isRefused = isRefused }
            return (entries[account]?.isRefused ?? false) != isRefused
        }
    }
}
