import Domain
import FoundationEssentials

/// Who may act.
extension Witness.State {
    /// A heartbeat was committed.
    mutating func beat(_ tables: MemoryTables, now: Timestamp) {
        checkLeases(tables, now: now)
        expiry = tables.replicas.mapValues(\.expiresAt)
    }

    mutating func left(_ tables: MemoryTables, now: Timestamp) {
        checkLeases(tables, now: now)
        expiry = tables.replicas.mapValues(\.expiresAt)
    }

    private mutating func checkLeases(_ tables: MemoryTables, now: Timestamp) {
        for (account, lease) in tables.leases.sorted(by: { $0.key < $1.key }) {
            let before = terms[account] ?? MemoryTables.Lease()
            defer { terms[account] = lease }
            guard lease != before else { continue }
            let isNewHolder = lease.holder != nil && lease.holder != before.holder
            if lease.term != before.term + (isNewHolder ? 1 : 0) {
                violate(.termGrows, "account \(account): term \(before.term) became \(lease.term)")
            }
            if isNewHolder {
                tell("\(lease.holder?.short ?? "-") takes account \(account), term \(lease.term)")
                // What it knew of the account it knew under another term.
                if let holder = lease.holder {
                    refusedSince[holder]?[account] = nil
                    restarts[holder]?[account] = nil
                    helpedAt[account] = nil
                }
            }
            if isNewHolder, let holder = before.holder, let until = expiry[holder], until > now {
                violate(.leaseTakenOnlyWhenFree, "account \(account) was \(holder.short)'s until \(until.rfc3339)")
            }
        }
    }

    /// Whether a replica holds an account by the database's clock.
    func holds(_ replica: UUID, _ account: Int32, now: Timestamp) -> Bool {
        terms[account]?.holder == replica && expiry[replica].map { $0 > now } ?? false
    }

    /// An account whose holder was answered 401 and has seen no call succeed since; until then it says so of every session.
    func refusedAccount(_ tables: MemoryTables) -> Int32? {
        tables.leases.sorted { $0.key < $1.key }.first { account, lease in
            lease.holder.map { refusedSince[$0]?[account] != nil } ?? false
        }?.key
    }

    /// A process runs again after it stood still.
    mutating func thawed(_ replica: UUID) {
        thawedAt[replica] = now
        for account in (refusedSince[replica] ?? [:]).keys { refusedSince[replica]?[account] = now }
    }
}
