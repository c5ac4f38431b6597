import FoundationEssentials

/// Which replica should act for which engine account, so that the accounts are spread evenly over the replicas that live.
///
/// Pure: every replica computes the same spread from the same rows, so none has to ask another. What it says is carried out by
/// each for itself: it takes free leases that are to be its own, and lays down held ones that are to be another's.
struct LeaseSpread: Sendable, Hashable {
    /// A replica that lives.
    struct Replica: Sendable, Hashable {
        var id: UUID
        /// The accounts it can act for; none for a release that does not say.
        var accounts: Set<Int32>
    }

    var replicas: [Replica] = []
    /// Every account with the living replica that holds its lease; `nil` for a free one.
    var holders: [Int32: UUID?] = [:]

    /// Free leases that a replica should take.
    func toTake(by replica: UUID) -> Set<Int32> {
        let spread = spread()
        return Set(holders.keys.filter { holders[$0] == .some(nil) && spread[$0] == replica })
    }

    /// Leases that a replica should lay down, because another has two fewer.
    func toYield(by replica: UUID) -> Set<Int32> {
        let spread = spread()
        return Set(holders.keys.filter { holders[$0] == replica && spread[$0] != replica })
    }

    /// Every account with whose it should be: free ones go to who has the fewest, then one at a time moves from who has the
    /// most to who has at least two fewer.
    private func spread() -> [Int32: UUID] {
        var spread = holders.compactMapValues { $0 }
        var counts: [UUID: Int] = [:]
        for replica in replicas { counts[replica.id] = 0 }
        for holder in spread.values { counts[holder, default: 0] += 1 }
        for account in holders.keys.sorted() where spread[account] == nil {
            guard let taker = fewest(for: account, counts) else { continue }
            spread[account] = taker
            counts[taker, default: 0] += 1
        }
        // A move needs two that are so far apart; nearly always nobody is.
        let (most, fewest) = (counts.values.max() ?? 0, counts.values.min() ?? 0)
        guard most - fewest >= 2 else { return spread }
        // Each move brings two counts nearer to each other, so there are never more of them than accounts.
        for _ in 0..<spread.count {
            guard let (account, giver, taker) = nextMove(spread, counts) else { break }
            spread[account] = taker
            counts[giver, default: 0] -= 1
            counts[taker, default: 0] += 1
        }
        return spread
    }

    private func nextMove(_ spread: [Int32: UUID], _ counts: [UUID: Int]) -> (Int32, UUID, UUID)? {
        let givers = replicas.filter { !$0.accounts.isEmpty }.map(\.id).sorted { one, other in
            let (most, fewer) = (counts[one] ?? 0, counts[other] ?? 0)
            return most == fewer ? one < other : most > fewer
        }
        for giver in givers {
            for account in spread.keys.sorted() where spread[account] == giver {
                guard let taker = fewest(for: account, counts) else { continue }
                if (counts[giver] ?? 0) - (counts[taker] ?? 0) >= 2 { return (account, giver, taker) }
            }
        }
        return nil
    }

    /// Of the replicas that can act for an account the one that has the fewest.
    private func fewest(for account: Int32, _ counts: [UUID: Int]) -> UUID? {
        replicas.filter { $0.accounts.contains(account) }.map(\.id).min { one, other in
            let (fewest, more) = (counts[one] ?? 0, counts[other] ?? 0)
            return fewest == more ? one < other : fewest < more
        }
    }
}
