package import Domain
package import LibPQ

/// What a pass over every instance would do, from what is stored alone: no call to an engine, nothing written.
package struct ReconcilePreview: Sendable {
    /// One instance about which something would be done.
    package struct Item: Sendable, Hashable {
        /// `nil` for an instance that nobody has any more.
        package var agentID: String?
        package var account: String
        package var instanceID: String
        /// The command that would be sent; `nil` when the session would be looked at first.
        package var action: Action?
        package var condition: Condition
        package var reason: Reason
    }

    /// How many instances would be treated how.
    package struct Counts: Sendable, Hashable {
        package var instances = 0
        package var commands = 0
        package var looks = 0
    }

    private let pool: PQPool
    private let accounts: [String: AccountSettings]
    private let policy: ReconcilePolicy
    private let clock: DatabaseClock

    /// Instances read at a time.
    private static let pageSize: Int64 = 500

    package init(pool: PQPool, accounts: [AccountSettings], policy: ReconcilePolicy, clock: DatabaseClock) {
        self.pool = pool
        self.accounts = Dictionary(accounts.map { ($0.name, $0) }) { first, _ in first }
        self.policy = policy
        self.clock = clock
    }

    /// Goes through every instance of the configured accounts.
    ///
    /// `found`: told of each about which something is due now.
    /// Returns the counts.
    package func run(_ found: (Item) -> Void) async throws -> Counts {
        var counts = Counts()
        var position: Int64 = 0
        while true {
            let instances = try await pool.rows(
                "SELECT instance FROM instances WHERE instance > \(position) ORDER BY instance LIMIT \(Self.pageSize)"
            ) { row throws(PQError) in try row.column("instance", as: Int64.self) }
            guard let last = instances.last else { return counts }
            for item in try await page(instances, &counts) { found(item) }
            position = last
        }
    }

    /// Indexes: the primary keys behind `subjects_by_instance`.
    private func page(_ instances: [Int64], _ counts: inout Counts) async throws(PQError) -> [Item] {
        let result = try await pool.query(
            """
            SELECT v.*, a.agent_id, e.name AS engine
            FROM subjects_by_instance v
            JOIN engine_accounts e ON e.account = v.account
            LEFT JOIN agents a ON a.agent = v.agent
            WHERE v.instance = ANY (\(instances))
            ORDER BY v.instance
            """
        )
        let rows = try SubjectRows(result)
        let agentID = try result.decoder("agent_id", as: String?.self)
        let engine = try result.decoder("engine", as: String.self)
        let now = clock.now()
        var items: [Item] = []
        for row in result {
            guard let subject = try rows.subject(row), let account = accounts[try engine[row]] else { continue }
            counts.instances += 1
            let decision = decision(subject, try rows.agentFacts(row), account, now: now)
            let isDue = decision.wantsLook(at: now) || (subject.dueAt.map { $0 <= now } ?? false)
            guard decision.action != nil || isDue else { continue }
            counts.commands += decision.action == nil ? 0 : 1
            counts.looks += decision.action == nil ? 1 : 0
            items.append(
                Item(
                    agentID: try agentID[row],
                    account: account.name,
                    instanceID: subject.address.instanceID,
                    action: decision.action,
                    condition: decision.condition,
                    reason: decision.reason
                )
            )
        }
        return items
    }

    private func decision(
        _ subject: Subject,
        _ facts: AgentFacts?,
        _ account: AccountSettings,
        now: Timestamp
    ) -> Decision {
        var policy = policy
        policy.callTimeout = account.timeout
        let context = PlanningContext(policy: policy, now: now, mayAct: false, isAccountRefused: false)
        let change = facts.map { rederive($0, policy: policy, now: now) }
        return plan(subject, agent: change, priority: .sweep, context: context).decision
    }
}
