package import Domain
package import LibPQ

/// Changes the map of agents: who there is, whose session is whose, who is called what by whom.
package struct AgentDirectory: Sendable {
    let pool: PQPool
    let policy: ReconcilePolicy
    let rules: MatchingRules
    let clock: DatabaseClock
    let wakes: any WakeBell

    package init(
        pool: PQPool,
        policy: ReconcilePolicy,
        rules: MatchingRules,
        clock: DatabaseClock,
        wakes: any WakeBell
    ) {
        self.pool = pool
        self.policy = policy
        self.rules = rules
        self.clock = clock
        self.wakes = wakes
    }

    /// Adds an agent or changes it.
    ///
    /// `caller`: whose teams bound what may be changed, and whose name goes into the audit.
    /// Returns whether the agent is new, and what of the change has to wait for somebody.
    /// Throws ``Problem`` when refused; ``PQError``.
    func put(_ spec: AgentSpec, by caller: Caller) async throws -> (isNew: Bool, held: HeldParts) {
        let (outcomes, _, held) = try await put([spec], caller: caller, author: caller.name)
        switch outcomes.first {
        case .refused(let problem): throw problem
        case .added: return (true, held)
        case .changed, .unchanged, nil: return (false, held)
        }
    }

    /// Adds or changes agents in one transaction; those that are refused are left out, and the others go on.
    ///
    /// What would change too much at once waits for somebody, see ``applyGuarded(_:map:caller:author:origin:in:)``.
    ///
    /// `specs`: at most one per agent, and at most 500.
    /// Returns the outcomes in the order of the specifications, how many unmatched events the agents got, and what waits.
    func put(
        _ specs: [AgentSpec],
        caller: Caller?,
        author: String,
        origin: GuardOrigin = .edit
    ) async throws -> (outcomes: [AgentMapChange.Outcome], applied: Int, held: HeldParts) {
        let guarded = try await retryingConflicts {
            try await pool.withTransaction { transaction in
                try await write(specs, caller: caller, author: author, origin: origin, in: transaction)
            }
        }
        let rest = try await followUp(guarded)
        return (guarded.change.outcomes, guarded.matched.applied + rest, guarded.held)
    }

    /// Locks the map and writes what specifications change of it, but for what the guard holds.
    func write(
        _ specs: [AgentSpec],
        caller: Caller?,
        author: String,
        origin: GuardOrigin,
        in transaction: PQTransaction
    ) async throws(PQError) -> GuardedChange {
        let map = try await AgentMap.read(specs, rules: rules, in: transaction)
        let change = AgentMapChange(specs, map: map, caller: caller)
        guard change.mayMatter || specs.contains(where: { $0.instance != .keep }) else {
            let isIdle = change.touched.isEmpty
            let written = isIdle ? Matched() : try await apply(change, author: author, in: transaction)
            var held = HeldParts()
            held.ticket = origin.ticket
            return GuardedChange(change: change, matched: written, held: held)
        }
        return try await applyGuarded(
            specs,
            map: map,
            caller: caller,
            author: author,
            origin: origin,
            in: transaction
        )
    }

    /// Tells of a change that is committed, and goes on with the unmatched events that it gave to agents.
    ///
    /// - Returns: how many more events they got.
    func followUp(_ guarded: GuardedChange) async throws -> Int {
        wakes.ring(guarded.matched.wakes)
        wakes.notice(agents: guarded.matched.shown)
        return try await goOn(guarded.change.rematched, after: guarded.matched)
    }

    /// What specifications would change.
    struct Comparison: Sendable {
        /// In the order of the specifications.
        var outcomes: [AgentMapChange.Outcome]
        /// What is different about each.
        var differences: [AgentDifference]
        /// Whether there is anything to write: also where only events are left to take up, or something waits for somebody that
        /// this may take the place of.
        var differs: Bool
        /// Who is to get the session of an agent, by the agent's id.
        var heirs: [String: String]
    }

    /// Compares specifications with the map, and changes and locks nothing.
    ///
    /// `mayMove`: whether an agent, by its id, has given up its session by the time these are written.
    func compare(_ specs: [AgentSpec], mayMove: (String) -> Bool) async throws(PQError) -> Comparison {
        let map = try await AgentMap.read(specs, rules: rules, from: pool)
        let change = AgentMapChange(specs, map: map, caller: nil, mayMove: mayMove)
        var differs = !change.rematched.isEmpty || change.outcomes.contains { $0 != .unchanged }
        if !differs { differs = try await !pool.query(GuardStatements.waiting(of: specs.map(\.agentID))).isEmpty }
        return Comparison(
            outcomes: change.outcomes,
            differences: specs.map { AgentDifference($0, map: map) },
            differs: differs,
            heirs: AgentSessionMoves(specs, map: map).heirs
        )
    }

    /// Writes a change and derives what follows from it.
    func apply(
        _ change: AgentMapChange,
        author: String,
        in transaction: PQTransaction
    ) async throws(PQError) -> Matched {
        let now = clock.now()
        var statements = AgentMapStatements.write(change, author: author)
        let recomputed = Set(change.recomputed)
        statements.append(AgentMapStatements.keys(recomputed.union(change.touched).sorted()))
        let results = try await transaction.run(statements)
        let known = try results[results.count - 1].decoded { row throws(PQError) in
            (key: try row.column("agent", as: Int64.self), id: try row.column("agent_id", as: String.self))
        }
        var matched = try await take(change.rematched, in: transaction, now: now)
        matched.shown = known.map(\.key)
        let others = known.filter { recomputed.contains($0.id) && !matched.agents.contains($0.key) }.map(\.key)
        if !others.isEmpty {
            matched.wakes += try await AgentStates.recompute(others.sorted(), in: transaction, policy: policy, now: now)
        }
        if !change.retired.isEmpty {
            try await transaction.run([AgentStates.enqueue(change.retired, at: now)])
        }
        matched.wakes += change.retired
        return matched
    }
}

/// Runs a transaction again when PostgreSQL gave it up for another's sake (deadlock, serialization).
///
/// - Throws: the body's error, at the third such conflict too.
func retryingConflicts<Value>(_ body: () async throws -> Value) async throws -> Value {
    for _ in 0..<2 {
        do {
            return try await body()
        } catch let error as PQError where error.sqlState == "40P01" || error.sqlState == "40001" {
            continue
        }
    }
    return try await body()
}
