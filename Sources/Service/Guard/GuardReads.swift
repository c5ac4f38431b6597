import Domain
package import LibPQ

/// Reads what waits for somebody.
package struct GuardReads: Sendable {
    let pool: PQPool

    /// Changes shown in a list, and parts of one change.
    static let changeLimit: Int64 = 200
    package static let partLimit: Int64 = 1_000

    package init(pool: PQPool) {
        self.pool = pool
    }

    /// The changes that wait, and those decided within a week, newest first; at most 200.
    ///
    /// For a caller bound to teams: those that are about its agents, with its own counts. `state`: those alone that stand so.
    package func changes(for caller: Caller, state: HeldState? = nil) async throws(PQError) -> [HeldChange] {
        let changes = try await pool.rows(
            Self.changes(nil, teams: caller.teams?.sorted(), state: state),
            Self.change
        )
        let seen = changes.filter { change in
            // A listing of which nothing runs waits for nobody.
            if change.kind == .listing { return change.waiting > 0 }
            return caller.teams == nil || change.agents > 0
        }
        let wishes = try await wishes(of: seen.filter { $0.state == .held }, for: caller)
        return seen.map { $0.asking(wishes[$0.change]) }
    }

    /// One change; `nil` when there is none, or none about the caller's teams.
    ///
    /// `isDecided`: whether the caller has just decided about it, and so has seen it: it is shown also where nothing of it is left.
    package func change(
        _ number: Int64,
        for caller: Caller,
        isDecided: Bool = false
    ) async throws(PQError) -> HeldChange? {
        let change = try await pool.rows(Self.changes(number, teams: caller.teams?.sorted()), Self.change).first
        guard let change, isDecided || caller.teams == nil || change.agents > 0 else { return nil }
        return change.asking(try await wishes(of: [change], for: caller)[number])
    }

    /// The parts of a change, in order; at most ``partLimit``.
    package func parts(of change: HeldChange, for caller: Caller) async throws(PQError) -> [WaitingPart] {
        let teams = caller.teams?.sorted()
        switch change.kind {
        case .listing: return try await pool.rows(Self.listed(change.change, teams: teams), Self.part)
        case .setting: return try await pool.rows(Self.onBreak(change.change, teams: teams), Self.part)
        case .edit, .order, .fromImport:
            return try await pool.rows(Self.parts(of: change.change, teams: teams), Self.part)
        }
    }

    /// What waits of one agent.
    package func waiting(of agentID: String) async throws(PQError) -> [WaitingPart] {
        try await pool.rows(Self.waiting(of: agentID), Self.part)
    }

    /// Indexes: `guard_changes_pkey`, `guard_items_of_change`, `instances_listed`, `observed_states_pkey`, `agents_pkey`,
    /// `agents_of_team`, `instances_agent_key`; the table is small, since what is decided goes after 90 days.
    ///
    /// Of the fleet a caller who is bound to teams is told its own part: its agents in the change, and its sessions at all. Who is on break is read only while a setting waits.
    private static func changes(_ number: Int64?, teams: [String]?, state: HeldState? = nil) -> PQStatement {
        """
        SELECT g.change, g.kind, g.reason, g.state, g.asked_by, g.asked_at, g.expires_at, g.decided_by, g.decided_at,
            CASE
                WHEN \(teams)::text[] IS NULL THEN g.affected
                ELSE CASE g.kind WHEN 'listing' THEN l.waiting WHEN 'setting' THEN t.waiting ELSE p.agents END
            END AS affected,
            CASE
                WHEN g.fleet = 0 OR \(teams)::text[] IS NULL THEN g.fleet
                ELSE (SELECT count(*) FROM agents a JOIN instances x ON x.agent = a.agent WHERE a.team = ANY (\(teams)))
            END AS fleet,
            CASE g.kind WHEN 'listing' THEN l.waiting WHEN 'setting' THEN t.waiting ELSE p.waiting END AS waiting,
            CASE g.kind WHEN 'listing' THEN l.waiting WHEN 'setting' THEN t.waiting ELSE p.agents END AS agents
        FROM guard_changes g
        CROSS JOIN LATERAL (
            SELECT count(*) FILTER (WHERE n.state = 'held') AS waiting, count(*) AS agents
            FROM (
                SELECT i.state
                FROM guard_items i
                JOIN agents a ON a.agent = i.agent
                WHERE i.change = g.change
                  AND (\(teams)::text[] IS NULL OR a.team = ANY (\(teams)))
                LIMIT 10000
            ) n
        ) p
        CROSS JOIN LATERAL (
            SELECT count(*) AS waiting
            FROM (
                SELECT 1
                FROM instances x
                JOIN observed_states o ON o.instance = x.instance
                JOIN agents a ON a.agent = x.agent
                WHERE g.state = 'held'
                  AND x.listed_by = g.change
                  AND o.reason = 'listed_only'
                  AND (\(teams)::text[] IS NULL OR a.team = ANY (\(teams)))
                LIMIT 10000
            ) n
        ) l
        CROSS JOIN LATERAL (
            SELECT count(*) AS waiting
            FROM (
                SELECT 1
                FROM settings_in_force k
                JOIN agent_states s ON s.rule = 'break' AND s.desired <> (CASE k.asked WHEN 'keep' THEN 1 ELSE 0 END)
                JOIN instances x ON x.agent = s.agent
                JOIN agents a ON a.agent = s.agent
                WHERE g.kind = 'setting'
                  AND g.state = 'held'
                  AND k.change = g.change
                  AND (\(teams)::text[] IS NULL OR a.team = ANY (\(teams)))
                LIMIT 10000
            ) n
        ) t
        WHERE (\(number)::bigint IS NULL OR g.change = \(number))
          AND (\(number)::bigint IS NOT NULL OR g.state = 'held' OR g.decided_at > now() - interval '7 days')
          AND (\(state?.rawValue)::text IS NULL OR g.state = \(state?.rawValue))
        ORDER BY g.change DESC
        LIMIT \(changeLimit)
        """
    }

    /// Indexes: `guard_items_of_change`, `agents_pkey`, `agent_states_pkey`.
    private static func parts(of change: Int64, teams: [String]?) -> PQStatement {
        """
        SELECT i.change, a.agent_id, a.name, i.kind, i.state, i.reason, i.desired_before, i.desired_after, g.asked_by, g.asked_at,
            g.expires_at, i.decided_by, i.decided_at, i.outcome, i.what->>'instance_id' AS instance_id, i.what,
            s.hold_state, s.hold_until, s.hold_reason, s.hold_author
        FROM guard_items i
        JOIN guard_changes g ON g.change = i.change
        JOIN agents a ON a.agent = i.agent
        LEFT JOIN agent_states s ON s.agent = i.agent AND i.kind = 'release' AND i.state = 'held'
        WHERE i.change = \(change)
          AND (\(teams)::text[] IS NULL OR a.team = ANY (\(teams)))
        ORDER BY i.item
        LIMIT \(partLimit)
        """
    }

    /// Index: `instances_listed`.
    private static func listed(_ change: Int64, teams: [String]?) -> PQStatement {
        """
        SELECT g.change, a.agent_id, a.name, 'stop' AS kind, 'held' AS state, g.reason, 1::smallint AS desired_before,
            0::smallint AS desired_after, g.asked_by, g.asked_at, g.expires_at, g.decided_by, g.decided_at,
            NULL::text AS outcome, x.instance_id, NULL::jsonb AS what, NULL::smallint AS hold_state,
            NULL::timestamptz AS hold_until, NULL::text AS hold_reason, NULL::text AS hold_author
        FROM guard_changes g
        JOIN instances x ON x.listed_by = g.change
        JOIN observed_states o ON o.instance = x.instance
        JOIN agents a ON a.agent = x.agent
        WHERE g.change = \(change)
          AND g.state = 'held'
          AND o.reason = 'listed_only'
          AND (\(teams)::text[] IS NULL OR a.team = ANY (\(teams)))
        ORDER BY x.instance
        LIMIT \(partLimit)
        """
    }

    /// Those on break of whose sessions a setting that waits would have something else desired.
    ///
    /// Index: `guard_changes_pkey`; `agent_states` is read as a whole.
    private static func onBreak(_ change: Int64, teams: [String]?) -> PQStatement {
        """
        SELECT g.change, a.agent_id, a.name, 'setting' AS kind, 'held' AS state, g.reason, s.desired AS desired_before,
            (1 - s.desired)::smallint AS desired_after, g.asked_by, g.asked_at, g.expires_at, g.decided_by, g.decided_at,
            NULL::text AS outcome, x.instance_id, NULL::jsonb AS what, NULL::smallint AS hold_state,
            NULL::timestamptz AS hold_until, NULL::text AS hold_reason, NULL::text AS hold_author
        FROM guard_changes g
        JOIN settings_in_force k ON k.change = g.change
        JOIN agent_states s ON s.rule = 'break' AND s.desired <> (CASE k.asked WHEN 'keep' THEN 1 ELSE 0 END)
        JOIN instances x ON x.agent = s.agent
        JOIN agents a ON a.agent = s.agent
        WHERE g.change = \(change)
          AND g.state = 'held'
          AND (\(teams)::text[] IS NULL OR a.team = ANY (\(teams)))
        ORDER BY s.agent
        LIMIT \(partLimit)
        """
    }

    /// Indexes: `agents_agent_id_key`, `guard_items_held`, `instances_agent_key`, `observed_states_pkey`, `guard_changes_pkey`,
    /// `agent_states_pkey`.
    private static func waiting(of agentID: String) -> PQStatement {
        """
        SELECT i.change, a.agent_id, a.name, i.kind, i.state, i.reason, i.desired_before, i.desired_after, g.asked_by, g.asked_at,
            g.expires_at, i.decided_by, i.decided_at, i.outcome, i.what->>'instance_id' AS instance_id, i.what,
            s.hold_state, s.hold_until, s.hold_reason, s.hold_author
        FROM agents a
        JOIN guard_items i ON i.agent = a.agent AND i.state = 'held'
        JOIN guard_changes g ON g.change = i.change
        LEFT JOIN agent_states s ON s.agent = a.agent AND i.kind = 'release'
        WHERE a.agent_id = \(agentID)
        UNION ALL
        SELECT g.change, a.agent_id, a.name, 'stop', 'held', g.reason, 1::smallint, 0::smallint, g.asked_by, g.asked_at,
            g.expires_at, NULL, NULL, NULL, x.instance_id, NULL, NULL, NULL, NULL, NULL
        FROM agents a
        JOIN instances x ON x.agent = a.agent
        JOIN observed_states o ON o.instance = x.instance
        JOIN guard_changes g ON g.change = x.listed_by AND g.state = 'held'
        WHERE a.agent_id = \(agentID)
          AND o.reason = 'listed_only'
        UNION ALL
        SELECT g.change, a.agent_id, a.name, 'setting', 'held', g.reason, s.desired, (1 - s.desired)::smallint, g.asked_by,
            g.asked_at, g.expires_at, NULL, NULL, NULL, x.instance_id, NULL, NULL, NULL, NULL, NULL
        FROM agents a
        JOIN agent_states s ON s.agent = a.agent
        JOIN instances x ON x.agent = a.agent
        JOIN settings_in_force k ON s.desired <> (CASE k.asked WHEN 'keep' THEN 1 ELSE 0 END)
        JOIN guard_changes g ON g.change = k.change AND g.state = 'held'
        WHERE a.agent_id = \(agentID)
          AND s.rule = 'break'
        """
    }

    private static func change(_ row: PQRow) throws(PQError) -> HeldChange {
        HeldChange(
            change: try row.column("change", as: Int64.self),
            kind: HeldKind(rawValue: try row.column("kind", as: String.self)) ?? .edit,
            reason: GuardReason(rawValue: try row.column("reason", as: String.self)) ?? .tooMany,
            state: HeldState(rawValue: try row.column("state", as: String.self)) ?? .mixed,
            askedBy: try row.column("asked_by", as: String.self),
            askedAt: try row.column("asked_at", as: Timestamp.self),
            expiresAt: try row.column("expires_at", as: Timestamp?.self),
            decidedBy: try row.column("decided_by", as: String?.self),
            decidedAt: try row.column("decided_at", as: Timestamp?.self),
            affected: try row.column("affected", as: Int64.self),
            fleet: try row.column("fleet", as: Int64.self),
            waiting: try row.column("waiting", as: Int64.self),
            agents: try row.column("agents", as: Int64.self)
        )
    }

    private static func part(_ row: PQRow) throws(PQError) -> WaitingPart {
        let kind = try row.column("kind", as: String.self)
        let what = try row.column("what", as: PQJSON?.self).flatMap { HeldWhat(kind: kind, json: $0) }
        var hold: Hold?
        var erases = false
        switch what {
        case .hold(let wanted): hold = wanted
        case .release: hold = try endingHold(row)
        case .removal(let isErasure): erases = isErasure
        case .instance, .events, nil: break
        }
        return WaitingPart(
            change: try row.column("change", as: Int64.self),
            agentID: try row.column("agent_id", as: String.self),
            name: try row.column("name", as: String.self),
            kind: kind,
            hold: hold,
            erases: erases,
            state: HeldState(rawValue: try row.column("state", as: String.self)) ?? .mixed,
            reason: GuardReason(rawValue: try row.column("reason", as: String.self)) ?? .tooMany,
            before: RunState(code: try row.column("desired_before", as: Int16.self)) ?? .stopped,
            after: RunState(code: try row.column("desired_after", as: Int16.self)) ?? .stopped,
            askedBy: try row.column("asked_by", as: String.self),
            askedAt: try row.column("asked_at", as: Timestamp.self),
            expiresAt: try row.column("expires_at", as: Timestamp?.self),
            decidedBy: try row.column("decided_by", as: String?.self),
            decidedAt: try row.column("decided_at", as: Timestamp?.self),
            outcome: try row.column("outcome", as: String?.self),
            instance: try row.column("instance_id", as: String?.self)
        )
    }

    /// The hold in force, which a release would end; `nil` where there is none any more.
    private static func endingHold(_ row: PQRow) throws(PQError) -> Hold? {
        guard let state = try row.column("hold_state", as: Int16?.self).flatMap(RunState.init(code:)),
            let until = try row.column("hold_until", as: Timestamp?.self)
        else { return nil }
        return Hold(
            state: state,
            until: until,
            reason: try row.column("hold_reason", as: String?.self) ?? "",
            author: try row.column("hold_author", as: String?.self) ?? ""
        )
    }
}
