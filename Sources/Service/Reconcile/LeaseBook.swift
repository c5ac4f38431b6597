import Domain
import OrderedCollections
import Synchronization

/// A lease this replica holds.
struct HeldLease: Sendable, Hashable {
    /// Grows with every change of the holder.
    var term: Int64
    /// By ``ProcessClock/monotonic()``: no command leaves from here on.
    var deadline: Int64
}

/// The engine accounts this replica acts for, as it knows from its last heartbeat.
final class LeaseBook: Sendable {
    private struct Entry {
        var lease: HeldLease?
        var isRefused = false
        var callTimeout: Duration?
        /// The deadline of the last lease that no heartbeat prolonged in time.
        var ranOutAt = Int64.min
        /// When the lease was taken, by the database's clock.
        var takenAt: Timestamp?
        /// By instance the command that is in line here or under way, or of which it is not written yet what became of it.
        var commanded: [Int64: Int64] = [:]
    }

    /// A task that waits until an account may be acted for.
    private struct Waiter {
        var account: Int32
        var continuation: CheckedContinuation<Void, Never>
    }

    private let entries = Mutex<[Int32: Entry]>([:])
    /// In the order in which they came.
    private let waiters = Mutex<OrderedDictionary<UInt64, Waiter>>([:])
    private let lastWaiter = Atomic<UInt64>(0)
    private let clock: any ProcessClock

    /// `clock`: the one that deadlines are of.
    init(clock: any ProcessClock = SystemProcessClock()) {
        self.clock = clock
    }

    /// The accounts whose leases have not run out here.
    func heldAccounts() -> [Int32] {
        let now = clock.monotonic()
        return entries.withLock { entries in
            entries.compactMap { account, entry in (entry.lease?.deadline ?? 0) > now ? account : nil }.sorted()
        }
    }

    /// The lease of an account, unless it has run out.
    func lease(of account: Int32) -> HeldLease? {
        let now = clock.monotonic()
        return entries.withLock { entries in
            guard let lease = entries[account]?.lease, lease.deadline > now else { return nil }
            return lease
        }
    }

    /// For how much longer what was decided under a lease may leave; nothing or less once it has run out, or its term is over.
    func remaining(of account: Int32, term: Int64) -> Duration {
        let now = clock.monotonic()
        return entries.withLock { entries in
            guard let lease = entries[account]?.lease, lease.term == term else { return .zero }
            return .microseconds(lease.deadline - now)
        }
    }

    /// The lease of an account even when it has run out here: enough to record what happened, if the database agrees.
    func lastKnown(of account: Int32) -> HeldLease? {
        entries.withLock { $0[account]?.lease }
    }

    /// Whether a lease that was held a while ago has run out since, if only until the next heartbeat; one that was laid down
    /// in order has not.
    ///
    /// `lease`: as ``lease(of:)`` gave it then.
    func hasRunOut(_ lease: HeldLease, of account: Int32) -> Bool {
        let instant = clock.monotonic()
        return entries.withLock { entries in
            guard let entry = entries[account] else { return false }
            if entry.ranOutAt >= lease.deadline { return true }
            // Of one that is being laid down the deadline lies before all others.
            guard let current = entry.lease, current.deadline >= lease.deadline else { return false }
            return current.deadline <= instant
        }
    }

    /// Takes in what a heartbeat answered: the leases held, and nothing else.
    ///
    /// Whether an account is refused only its holder can tell, since nobody else calls it.
    ///
    /// `now`: the database's clock.
    func replace(with leases: [Int32: HeldLease], at now: Timestamp? = nil) {
        let instant = clock.monotonic()
        entries.withLock { entries in
            for account in entries.keys {
                if let entry = entries[account], let deadline = entry.lease?.deadline, deadline <= instant {
                    entries[account]?.ranOutAt = max(entry.ranOutAt, deadline)
                }
                if entries[account]?.lease?.term != leases[account]?.term { entries[account]?.isRefused = false }
                if leases[account] == nil { entries[account]?.lease = nil }
            }
            for (account, lease) in leases {
                if entries[account]?.lease?.term != lease.term { entries[account, default: Entry()].takenAt = now }
                entries[account, default: Entry()].lease = lease
            }
        }
        wakeWaiters()
    }

    /// Lets go of leases that are about to be laid down in order.
    func letGo(of accounts: Set<Int32>) {
        entries.withLock { entries in
            for account in accounts { entries[account]?.lease = nil }
        }
    }

    /// Notes that a command is in line here, or that it is over: it did not leave, or what became of it is written.
    func setCommanded(_ command: CommandKey, of account: Int32, _ isCommanded: Bool) {
        entries.withLock { entries in
            if isCommanded {
                entries[account, default: Entry()].commanded[command.instance] = command.id
            } else if entries[account]?.commanded[command.instance] == command.id {
                entries[account]?.commanded[command.instance] = nil
            }
        }
    }

    /// Until when a command of which nothing is known may have left: until the lease was taken, since nobody sends without it;
    /// and of one that is in line here, or of which it is to be written yet what became of it, it may be at any moment.
    func mayHaveLeft(_ instance: Int64, of account: Int32, now: Timestamp) -> Timestamp? {
        entries.withLock { entries in
            guard let entry = entries[account], entry.lease != nil else { return nil }
            return entry.commanded[instance] == nil ? entry.takenAt : now
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
        entries.withLock { entries in
            guard let entry = entries[account], entry.lease != nil else { return false }
            return entry.isRefused
        }
    }

    /// Notes that an account is refused, or is no longer.
    ///
    /// - Returns: whether that is news.
    func setRefused(_ account: Int32, _ isRefused: Bool) -> Bool {
        let isNews = entries.withLock { entries in
            defer { entries[account, default: Entry()].isRefused = isRefused }
            return (entries[account]?.isRefused ?? false) != isRefused
        }
        if isNews, !isRefused { wakeWaiters() }
        return isNews
    }

    // MARK: Waiting

    /// Whether an account's lease has not run out here, and its engine does not answer 401.
    func mayAct(for account: Int32) -> Bool {
        let now = clock.monotonic()
        return entries.withLock { entries in
            guard let entry = entries[account], let lease = entry.lease else { return false }
            return lease.deadline > now && !entry.isRefused
        }
    }

    /// Waits until ``mayAct(for:)`` says so, or the task is cancelled.
    ///
    /// It asks nothing of the processor meanwhile, however many accounts others act for.
    func untilMayAct(for account: Int32) async {
        let number = lastWaiter.add(1, ordering: .relaxed).newValue
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = waiters.withLock { waiters in
                    if Task.isCancelled || mayAct(for: account) { return true }
                    waiters[number] = Waiter(account: account, continuation: continuation)
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            waiters.withLock { $0.removeValue(forKey: number) }?.continuation.resume()
        }
    }

    private func wakeWaiters() {
        let ready = waiters.withLock { waiters in
            let ready = waiters.filter { mayAct(for: $0.value.account) }
            for number in ready.keys { waiters.removeValue(forKey: number) }
            return ready
        }
        for waiter in ready.values { waiter.continuation.resume() }
    }
}
