import Domain
import LibPQ

/// What somebody orders about one agent, as the guard sees it.
struct GuardedOrder: Sendable {
    var agentID: String
    var what: HeldWhat
    /// The agent as it would be.
    var after: AgentFacts
    var origin: GuardOrigin
}

extension AgentOrders {
    /// Judges an order by what it would change.
    ///
    /// A newer order takes the place of one that waits, whether or not it has to wait itself. Needs the agent's lock.
    ///
    /// - Returns: the change that waits; `nil` when the order may be carried out.
    func guarded(
        _ order: GuardedOrder,
        _ subject: LockedAgent,
        by caller: Caller,
        in transaction: PQTransaction,
        now: Timestamp
    ) async throws(PQError) -> Int64? {
        guard order.origin != .approved else { return nil }
        let effect = DesiredEffect(
            agentID: order.agentID,
            before: subject.facts.derived(policy: policy, now: now).run,
            after: order.after.derived(policy: policy, now: now).run
        )
        let gate = GuardGate()
        if subject.subject != nil, effect.before != effect.after {
            let verdict = try await gate.judge([effect], isListing: false, in: transaction)
            if let reason = verdict.waiting[order.agentID] {
                let part = HeldPart(
                    agentID: order.agentID,
                    what: order.what,
                    reason: reason,
                    before: effect.before,
                    after: effect.after
                )
                return try await gate.hold([part], as: "order", verdict: verdict, by: caller.name, transaction)
            }
            try await gate.note([effect], by: caller.name, in: transaction)
        }
        let waiting = try await transaction.query(GuardStatements.waiting(of: [order.agentID]))
        guard !waiting.isEmpty else { return nil }
        try await transaction.run([
            GuardStatements.supersede([order.agentID], slot: .order, by: caller.name),
            GuardStatements.close(by: caller.name),
        ])
        return nil
    }
}

extension AgentDirectory {
    /// Gives an agent the unmatched events under its names, unless the guard holds them.
    ///
    /// Needs the lock of the map.
    ///
    /// - Returns: what the agent got, and the change by which it waits instead.
    func takeGuarded(
        _ agentID: String,
        author: String,
        in transaction: PQTransaction
    ) async throws(PQError) -> (Matched, Int64?) {
        let waiting = try await transaction.query(GuardStatements.waiting(of: [agentID]))
        for row in waiting where try row.column("kind", as: String.self) == HeldWhat.events.kind {
            return (Matched(), try row.column("change", as: Int64.self))
        }
        let before = try DesiredRuns(try await transaction.query(GuardStatements.runs(of: [agentID])))
        try await transaction.run(["SAVEPOINT guard"])
        let matched = try await take([agentID], in: transaction, now: clock.now())
        let after = try DesiredRuns(try await transaction.query(GuardStatements.runs(of: [agentID])))
        let effects = before.effects(until: after, of: [agentID])
        let gate = GuardGate()
        let verdict = try await gate.judge(effects, isListing: false, in: transaction)
        guard let reason = verdict.waiting[agentID], let effect = effects.first else {
            try await gate.note(effects, by: author, in: transaction)
            return (matched, nil)
        }
        try await transaction.run(["ROLLBACK TO SAVEPOINT guard"])
        let part = HeldPart(
            agentID: agentID,
            what: .events,
            reason: reason,
            before: effect.before,
            after: effect.after
        )
        return (Matched(), try await gate.hold([part], as: "edit", verdict: verdict, by: author, transaction))
    }
}
