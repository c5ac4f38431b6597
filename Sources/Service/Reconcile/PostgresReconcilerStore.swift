import Domain
import FoundationEssentials
import LibPQ
import Logging

/// The reconciler's side of PostgreSQL.
struct PostgresReconcilerStore: ReconcilerStore {
    let pool: PQPool
    /// Where the one connection that hears other replicas is made.
    let listening: PQConfiguration
    var crashPoints = CrashPoints()
    let logger: Logger
    /// How long a look counts, so that what is longer without one is noted; the defaults' figures without it.
    var freshness: FreshnessBook?

    /// Replicas wake each other by notifications of this name.
    static let wakes = "rollcall_wakes"
    /// And tell each other of their commits by these.
    static let changes = "rollcall_changes"
    /// The first word of what this store tells others of changes.
    private let tag = String(UInt64.random(in: .min ... .max), radix: 36)

    var executor: (any TaskExecutor)? { pool.executor }

    func register(_ names: [String]) async throws(PQError) -> [String: Int32] {
        let numbers = try await Registry(pool: pool).accounts(names)
        _ = try await pool.execute(
            """
            INSERT INTO engine_leases (account)
            SELECT n.account FROM unnest(\(numbers.values.sorted())) AS n (account)
            ON CONFLICT (account) DO NOTHING
            """
        )
        return numbers
    }

    func line(of account: Int32) async throws(PQError) -> [QueuedInstance] {
        let rows = try await pool.query("SELECT instance, priority FROM reconcile_queue WHERE account = \(account)")
        let instance = try rows.decoder("instance", as: Int64.self)
        let priority = try rows.decoder("priority", as: Int16.self)
        var line: [QueuedInstance] = []
        for row in rows {
            line.append(
                QueuedInstance(
                    instance: try instance[row],
                    priority: JobPriority(rawValue: try priority[row]) ?? .repair
                )
            )
        }
        return line
    }

    func record(_ looks: [Look], of account: Int32) async throws(PQError) {
        _ = try await pool.execute(LookStatements.record(looks, counting: freshness?.known[account]))
    }

    func unpark(_ agents: [Int64], policy: ReconcilePolicy, clock: DatabaseClock) async throws -> [Wake] {
        try await retryingConflicts {
            try await pool.withTransaction { transaction in
                // They may get what they left out so far, which a mapping must not give to others meanwhile.
                let locked = try await transaction.run([LedgerStatements.holdMap, Self.lockDue(agents)])[1]
                let due = try locked.decoded { row throws(PQError) in try row.column("agent", as: Int64.self) }
                guard !due.isEmpty else { return [] }
                return try await AgentStates.refold(due, in: transaction, policy: policy, now: clock.now())
            }
        }
    }

    /// Locks agents whose next event has come due, and waits for none that somebody else has locked.
    ///
    /// Index: `agent_states_pkey`.
    private static func lockDue(_ agents: [Int64]) -> PQStatement {
        """
        SELECT s.agent
        FROM agent_states s
        WHERE s.agent = ANY (\(agents))
          AND s.next_punch_at <= now()
        ORDER BY s.agent
        FOR NO KEY UPDATE SKIP LOCKED
        """
    }

    func letGo(of instances: [Int64]) async throws(PQError) {
        try await Departures.complete(instances, pool: pool)
    }

    func begin(_ standing: AccountStanding) async throws(PQError) {
        try await standing.begin(pool: pool)
    }

    func keep(_ incidents: IncidentLog) async {
        await incidents.run(pool: pool)
    }

    func tellOthers(of wakes: [Wake]) async throws(PQError) {
        _ = try await pool.query("SELECT pg_notify(\(Self.wakes), \(Self.text(wakes)))")
    }

    func tellOthers(_ news: ChangeNews) async throws(PQError) {
        // A hint may be lost with the database's crash, so its commit waits for no disk.
        _ = try await pool.query(
            "SELECT set_config('synchronous_commit', 'off', true), pg_notify(\(Self.changes), \(tag + " " + news.text))"
        )
    }

    func hearOthers(
        _ onWake: @escaping @Sendable ([Wake]) -> Void,
        onChange: @escaping @Sendable (ChangeNews) -> Void
    ) async {
        let listener = PQListener(listening, logger: logger)
        for await event in listener.listen(to: [Self.wakes, Self.changes]) {
            guard case .notification(let notification) = event else {
                // What was told until now may be lost.
                onWake([])
                onChange(.everything)
                continue
            }
            if notification.channel == Self.changes {
                // Who told it hears it, too.
                let words = notification.payload.split(separator: " ", maxSplits: 1)
                if let first = words.first, first != tag { onChange(ChangeNews(String(words.dropFirst().first ?? ""))) }
            } else {
                onWake(Self.read(notification.payload))
            }
        }
        await listener.shutdown()
    }

    /// `account:instance`, several separated by spaces.
    private static func text(_ wakes: [Wake]) -> String {
        wakes.map { "\($0.account):\($0.instance)" }.joined(separator: " ")
    }

    /// What ``text(_:)`` wrote; what is not of this form is left out.
    private static func read(_ text: String) -> [Wake] {
        text.split(separator: " ").prefix(WakeChannel.namesLimit).compactMap { name in
            let parts = name.split(separator: ":")
            guard parts.count == 2, let account = Int32(parts[0]), let instance = Int64(parts[1]) else { return nil }
            return Wake(instance: instance, account: account)
        }
    }
}

/// Reading the fleet in pages.
extension PostgresReconcilerStore {
    /// Index: `instances_pkey`, walked from the last page's end; states by primary key.
    func page(
        _ account: Int32,
        desired: RunState,
        after position: Int64,
        limit: Int
    ) async throws(PQError) -> [SweepEntry] {
        try await pool.rows(
            """
            SELECT x.instance, x.instance_id, x.session_name, o.reading, o.condition
            FROM instances x
            JOIN observed_states o ON o.instance = x.instance
            LEFT JOIN agent_states s ON s.agent = x.agent
            WHERE x.account = \(account)
              AND x.instance > \(position)
              AND coalesce(s.desired, 0) = \(desired.code)
            ORDER BY x.instance
            LIMIT \(Int64(limit))
            """
        ) { row throws(PQError) in
            SweepEntry(
                instance: try row.column("instance", as: Int64.self),
                address: SessionAddress(
                    instanceID: try row.column("instance_id", as: String.self),
                    sessionName: try row.column("session_name", as: String?.self)
                ),
                reading: try row.column("reading", as: String?.self).map(SessionReading.init(stored:)),
                condition: Condition(rawValue: try row.column("condition", as: String.self)) ?? .unknown
            )
        }
    }

    func count(_ account: Int32, desired: RunState) async throws(PQError) -> Int {
        let counts = try await pool.rows(
            """
            SELECT count(*) AS count
            FROM instances x
            LEFT JOIN agent_states s ON s.agent = x.agent
            WHERE x.account = \(account)
              AND coalesce(s.desired, 0) = \(desired.code)
            """
        ) { row throws(PQError) in try row.column("count", as: Int64.self) }
        return Int(counts.first ?? 0)
    }
}
