import Domain
import LibPQ

/// Something that is wrong with an engine account as a whole, or with a clock source.
struct Incident: Sendable, Equatable {
    var id: Int64
    /// The account's name; `nil` for an incident of a source.
    var engine: String?
    /// The source's name; `nil` for an incident of an account.
    var source: String?
    var kind: String
    var openedAt: Timestamp
    var closedAt: Timestamp?
    var detail: String
    /// The held change it is about; `nil` for other incidents.
    var change: Int64?
    /// While it is open, how many agents it concerns now, as far as the caller sees them; counted to 10,000.
    ///
    /// Of an account: its agents that the list shows as exceptions, those among them of whom nothing fresh is known; of an incident
    /// that is about some sessions, the agents of these (``IncidentKind/scope``). Of a held change: the agents whose part waits. Of a source: 0, since nobody knows whom it does not tell of.
    var agents: Int64
}

/// Reads incidents: the open ones, newest first, then those closed within a week, the latest closed first; at most 200.
///
/// For a caller bound to teams: those of accounts that its agents' instances are on, and of changes that are about its agents;
/// none of sources.
struct IncidentReads: Sendable {
    let pool: PQPool
    let freshness: FreshnessBook
    let clock: DatabaseClock

    /// Indexes: `incidents_pkey`, `clock_sources_pkey`, `instances_session_key`, `observed_states_pkey`, `looks_pkey`, `agents_pkey`,
    /// `agent_states_pkey`, `guard_items_of_change`, `instances_listed`, `agents_of_team`.
    func incidents(for caller: Caller) async throws(PQError) -> [Incident] {
        let teams = caller.teams?.sorted()
        let table = try await freshness.table()
        let now = clock.now()
        let onShift = table.staleBefore(.running, now: now)
        let offShift = table.staleBefore(.stopped, now: now)
        return try await pool.rows(
            """
            SELECT i.incident, e.name AS engine, s.name AS source, i.kind, i.opened_at, i.closed_at, i.detail, i.change,
                CASE
                    WHEN i.closed_at IS NOT NULL THEN 0
                    WHEN i.change IS NOT NULL THEN (
                        SELECT count(*)
                        FROM (
                            SELECT a.team
                            FROM guard_items g
                            JOIN agents a ON a.agent = g.agent
                            WHERE g.change = i.change AND g.state = 'held'
                            UNION ALL
                            SELECT a.team
                            FROM instances x
                            JOIN agents a ON a.agent = x.agent
                            JOIN observed_states o ON o.instance = x.instance
                            WHERE x.listed_by = i.change AND o.reason = 'listed_only'
                            UNION ALL
                            SELECT a.team
                            FROM settings_in_force k
                            JOIN agent_states t ON t.rule = 'break' AND t.desired <> (CASE k.asked WHEN 'keep' THEN 1 ELSE 0 END)
                            JOIN instances x ON x.agent = t.agent
                            JOIN agents a ON a.agent = t.agent
                            WHERE k.change = i.change
                            LIMIT 10000
                        ) n
                        WHERE \(teams)::text[] IS NULL OR n.team = ANY (\(teams))
                    )
                    ELSE (
                        SELECT count(*)
                        FROM (
                            SELECT 1
                            FROM instances x
                            JOIN agents a ON a.agent = x.agent
                            JOIN agent_states t ON t.agent = x.agent
                            JOIN observed_states o ON o.instance = x.instance
                            LEFT JOIN looks l ON l.instance = x.instance
                            WHERE x.account = i.account
                              AND (\(teams)::text[] IS NULL OR a.team = ANY (\(teams)))
                              AND \(isAbout: ())
                              AND (
                                o.attention IS NOT NULL
                                OR o.reason <> 'account_refused' AND (
                                    greatest(o.read_at, l.looked_at)
                                        >= (CASE t.desired WHEN 1 THEN \(onShift) ELSE \(offShift) END)[x.account]
                                ) IS NOT TRUE
                              )
                            LIMIT 10000
                        ) n
                    )
                END AS agents
            FROM incidents i
            LEFT JOIN engine_accounts e ON e.account = i.account
            LEFT JOIN clock_sources s ON s.source_id = i.source_id
            WHERE (i.closed_at IS NULL OR i.closed_at > now() - interval '7 days')
              AND (\(teams)::text[] IS NULL OR EXISTS (
                SELECT FROM agents a JOIN instances x ON x.agent = a.agent
                WHERE a.team = ANY (\(teams)) AND x.account = i.account
              ) OR EXISTS (
                SELECT FROM guard_items g JOIN agents a ON a.agent = g.agent
                WHERE g.change = i.change AND a.team = ANY (\(teams))
              ) OR EXISTS (
                SELECT FROM instances x JOIN agents a ON a.agent = x.agent
                WHERE x.listed_by = i.change AND a.team = ANY (\(teams))
              ) OR EXISTS (
                SELECT FROM settings_in_force k
                JOIN agent_states t ON t.rule = 'break' AND t.desired <> (CASE k.asked WHEN 'keep' THEN 1 ELSE 0 END)
                JOIN agents a ON a.agent = t.agent
                WHERE k.change = i.change AND a.team = ANY (\(teams))
              ))
            ORDER BY i.closed_at DESC NULLS FIRST, i.incident DESC
            LIMIT 200
            """
        ) { row throws(PQError) in
            Incident(
                id: try row.column("incident", as: Int64.self),
                engine: try row.column("engine", as: String?.self),
                source: try row.column("source", as: String?.self),
                kind: try row.column("kind", as: String.self),
                openedAt: try row.column("opened_at", as: Timestamp.self),
                closedAt: try row.column("closed_at", as: Timestamp?.self),
                detail: try row.column("detail", as: String.self),
                change: try row.column("change", as: Int64?.self),
                agents: try row.column("agents", as: Int64.self)
            )
        }
    }
}
