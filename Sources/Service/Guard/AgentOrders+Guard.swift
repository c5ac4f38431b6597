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

/// A part that was approved is not to be carried out: that was done already, or something newer took its place.
struct PartIsOver: Error {}

extension AgentOrders {
    /// Marks an approved part as done, in the transaction that carries it out.
    ///
    /// Needs the agent's lock.
    ///
    /// - Throws: ``PartIsOver``; ``PQError``.
    func take(_ part: Int64, in transaction: PQTransaction) async throws {
        guard try await transaction.execute(GuardDueStatements.take(part)) > 0 else { throw PartIsOver() }
    }

    /// Judges an order by what it would change.
    ///
    /// A newer order takes the place of one that waits, for somebody or to be carried out, whether or not it has to wait itself.
    /// Needs the agent's lock.
    ///
    /// - Returns: the change that waits; `nil` when the order may be carried out.
    /// - Throws: ``PartIsOver``; ``PQError``.
    func guarded(
        _ order: GuardedOrder,
        _ subject: LockedAgent,
        by caller: Caller,
        in transaction: PQTransaction,
        now: Timestamp
    ) async throws -> Int64? {
        if case .part(let part) = order.origin {
            try await take(part, in: transaction)
            return nil
        }
        let effect = DesiredEffect(
            agentID: order.agentID,
            before: subject.facts.derived(policy: policy, now: now).run,
            after: order.after.derived(policy: policy, now: now).run
        )
        let gate = GuardGate()
        if subject.subject != nil, effect.before != effect.after || decidesLater(order, subject.facts, now: now) {
            var verdict = GuardGate.Verdict(waiting: [:], affected: 0, fleet: 0)
            var change: Int64?
            if case .bulk(let bulk) = order.origin {
                // It was judged, and counted, as a whole.
                if let waiting = bulk.waiting {
                    verdict = .init(
                        waiting: [order.agentID: .tooMany],
                        affected: waiting.affected,
                        fleet: waiting.fleet
                    )
                    change = waiting.change
                }
            } else {
                verdict = try await gate.judge([effect], isListing: false, in: transaction)
            }
            if let reason = verdict.waiting[order.agentID] {
                let part = HeldPart(
                    agentID: order.agentID,
                    what: order.what,
                    reason: reason,
                    before: effect.before,
                    after: effect.after
                )
                return try await gate.hold(
                    [part],
                    as: .order,
                    within: change,
                    verdict: verdict,
                    by: caller.name,
                    transaction
                )
            }
            if !order.origin.isBulk { try await gate.note([effect], by: caller.name, in: transaction) }
        }
        let waiting = try await transaction.query(GuardStatements.waiting(of: [order.agentID]))
        guard !waiting.isEmpty else { return nil }
        try await transaction.run(
            [GuardStatements.supersede([order.agentID], slot: .order, by: caller.name)]
                + GuardStatements.close(by: caller.name)
        )
        return nil
    }
}

extension AgentOrders {
    /// Whether an order is part of one about many agents, and would have something else desired of this one while it lasts.
    private func decidesLater(_ order: GuardedOrder, _ facts: AgentFacts, now: Timestamp) -> Bool {
        guard order.origin.isBulk, case .hold(let hold) = order.what else { return false }
        return facts.isChanged(by: hold, policy: policy, now: now)
    }

    /// Judges an order about many agents as a whole, by what it would change of each: part of a mistake is a mistake too.
    ///
    /// A hold counts also for those of whom it changes nothing before they come or go: nobody is asked again then.
    /// What changes before the order is carried out is not judged anew. Agents that the caller does not see count for nothing.
    /// Indexes: `agents_agent_id_key` and the primary keys behind `subjects_by_agent`.
    ///
    /// `hold`: as ordered; `nil` for the end of each agent's hold.
    func judge(_ hold: Hold?, of agentIDs: [String], by caller: Caller) async throws -> BulkOrder {
        try await retryingConflicts {
            try await pool.withTransaction { transaction in
                let result = try await transaction.query(
                    """
                    SELECT a.agent_id, a.team, v.*
                    FROM agents a
                    JOIN subjects_by_agent v ON v.agent = a.agent
                    WHERE a.agent_id = ANY (\(agentIDs))
                    """
                )
                let effects = try effects(of: hold, on: result, seenBy: caller)
                let verdict = try await GuardGate().judge(effects, isListing: false, in: transaction)
                guard !verdict.waiting.isEmpty else {
                    try await GuardGate().note(effects, by: caller.name, in: transaction)
                    return BulkOrder()
                }
                return BulkOrder(waiting: .init(affected: verdict.affected, fleet: verdict.fleet))
            }
        }
    }

    private func effects(
        of hold: Hold?,
        on result: PQResult,
        seenBy caller: Caller
    ) throws(PQError) -> [DesiredEffect] {
        let rows = try SubjectRows(result)
        let now = clock.now()
        var effects: [DesiredEffect] = []
        for row in result {
            guard caller.sees(team: try row.column("team", as: String.self)), try rows.subject(row) != nil,
                let facts = try rows.agentFacts(row)
            else { continue }
            var after = facts
            after.hold = hold
            let effect = DesiredEffect(
                agentID: try row.column("agent_id", as: String.self),
                before: facts.derived(policy: policy, now: now).run,
                after: after.derived(policy: policy, now: now).run
            )
            let decidesLater = hold.map { facts.isChanged(by: $0, policy: policy, now: now) } ?? false
            if effect.before != effect.after || decidesLater { effects.append(effect) }
        }
        return effects
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
        return (Matched(), try await gate.hold([part], as: .edit, verdict: verdict, by: author, transaction))
    }
}
