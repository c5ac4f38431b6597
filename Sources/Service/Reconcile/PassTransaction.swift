import Domain
import LibPQ

/// One instance in a batch of passes: what was learned of it, if anything.
struct PassItem: Sendable {
    var instance: Int64
    var news: News?
    var priority: JobPriority
    var run: SweepRun?
    var look: LookWish?
}

/// That somebody wants an instance looked at, whatever is stored says.
enum LookWish: Sendable {
    /// A person or the engine's webhook.
    case now
    /// It was put in line, perhaps by another replica, unless it was looked at since.
    case ifStillDue
}

/// A batch of passes over instances of one account, under its lease: takes in news, decides, writes.
struct PassTransaction: Sendable {
    let pool: PQPool
    let account: Int32
    let policy: ReconcilePolicy
    let clock: DatabaseClock
    let timeout: Duration
    var crashPoints = CrashPoints()
    /// Slows restarts down while many sessions of the account fail alike.
    let restarts = RestartLine()

    /// The lease belongs to somebody else by now; nothing was written.
    struct LeaseLost: Error {}

    /// `items`: at most ``PassLoop/batchLimit``; several about one instance count in their order.
    ///
    /// `term`: the term this replica holds. `mayAct`: whether an intent may be written; `false` once the lease has
    /// run out here. Returns a plan per instance that still exists.
    func run(_ items: [PassItem], term: Int64, mayAct: Bool, isRefused: Bool) async throws -> [Plan] {
        var byInstance: [Int64: [PassItem]] = [:]
        for item in items { byInstance[item.instance, default: []].append(item) }
        let instances = byInstance.keys.sorted()
        let outcomes = items.compactMap(\.commandOutcome)
        return try await pool.withTransaction { transaction in
            let read = try await transaction.run(
                [lease(), lock(instances), facts(instances)],
                timeout: timeout
            )
            guard try read[0].rowCount == 1 && read[0][0].column("term", as: Int64.self) == term else {
                throw LeaseLost()
            }
            crashPoints.reach(.passBetweenSteps)
            let now = clock.now()
            let context = PlanningContext(policy: policy, now: now, mayAct: mayAct, isAccountRefused: isRefused)
            var changes: [AgentChange] = []
            var plans: [Plan] = []
            let rows = try SubjectRows(read[2])
            for row in rows.rows {
                guard let subject = try rows.subject(row), subject.account == account,
                    let group = byInstance[subject.instance]
                else { continue }
                let change = try rows.agentFacts(row).map { rederive($0, policy: policy, now: now) }
                if let change { changes.append(change) }
                let make = { (context: PlanningContext) in
                    plan(
                        subject,
                        agent: change,
                        news: group.compactMap(\.news),
                        priority: group.map(\.priority).min() ?? .sweep,
                        looksUnlessReadSince: group.compactMap { $0.look?.since(subject, now: now) }.max(),
                        context: context
                    )
                }
                let made = make(context)
                let waits = made.command?.action == .restart && !restarts.permits(subject.instance, now: now)
                plans.append(waits ? make(context.holdingRestarts) : made)
            }
            var writes = PlanStatements.all(agents: changes, plans: plans, term: term, now: now)
            if !outcomes.isEmpty { writes.append(PlanStatements.complete(outcomes)) }
            // A row that is written says itself when it was read.
            let written = Set(plans.lazy.filter(\.changesObserved).map(\.subject.instance))
            let looks = items.compactMap(\.successfulLook).filter { !written.contains($0.instance) }
            if !looks.isEmpty { writes.append(LookStatements.record(looks)) }
            crashPoints.reach(.passDecided)
            _ = try await transaction.run(writes, commit: true, timeout: timeout)
            crashPoints.reach(.passCommitted)
            return plans
        }
    }

    /// The fence: the row cannot change until this transaction ends.
    ///
    /// Index: `engine_leases_pkey`.
    private func lease() -> PQStatement {
        "SELECT term FROM engine_leases WHERE account = \(account) FOR SHARE"
    }

    /// Locks whom the instances belong to, and instances that belong to nobody.
    ///
    /// Indexes: the primary keys.
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
        SELECT (SELECT count(*) FROM a) AS agents, (SELECT count(*) FROM r) AS retired
        """
    }

    /// What is known of the instances, read after the lock was got.
    ///
    /// Indexes: the primary keys. The account is checked afterwards, so that no plan can begin with the account's index.
    private func facts(_ instances: [Int64]) -> PQStatement {
        "SELECT * FROM subjects_by_instance WHERE instance = ANY (\(instances))"
    }
}

extension LookWish {
    /// A read from then on will do; `nil` when none is wanted any more.
    fileprivate func since(_ subject: Subject, now: Timestamp) -> Timestamp? {
        switch self {
        case .now: now
        case .ifStillDue: subject.dueAt.flatMap { $0 <= now ? $0 : nil }
        }
    }
}

extension PassItem {
    fileprivate var commandOutcome: CommandOutcome? {
        switch news {
        case .outcome(let command, let answer, let sentAt, let endedAt):
            CommandOutcome(command: command, answer: answer, sentAt: sentAt, endedAt: endedAt)
        case .unsent(let command, let instant):
            CommandOutcome(
                command: command,
                answer: EngineAnswer(verdict: .notSent),
                sentAt: nil,
                endedAt: instant
            )
        case .read, .unread, nil: nil
        }
    }

    fileprivate var successfulLook: Look? {
        guard case .read(_, let sentAt) = news else { return nil }
        return Look(instance: instance, lookedAt: sentAt)
    }
}

/// One read that succeeded.
struct Look: Sendable, Hashable {
    var instance: Int64
    var lookedAt: Timestamp
}

/// Statements on `looks`.
enum LookStatements {
    /// Notes when instances were last read.
    ///
    /// True whoever read them, so it needs no fence; an older look never replaces a newer. Index: `looks_pkey`.
    ///
    /// `looks`: an instance may occur more than once.
    static func record(_ looks: [Look]) -> PQStatement {
        var newest: [Int64: Timestamp] = [:]
        for look in looks { newest[look.instance] = max(newest[look.instance] ?? look.lookedAt, look.lookedAt) }
        let instances = newest.keys.sorted()
        return """
            INSERT INTO looks AS l (instance, looked_at)
            SELECT n.instance, n.looked_at
            FROM unnest(\(instances), \(instances.map { newest[$0] })) AS n (instance, looked_at)
            ON CONFLICT (instance) DO UPDATE
            SET looked_at = excluded.looked_at
            WHERE l.looked_at < excluded.looked_at
            """
    }
}
