import Domain
import LibPQ

extension AgentDirectory {
    /// What came of giving unmatched events to agents.
    struct Matched: Sendable {
        /// The surrogate keys of the agents who had something to decide on.
        var agents: Set<Int64> = []
        var wakes: [Wake] = []
        /// The surrogate keys of everyone about whom anything changed.
        var shown: [Int64] = []
        /// Events that agents got.
        var applied = 0
        /// The lowest sequence that was taken up, when there may be more below it.
        var rest: Int64?
    }

    /// Portions of one mapping: 2,000,000 events.
    ///
    /// What is left beyond is taken up when the same is mapped again.
    private static let portionCountLimit = 200

    /// Gives agents one portion of the unmatched events under their names, and derives what follows.
    ///
    /// Needs the lock of the map.
    ///
    /// `before`: only events with a lower sequence.
    func take(
        _ agentIDs: [String],
        before: Int64 = .max,
        in transaction: PQTransaction,
        now: Timestamp
    ) async throws(PQError) -> Matched {
        guard !agentIDs.isEmpty else { return Matched() }
        let results = try await transaction.run([
            UnmatchedStatements.claim(agentIDs, rules: rules, before: before),
            UnmatchedStatements.claimWithdrawals(agentIDs),
        ])
        let claimed = try results[0].decoded { row throws(PQError) in
            (agent: try row.column("agent", as: Int64.self), sequence: try row.column("sequence", as: Int64.self))
        }
        var matched = Matched(agents: Set(claimed.map(\.agent)))
        guard !matched.agents.isEmpty else { return matched }
        let settled = try await AgentStates.settle(matched.agents.sorted(), in: transaction, policy: policy, now: now)
        matched.wakes = settled.wakes
        matched.applied = settled.taken.values.reduce(0) { $0 + $1.count }
        if claimed.count >= Int(UnmatchedStatements.portionLimit) { matched.rest = claimed.map(\.sequence).min() }
        return matched
    }

    /// Goes on with older portions, each in a transaction of its own, so that clock events do not wait for all of it.
    ///
    /// Newer portions come first, so that nothing starts on the way that the rest would end.
    ///
    /// - Returns: how many events the agents got.
    func goOn(_ agentIDs: [String], after first: Matched) async throws -> Int {
        var rest = first.rest
        var applied = 0
        for _ in 0..<Self.portionCountLimit {
            guard let before = rest else { break }
            let matched = try await retryingConflicts {
                try await pool.withTransaction { transaction in
                    try await transaction.run([AdvisoryLocks.map, AgentMapStatements.lockStates(agentIDs)])
                    return try await take(agentIDs, before: before, in: transaction, now: clock.now())
                }
            }
            wakes.ring(matched.wakes)
            applied += matched.applied
            rest = matched.rest
        }
        return applied
    }
}
