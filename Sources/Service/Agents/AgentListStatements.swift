import Domain
import LibPQ

/// The statements behind lists of agents.
///
/// Each walks an index in order, looks up what belongs to every agent by primary keys, and stops when the page is full,
/// so that a page costs the same whatever the size of the fleet.
///
/// Some of their form is for the planner, which then needs no statistics to choose that plan, also for a prepared
/// statement: `LIMIT` in figures, `OFFSET 0`, and a team or a condition as the bounds of a row comparison, since only the
/// index that is meant has that order. A walk ends after 20,000 rows even when few of them fit; the list goes on there.
///
/// What an agreement asks for besides its condition is told from the row as ``derive(_:hold:breakAction:now:)`` tells it: what is
/// desired is worked out, since a hold may be over that was not looked at again yet.
///
/// Rows have the engine account's id and not its name, which is known here: anything worked out of a row outside of the walk
/// has PostgreSQL copy the whole row once more.
struct AgentListStatements {
    let filter: AgentFilter
    let freshness: FreshnessTable
    /// What a break does where nothing is in force yet.
    let breakAction: BreakAction
    let now: Timestamp

    private var asked: Condition? { filter.askedCondition }
    private var terms: AgreementTerms? { filter.agreement?.terms }
    private var onShift: [Timestamp] { freshness.staleBefore(.running, now: now) }
    private var offShift: [Timestamp] { freshness.staleBefore(.stopped, now: now) }

    /// Agents of one team by agent id.
    ///
    /// Index: `agents_of_team`.
    func ofTeam(_ team: String, after: String, limit: Int64) -> PQStatement {
        """
        SELECT p.*
        FROM (
            SELECT w.agent_id, w.name, w.team, w.time_zone, w.created_at, w.removal_asked_at, v.*
            FROM (
                SELECT a.agent, a.agent_id, a.name, a.team, a.time_zone, a.created_at, a.removal_asked_at
                FROM agents a
                WHERE (a.team, a.agent_id) > (\(team), \(after))
                  AND a.team <= \(team)
                ORDER BY a.team, a.agent_id
                LIMIT 20000
            ) w
            CROSS JOIN LATERAL (
                SELECT d.*
                FROM agent_sessions d
                WHERE d.agent = w.agent
                  AND (\(filter.shift?.code)::smallint IS NULL OR d.shift = \(filter.shift?.code))
                  AND (\(filter.search)::text IS NULL OR strpos(
                    lower(concat_ws(chr(10), w.agent_id, w.name, d.instance_id, d.session_name)), lower(\(filter.search))
                  ) > 0)
                  AND (\(asked?.rawValue)::text IS NULL OR \(asked?.rawValue) = CASE
                    WHEN d.instance IS NULL THEN 'unassigned'
                    WHEN d.reason = 'account_refused' THEN d.condition
                    WHEN d.read_at >= (CASE d.desired WHEN 1 THEN \(onShift) ELSE \(offShift) END)[d.account] THEN d.condition
                    ELSE 'unknown'
                  END)
                  AND (\(terms?.isHere)::boolean IS NULL OR \(terms?.isHere) = (d.shift <> 0))
                  AND (\(terms?.isRefused)::boolean IS NULL OR \(terms?.isRefused) = (d.reason = 'account_refused'))
                  AND (\(terms?.isListed)::boolean IS NULL OR \(terms?.isListed) = (d.reason = 'listed_only'))
                  AND (\(terms?.desired?.code)::smallint IS NULL OR \(terms?.desired?.code) = CASE
                    WHEN w.removal_asked_at IS NOT NULL THEN 0
                    WHEN d.hold_until > \(now) THEN d.hold_state
                    WHEN d.shift = 2 THEN CASE coalesce(d.break_action, \(breakAction.rawValue)) WHEN 'keep' THEN 1 ELSE 0 END
                    ELSE d.shift
                  END)
                OFFSET 0
            ) v
            ORDER BY w.team, w.agent_id
            LIMIT 501
        ) p
        ORDER BY p.team, p.agent_id
        LIMIT \(limit)
        """
    }

    /// Agents of all teams by agent id.
    ///
    /// Index: `agents_agent_id_key`.
    func ofAll(after: String, limit: Int64) -> PQStatement {
        """
        SELECT p.*
        FROM (
            SELECT w.agent_id, w.name, w.team, w.time_zone, w.created_at, w.removal_asked_at, v.*
            FROM (
                SELECT a.agent, a.agent_id, a.name, a.team, a.time_zone, a.created_at, a.removal_asked_at
                FROM agents a
                WHERE a.agent_id > \(after)
                ORDER BY a.agent_id
                LIMIT 20000
            ) w
            CROSS JOIN LATERAL (
                SELECT d.*
                FROM agent_sessions d
                WHERE d.agent = w.agent
                  AND (\(filter.shift?.code)::smallint IS NULL OR d.shift = \(filter.shift?.code))
                  AND (\(filter.search)::text IS NULL OR strpos(
                    lower(concat_ws(chr(10), w.agent_id, w.name, d.instance_id, d.session_name)), lower(\(filter.search))
                  ) > 0)
                  AND (\(asked?.rawValue)::text IS NULL OR \(asked?.rawValue) = CASE
                    WHEN d.instance IS NULL THEN 'unassigned'
                    WHEN d.reason = 'account_refused' THEN d.condition
                    WHEN d.read_at >= (CASE d.desired WHEN 1 THEN \(onShift) ELSE \(offShift) END)[d.account] THEN d.condition
                    ELSE 'unknown'
                  END)
                  AND (\(terms?.isHere)::boolean IS NULL OR \(terms?.isHere) = (d.shift <> 0))
                  AND (\(terms?.isRefused)::boolean IS NULL OR \(terms?.isRefused) = (d.reason = 'account_refused'))
                  AND (\(terms?.isListed)::boolean IS NULL OR \(terms?.isListed) = (d.reason = 'listed_only'))
                  AND (\(terms?.desired?.code)::smallint IS NULL OR \(terms?.desired?.code) = CASE
                    WHEN w.removal_asked_at IS NOT NULL THEN 0
                    WHEN d.hold_until > \(now) THEN d.hold_state
                    WHEN d.shift = 2 THEN CASE coalesce(d.break_action, \(breakAction.rawValue)) WHEN 'keep' THEN 1 ELSE 0 END
                    ELSE d.shift
                  END)
                OFFSET 0
            ) v
            ORDER BY w.agent_id
            LIMIT 501
        ) p
        ORDER BY p.agent_id
        LIMIT \(limit)
        """
    }

    /// Agents whose condition is an exception, by instance.
    ///
    /// Index: `observed_states_exceptions`.
    func ofException(_ condition: Condition, after: Int64, limit: Int64) -> PQStatement {
        """
        SELECT p.*
        FROM (
            SELECT w.attention, w.instance AS walked, t.agent_id, t.name, t.team, t.time_zone, t.created_at, t.removal_asked_at, v.*
            FROM (
                SELECT o.attention, o.instance
                FROM observed_states o
                WHERE (o.attention, o.instance) > (\(condition.code), \(after))
                  AND o.attention <= \(condition.code)
                ORDER BY o.attention, o.instance
                LIMIT 20000
            ) w
            CROSS JOIN LATERAL (
                SELECT a.agent, a.agent_id, a.name, a.team, a.time_zone, a.created_at, a.removal_asked_at
                FROM instances x
                JOIN agents a ON a.agent = x.agent
                WHERE x.instance = w.instance
                  AND (\(filter.teams)::text[] IS NULL OR a.team = ANY (\(filter.teams)))
                OFFSET 0
            ) t
            CROSS JOIN LATERAL (
                SELECT d.*
                FROM agent_sessions d
                WHERE d.agent = t.agent
                  AND (\(filter.shift?.code)::smallint IS NULL OR d.shift = \(filter.shift?.code))
                  AND (\(filter.search)::text IS NULL OR strpos(
                    lower(concat_ws(chr(10), t.agent_id, t.name, d.instance_id, d.session_name)), lower(\(filter.search))
                  ) > 0)
                  AND (\(asked?.rawValue)::text IS NULL OR \(asked?.rawValue) = CASE
                    WHEN d.instance IS NULL THEN 'unassigned'
                    WHEN d.reason = 'account_refused' THEN d.condition
                    WHEN d.read_at >= (CASE d.desired WHEN 1 THEN \(onShift) ELSE \(offShift) END)[d.account] THEN d.condition
                    ELSE 'unknown'
                  END)
                  AND (\(terms?.isHere)::boolean IS NULL OR \(terms?.isHere) = (d.shift <> 0))
                  AND (\(terms?.isRefused)::boolean IS NULL OR \(terms?.isRefused) = (d.reason = 'account_refused'))
                  AND (\(terms?.isListed)::boolean IS NULL OR \(terms?.isListed) = (d.reason = 'listed_only'))
                  AND (\(terms?.desired?.code)::smallint IS NULL OR \(terms?.desired?.code) = CASE
                    WHEN t.removal_asked_at IS NOT NULL THEN 0
                    WHEN d.hold_until > \(now) THEN d.hold_state
                    WHEN d.shift = 2 THEN CASE coalesce(d.break_action, \(breakAction.rawValue)) WHEN 'keep' THEN 1 ELSE 0 END
                    ELSE d.shift
                  END)
                OFFSET 0
            ) v
            ORDER BY w.attention, w.instance
            LIMIT 501
        ) p
        ORDER BY p.attention, p.walked
        LIMIT \(limit)
        """
    }

    /// Agents whose condition means that something is due, by instance: each is in line.
    ///
    /// Index: `reconcile_queue_pkey`.
    func inLine(after: Int64, limit: Int64) -> PQStatement {
        """
        SELECT p.*
        FROM (
            SELECT w.instance AS walked, t.agent_id, t.name, t.team, t.time_zone, t.created_at, t.removal_asked_at, v.*
            FROM (
                SELECT q.instance
                FROM reconcile_queue q
                WHERE q.instance > \(after)
                ORDER BY q.instance
                LIMIT 20000
            ) w
            CROSS JOIN LATERAL (
                SELECT a.agent, a.agent_id, a.name, a.team, a.time_zone, a.created_at, a.removal_asked_at
                FROM instances x
                JOIN agents a ON a.agent = x.agent
                WHERE x.instance = w.instance
                  AND (\(filter.teams)::text[] IS NULL OR a.team = ANY (\(filter.teams)))
                OFFSET 0
            ) t
            CROSS JOIN LATERAL (
                SELECT d.*
                FROM agent_sessions d
                WHERE d.agent = t.agent
                  AND (\(filter.shift?.code)::smallint IS NULL OR d.shift = \(filter.shift?.code))
                  AND (\(filter.search)::text IS NULL OR strpos(
                    lower(concat_ws(chr(10), t.agent_id, t.name, d.instance_id, d.session_name)), lower(\(filter.search))
                  ) > 0)
                  AND (\(asked?.rawValue)::text IS NULL OR \(asked?.rawValue) = CASE
                    WHEN d.instance IS NULL THEN 'unassigned'
                    WHEN d.reason = 'account_refused' THEN d.condition
                    WHEN d.read_at >= (CASE d.desired WHEN 1 THEN \(onShift) ELSE \(offShift) END)[d.account] THEN d.condition
                    ELSE 'unknown'
                  END)
                  AND (\(terms?.isHere)::boolean IS NULL OR \(terms?.isHere) = (d.shift <> 0))
                  AND (\(terms?.isRefused)::boolean IS NULL OR \(terms?.isRefused) = (d.reason = 'account_refused'))
                  AND (\(terms?.isListed)::boolean IS NULL OR \(terms?.isListed) = (d.reason = 'listed_only'))
                  AND (\(terms?.desired?.code)::smallint IS NULL OR \(terms?.desired?.code) = CASE
                    WHEN t.removal_asked_at IS NOT NULL THEN 0
                    WHEN d.hold_until > \(now) THEN d.hold_state
                    WHEN d.shift = 2 THEN CASE coalesce(d.break_action, \(breakAction.rawValue)) WHEN 'keep' THEN 1 ELSE 0 END
                    ELSE d.shift
                  END)
                OFFSET 0
            ) v
            ORDER BY w.instance
            LIMIT 501
        ) p
        ORDER BY p.walked
        LIMIT \(limit)
        """
    }

    /// One agent.
    ///
    /// Index: `agents_agent_id_key`.
    static func one(_ agentID: String) -> PQStatement {
        """
        SELECT *
        FROM agent_details
        WHERE agent_id = \(agentID)
        """
    }
}
