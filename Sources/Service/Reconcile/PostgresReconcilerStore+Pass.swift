import Domain
import LibPQ

/// A batch of passes: the fence and the locks first, then what is known, then what was decided, in two round trips.
extension PostgresReconcilerStore {
    func pass(
        _ request: PassRequest,
        decide: (PassReading) throws -> PassWriting
    ) async throws -> PassWriting {
        for _ in 1..<Self.passTries {
            do {
                return try await passOnce(request, decide: decide)
            } catch is SessionMoved {
                continue
            }
        }
        return try await passOnce(request, decide: decide)
    }

    /// How often a batch is begun anew because sessions changed hands while it waited for its locks.
    private static var passTries: Int { 3 }

    /// A session changed hands while its batch waited: whose it is now is not locked, and may be changed by others meanwhile.
    private struct SessionMoved: Error {}

    private func passOnce(
        _ request: PassRequest,
        decide: (PassReading) throws -> PassWriting
    ) async throws -> PassWriting {
        let freshness = freshness?.known[request.account]
        return try await pool.withTransaction { transaction in
            let read = try await transaction.run(
                [lease(request.account, counting: freshness), lock(request.instances), facts(request.instances)],
                timeout: request.timeout
            )
            let reading = try reading(term: read[0], facts: read[2])
            guard try PassLocks(read[1]).cover(reading) else { throw SessionMoved() }
            let writing = try decide(reading)
            var writes = PlanStatements.all(
                agents: writing.changes,
                plans: writing.plans,
                terms: [request.account: writing.term],
                now: writing.now
            )
            if !writing.outcomes.isEmpty { writes.append(PlanStatements.complete(writing.outcomes)) }
            if !writing.looks.isEmpty { writes.append(LookStatements.record(writing.looks, counting: freshness)) }
            _ = try await transaction.run(writes, commit: true, timeout: request.timeout)
            return writing
        }
    }

    private func reading(term: PQResult, facts: PQResult) throws(PQError) -> PassReading {
        var reading = PassReading(term: nil, subjects: [])
        if term.rowCount == 1 { reading.term = try term[0].column("term", as: Int64.self) }
        let rows = try SubjectRows(facts)
        let priority = try facts.decoder("priority", as: Int16?.self)
        reading.subjects.reserveCapacity(facts.rowCount)
        for row in rows.rows {
            guard var subject = try rows.subject(row) else { continue }
            subject.priority = try priority[row].flatMap(JobPriority.init(rawValue:))
            reading.subjects.append((subject, try rows.agentFacts(row)))
        }
        return reading
    }

    /// The fence: the row cannot change until this transaction ends.
    ///
    /// Index: `engine_leases_pkey`.
    ///
    /// `freshness`: how long a look counts, for the triggers of this transaction.
    private func lease(_ account: Int32, counting freshness: Freshness?) -> PQStatement {
        """
        SELECT e.term, set_config('rollcall.look_lifetime', \(LookStatements.setting(freshness)), true)
        FROM engine_leases e
        WHERE e.account = \(account)
        FOR SHARE OF e
        """
    }

    /// Locks whom the instances belong to, and instances that belong to nobody, and says which these are.
    ///
    /// Whose they are is what was so before it waited. Indexes: the primary keys.
    private func lock(_ instances: [Int64]) -> PQStatement {
        """
        WITH a AS (
            SELECT s.agent
            FROM agent_states s
            WHERE s.agent IN (SELECT x.agent FROM instances x WHERE x.instance = ANY (\(instances)))
            ORDER BY s.agent
            FOR NO KEY UPDATE
        ), r AS (
            SELECT o.instance
            FROM observed_states o
            WHERE o.instance IN (
                SELECT x.instance
                FROM unnest(\(instances)) AS n (instance)
                JOIN instances x ON x.instance = ANY (ARRAY[n.instance])
                WHERE x.agent IS NULL
            )
            ORDER BY o.instance
            FOR NO KEY UPDATE
        )
        SELECT a.agent, NULL::bigint AS instance FROM a
        UNION ALL
        SELECT NULL, r.instance FROM r
        """
    }

    /// What is known of the instances, read after the lock was got.
    ///
    /// Indexes: the primary keys. The account is checked afterwards, so that no plan can begin with the account's index.
    private func facts(_ instances: [Int64]) -> PQStatement {
        "SELECT * FROM subjects_by_instance WHERE instance = ANY (\(instances))"
    }
}

/// What a batch has locked.
private struct PassLocks {
    private var agents: Set<Int64> = []
    private var retired: Set<Int64> = []

    /// Reads the columns `agent` and `instance`, of which each row has one.
    init(_ result: PQResult) throws(PQError) {
        let (agent, instance) = (
            try result.decoder("agent", as: Int64?.self), try result.decoder("instance", as: Int64?.self)
        )
        for row in result {
            if let agent = try agent[row] { agents.insert(agent) }
            if let instance = try instance[row] { retired.insert(instance) }
        }
    }

    /// Whether nobody else can change what was read.
    func cover(_ reading: PassReading) -> Bool {
        reading.subjects.allSatisfy { subject, facts in
            facts.map { agents.contains($0.agent) } ?? retired.contains(subject.instance)
        }
    }
}
