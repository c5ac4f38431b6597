package import Domain
import FoundationEssentials
package import LibPQ

/// Erases people: as agents, as agents that are gone, or as a name that a source uses.
///
/// The map changes in one transaction, which notes whom to erase. What is left in the ledger and elsewhere is removed right
/// after it, or, if that takes long or fails, by ``Retention``.
package struct PersonErasure: Sendable {
    /// What became of a wish.
    package enum Outcome: String, Sendable {
        /// Nothing is left.
        case erased
        /// The person is gone from the map; bodies are still being searched.
        case erasing
        /// The session is being stopped; the person is erased once that is proved.
        case stopping
        /// The guard holds it: it waits until somebody approves it.
        case held
    }

    /// Between two looks at whether another replica is done.
    private static let pause: Duration = .milliseconds(100)

    private let pool: PQPool
    private let orders: AgentOrders
    private let rules: MatchingRules
    private let traces: ErasureTraces

    /// `freshness`: how long a look proves that a session is stopped.
    package init(
        pool: PQPool,
        policy: ReconcilePolicy,
        rules: MatchingRules,
        clock: DatabaseClock,
        wakes: any WakeBell,
        freshness: FreshnessBook
    ) {
        self.pool = pool
        self.rules = rules
        orders = AgentOrders(
            pool: pool,
            policy: policy,
            rules: rules,
            clock: clock,
            wakes: wakes,
            freshness: freshness
        )
        traces = ErasureTraces(pool: pool)
    }

    /// Erases an agent, or whoever was one.
    ///
    /// `stop`: stop the session first, if it is not proved to be stopped.
    /// `limit`: how long to search for what is left before that is left to ``Retention``.
    /// Throws ``Problem`` `not_found` when nothing is known of anybody by that id, `instance_running`; ``PQError``.
    package func erase(
        agentID: String,
        stop: Bool,
        limit: Duration,
        by caller: Caller
    ) async throws -> Outcome {
        do {
            switch try await orders.remove(agentID, stop: stop, erase: true, by: caller) {
            case .gone: break
            case .stopping: return .stopping
            case .held: return .held
            }
        } catch let problem as Problem where problem.code == .notFound && caller.teams == nil {
            guard try await isErased(ErasureStatements.erase(agentID: agentID, rules: rules), by: caller) else {
                throw problem
            }
        }
        return await finish(within: limit)
    }

    /// Erases whoever a source calls so, known or not: afterwards there is no such name.
    ///
    /// Throws ``Problem`` `not_found` without such a source, `name_in_use` while it is an agent's name; ``PQError``.
    package func erase(
        _ externalID: String,
        source: String,
        limit: Duration,
        by caller: Caller
    ) async throws -> Outcome {
        try await pool.withTransaction { transaction in
            try await transaction.run([AdvisoryLocks.map])
            let found = try await transaction.run([
                ErasureStatements.holder(of: externalID, source: source, rules: rules)
            ])
            guard let row = found[0].first else { throw Problem(.notFound) }
            guard try !row.column("is_taken", as: Bool.self) else { throw Problem(.nameInUse) }
            let number = try row.column("source_id", as: Int32.self)
            try await transaction.run([
                ErasureStatements.erase(externalID, source: number), ErasureStatements.audit(caller.name),
            ])
        }
        return await finish(within: limit)
    }

    private func isErased(_ statement: PQStatement, by caller: Caller) async throws -> Bool {
        try await pool.withTransaction { transaction in
            try await transaction.run([AdvisoryLocks.map])
            let erasure = try await transaction.run([statement])[0].first?.column("erasure", as: UUID?.self)
            guard erasure != nil else { return false }
            try await transaction.run([ErasureStatements.audit(caller.name)])
            return true
        }
    }

    /// Removes what is left, of this person and of others who wait.
    ///
    /// What fails here waits for ``Retention``, which says why.
    func finish(within limit: Duration) async -> Outcome {
        let isFinished = await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                do {
                    try await traces.hush()
                    // Another may be at it already.
                    while try await traces.isWaiting() {
                        if try await !traces.removeNext() { try await Task.sleep(for: Self.pause) }
                    }
                    return true
                } catch {
                    return false
                }
            }
            group.addTask {
                try? await Task.sleep(for: limit)  // Cancelled: the search is over.
                return false
            }
            let first = await group.next() ?? false
            group.cancelAll()
            return first
        }
        return isFinished ? .erased : .erasing
    }
}
