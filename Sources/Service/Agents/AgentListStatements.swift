import Domain
import LibPQ

/// The statements behind lists of agents.
///
/// Each walks an index in order, looks every agent up by primary keys, and stops when the page is full, so that a
/// page costs the same whatever the size of the fleet.
///
/// `LIMIT` in figures and `OFFSET 0` are for the planner: it then needs no statistics to choose that plan, also for a
/// prepared statement. A walk ends after 20,000 agents even when few of them fit; the list goes on there.
struct AgentListStatements {
    let filter: AgentFilter
    let freshness: FreshnessTable
    let now: Timestamp

    /// How many agents a page looks at, the same as in the statements.
    static let walkLimit: Int64 = 20_000
    /// How many of the walk's last agents are walked again on the next page, since agents may be deleted meanwhile.
    static let overlap: Int64 = 100

    private var onShift: [Timestamp] { freshness.staleBefore(.running, now: now) }
    private var offShift: [Timestamp] { freshness.staleBefore(.stopped, now: now) }

    /// Agents of one team by agent id.
    ///
    /// Index: `agents_of_team`.
    func ofTeam(_ team: String, after: String, limit: Int64) -> PQStatement {
        """
        SELECT p.*
        FROM (
            SELECT v.*
            FROM (
                SELECT a.agent, a.agent_id
                FROM agents a
                WHERE a.team = \(team) AND a.agent_id > \(after)
                ORDER BY a.agent_id
                LIMIT 20000
            ) w
            CROSS JOIN LATERAL (
                SELECT *
                FROM agent_details d
                WHERE d.agent = w.agent
                  AND (\(filter.shift?.code)::smallint IS NULL OR d.shift = \(filter.shift?.code))
                  AND (\(filter.search)::text IS NULL OR strpos(
                    lower(concat_ws(chr(10), d.agent_id, d.name, d.instance_id, d.session_name)), lower(\(filter.search))
                  ) > 0)
                  AND (\(filter.condition?.rawValue)::text IS NULL OR \(filter.condition?.rawValue) = CASE
                    WHEN d.instance IS NULL THEN 'unassigned'
                    WHEN d.reason = 'account_refused' THEN d.condition
                    WHEN d.read_at >= (CASE d.desired WHEN 1 THEN \(onShift) ELSE \(offShift) END)[d.account] THEN d.condition
                    ELSE 'unknown'
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

    /// Agents of all teams by agent id.
    ///
    /// Index: `agents_agent_id_key`.
    func ofAll(after: String, limit: Int64) -> PQStatement {
        """
        SELECT p.*
        FROM (
            SELECT v.*
            FROM (
                SELECT a.agent, a.agent_id
                FROM agents a
                WHERE a.agent_id > \(after)
                ORDER BY a.agent_id
                LIMIT 20000
            ) w
            CROSS JOIN LATERAL (
                SELECT *
                FROM agent_details d
                WHERE d.agent = w.agent
                  AND (\(filter.shift?.code)::smallint IS NULL OR d.shift = \(filter.shift?.code))
                  AND (\(filter.search)::text IS NULL OR strpos(
                    lower(concat_ws(chr(10), d.agent_id, d.name, d.instance_id, d.session_name)), lower(\(filter.search))
                  ) > 0)
                  AND (\(filter.condition?.rawValue)::text IS NULL OR \(filter.condition?.rawValue) = CASE
                    WHEN d.instance IS NULL THEN 'unassigned'
                    WHEN d.reason = 'account_refused' THEN d.condition
                    WHEN d.read_at >= (CASE d.desired WHEN 1 THEN \(onShift) ELSE \(offShift) END)[d.account] THEN d.condition
                    ELSE 'unknown'
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
            SELECT v.*
            FROM (
                SELECT o.instance
                FROM observed_states o
                WHERE o.attention = \(condition.code) AND o.instance > \(after)
                ORDER BY o.instance
                LIMIT 20000
            ) w
            CROSS JOIN LATERAL (
                SELECT d.*
                FROM instances x
                JOIN agent_details d ON d.agent = x.agent
                WHERE x.instance = w.instance
                  AND (\(filter.teams)::text[] IS NULL OR d.team = ANY (\(filter.teams)))
                  AND (\(filter.shift?.code)::smallint IS NULL OR d.shift = \(filter.shift?.code))
                  AND (\(filter.search)::text IS NULL OR strpos(
                    lower(concat_ws(chr(10), d.agent_id, d.name, d.instance_id, d.session_name)), lower(\(filter.search))
                  ) > 0)
                  AND (d.reason = 'account_refused'
                    OR d.read_at >= (CASE d.desired WHEN 1 THEN \(onShift) ELSE \(offShift) END)[d.account])
                OFFSET 0
            ) v
            ORDER BY w.instance
            LIMIT 501
        ) p
        ORDER BY p.instance
        LIMIT \(limit)
        """
    }

    /// Where a walk of a page that was not filled ended; no row when it came to the end.
    static func end(ofTeam team: String?, after: String) -> PQStatement {
        if let team {
            """
            SELECT a.agent_id
            FROM agents a
            WHERE a.team = \(team) AND a.agent_id > \(after)
            ORDER BY a.agent_id
            LIMIT 1 OFFSET \(walkLimit - overlap)
            """
        } else {
            """
            SELECT a.agent_id
            FROM agents a
            WHERE a.agent_id > \(after)
            ORDER BY a.agent_id
            LIMIT 1 OFFSET \(walkLimit - overlap)
            """
        }
    }

    /// Where a walk through the exceptions ended, as ``end(ofTeam:after:)``.
    static func end(of condition: Condition, after: Int64) -> PQStatement {
        """
        SELECT o.instance
        FROM observed_states o
        WHERE o.attention = \(condition.code) AND o.instance > \(after)
        ORDER BY o.instance
        LIMIT 1 OFFSET \(walkLimit - overlap)
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
