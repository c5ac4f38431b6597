import Domain
import LibPQ

/// The statements that find who needs somebody and has waited longest.
///
/// They are read by where the condition is known from: an exception has an entry in a small index of its own, and their order by
/// time no index keeps (it would be written with every change of a session), so all of them are read and sorted. Who is at work
/// without a session, or with one that nobody knows anything of, is found by a walk through the agents. Both end after
/// ``AgentWalkEnds/walkLimit`` rows, twice what one page is made for.
///
/// Of all who stand alike, which is all that ``agreement(shift:desired:condition:reason:)`` looks at, those come that have waited
/// longest, so that whichever agreement is worst its first are among them; since when is what ``AgentStanding/since`` says. Only then
/// are whole agents read, by primary keys.
/// `LIMIT` in figures and `OFFSET 0` keep the planner to that, also for a prepared statement.
struct NeedStatements {
    let filter: AgentFilter
    let freshness: FreshnessTable
    let now: Timestamp

    /// Agents that come of all who stand alike.
    static let limit = 50
    /// Rows after which a walk ends; the same figure as in the statements.
    static let walkLimit = 20_000

    private var onShift: [Timestamp] { freshness.staleBefore(.running, now: now) }
    private var offShift: [Timestamp] { freshness.staleBefore(.stopped, now: now) }

    /// Agents whose condition is one of these exceptions.
    ///
    /// Index: `observed_states_exceptions`, unless a good part of all sessions are exceptions.
    func exceptions(_ conditions: [Condition]) -> PQStatement {
        """
        SELECT v.*, CASE r.place WHEN 1 THEN r.alike END AS alike
        FROM (
            SELECT k.agent, row_number() OVER (w ORDER BY k.since, k.agent) AS place, count(*) OVER w AS alike
            FROM (
                SELECT o.instance
                FROM observed_states o
                WHERE o.attention IS NOT NULL
                ORDER BY o.attention, o.instance
                LIMIT \(figure: AgentWalkEnds.walkLimit)
            ) w
            CROSS JOIN LATERAL (
                SELECT a.agent, a.agent_id, a.name
                FROM instances x
                JOIN agents a ON a.agent = x.agent
                WHERE x.instance = w.instance
                  AND (\(filter.teams)::text[] IS NULL OR a.team = ANY (\(filter.teams)))
                OFFSET 0
            ) t
            CROSS JOIN LATERAL (
                SELECT d.agent, d.shift, d.desired, d.condition, d.reason,
                    CASE d.condition WHEN 'held' THEN greatest(d.since, d.shift_since) ELSE d.since END AS since
                FROM agent_sessions d
                WHERE d.agent = t.agent
                  AND d.condition = ANY (\(conditions.map(\.rawValue)))
                  AND (d.reason = 'account_refused'
                    OR d.read_at >= (CASE d.desired WHEN 1 THEN \(onShift) ELSE \(offShift) END)[d.account])
                  AND (d.condition <> 'held' OR d.shift <> 0)
                  AND (\(filter.shift?.code)::smallint IS NULL OR d.shift = \(filter.shift?.code))
                  AND (\(filter.search)::text IS NULL OR strpos(
                    lower(concat_ws(chr(10), t.agent_id, t.name, d.instance_id, d.session_name)), lower(\(filter.search))
                  ) > 0)
                OFFSET 0
            ) k
            WINDOW w AS (
                PARTITION BY k.condition, k.shift = 0, k.desired, k.reason = 'account_refused', k.reason = 'listed_only'
            )
        ) r
        CROSS JOIN LATERAL (
            SELECT *
            FROM agent_details d
            WHERE d.agent = r.agent
            OFFSET 0
        ) v
        WHERE r.place <= \(figure: Self.limit)
        """
    }

    /// Agents at work whose session nobody knows anything of, or who have none.
    ///
    /// Index: `agents_agent_id_key`.
    func unsure(_ conditions: [Condition]) -> PQStatement {
        """
        SELECT v.*, CASE r.place WHEN 1 THEN r.alike END AS alike
        FROM (
            SELECT k.agent, row_number() OVER (w ORDER BY k.since, k.agent) AS place, count(*) OVER w AS alike
            FROM (
                SELECT a.agent, a.agent_id, a.name, a.created_at
                FROM agents a
                WHERE a.agent_id > ''
                ORDER BY a.agent_id
                LIMIT \(figure: AgentWalkEnds.walkLimit)
            ) t
            CROSS JOIN LATERAL (
                SELECT s.agent, s.desired, s.condition, greatest(s.shift_since, CASE
                    WHEN s.instance IS NULL THEN t.created_at
                    ELSE coalesce(
                        s.read_at + (\(now)::timestamptz - (CASE s.desired WHEN 1 THEN \(onShift) ELSE \(offShift) END)[s.account]),
                        s.since, t.created_at
                    )
                END) AS since
                FROM (
                    SELECT d.agent, d.shift_since, d.desired, d.instance, d.account, d.read_at, d.since, CASE
                        WHEN d.instance IS NULL THEN 'unassigned'
                        WHEN d.reason = 'account_refused' THEN d.condition
                        WHEN d.read_at >= (CASE d.desired WHEN 1 THEN \(onShift) ELSE \(offShift) END)[d.account] THEN d.condition
                        ELSE 'unknown'
                    END AS condition
                    FROM agent_sessions d
                    WHERE d.agent = t.agent
                      AND d.shift <> 0
                      AND (\(filter.shift?.code)::smallint IS NULL OR d.shift = \(filter.shift?.code))
                      AND (\(filter.search)::text IS NULL OR strpos(
                        lower(concat_ws(chr(10), t.agent_id, t.name, d.instance_id, d.session_name)), lower(\(filter.search))
                      ) > 0)
                ) s
                WHERE s.condition = ANY (\(conditions.map(\.rawValue)))
                OFFSET 0
            ) k
            WINDOW w AS (PARTITION BY k.condition, k.desired)
        ) r
        CROSS JOIN LATERAL (
            SELECT *
            FROM agent_details d
            WHERE d.agent = r.agent
            OFFSET 0
        ) v
        WHERE r.place <= \(figure: Self.limit)
        """
    }

    /// The same, of some teams.
    ///
    /// Index: `agents_of_team`, once for each of them.
    func unsure(_ conditions: [Condition], ofTeams teams: [String]) -> PQStatement {
        """
        SELECT v.*, CASE r.place WHEN 1 THEN r.alike END AS alike
        FROM (
            SELECT k.agent, row_number() OVER (w ORDER BY k.since, k.agent) AS place, count(*) OVER w AS alike
            FROM (
                SELECT l.agent, l.agent_id, l.name, l.created_at
                FROM unnest(\(teams)) AS n (team)
                CROSS JOIN LATERAL (
                    SELECT a.agent, a.agent_id, a.name, a.created_at
                    FROM agents a
                    WHERE (a.team, a.agent_id) > (n.team, '')
                      AND a.team <= n.team
                    ORDER BY a.team, a.agent_id
                    LIMIT \(figure: AgentWalkEnds.walkLimit)
                ) l
                LIMIT \(figure: AgentWalkEnds.walkLimit)
            ) t
            CROSS JOIN LATERAL (
                SELECT s.agent, s.desired, s.condition, greatest(s.shift_since, CASE
                    WHEN s.instance IS NULL THEN t.created_at
                    ELSE coalesce(
                        s.read_at + (\(now)::timestamptz - (CASE s.desired WHEN 1 THEN \(onShift) ELSE \(offShift) END)[s.account]),
                        s.since, t.created_at
                    )
                END) AS since
                FROM (
                    SELECT d.agent, d.shift_since, d.desired, d.instance, d.account, d.read_at, d.since, CASE
                        WHEN d.instance IS NULL THEN 'unassigned'
                        WHEN d.reason = 'account_refused' THEN d.condition
                        WHEN d.read_at >= (CASE d.desired WHEN 1 THEN \(onShift) ELSE \(offShift) END)[d.account] THEN d.condition
                        ELSE 'unknown'
                    END AS condition
                    FROM agent_sessions d
                    WHERE d.agent = t.agent
                      AND d.shift <> 0
                      AND (\(filter.shift?.code)::smallint IS NULL OR d.shift = \(filter.shift?.code))
                      AND (\(filter.search)::text IS NULL OR strpos(
                        lower(concat_ws(chr(10), t.agent_id, t.name, d.instance_id, d.session_name)), lower(\(filter.search))
                      ) > 0)
                ) s
                WHERE s.condition = ANY (\(conditions.map(\.rawValue)))
                OFFSET 0
            ) k
            WINDOW w AS (PARTITION BY k.condition, k.desired)
        ) r
        CROSS JOIN LATERAL (
            SELECT *
            FROM agent_details d
            WHERE d.agent = r.agent
            OFFSET 0
        ) v
        WHERE r.place <= \(figure: Self.limit)
        """
    }
}

extension AgentReads {
    /// Who needs somebody because of one of these conditions and fits a filter: of all who stand alike, those that have waited
    /// longest.
    ///
    /// ``FleetModel/needLimit`` of them are shown.
    func waiting(_ conditions: [Condition], _ filter: AgentFilter) async throws(PQError) -> WaitingAgents {
        let statements = NeedStatements(filter: filter, freshness: try await freshness.table(), now: clock.now())
        // What is unknown is so by the age of its look as a rule, and that has no entry in the index of exceptions.
        let exceptions = conditions.filter { $0.isException && $0 != .unknown }
        let others = conditions.filter { !$0.isException || $0 == .unknown }
        var wanted: [PQStatement] = []
        if !exceptions.isEmpty { wanted.append(statements.exceptions(exceptions)) }
        if !others.isEmpty {
            wanted.append(filter.teams.map { statements.unsure(others, ofTeams: $0) } ?? statements.unsure(others))
        }
        guard !wanted.isEmpty else { return WaitingAgents() }
        var waiting = WaitingAgents()
        for result in try await pool.pipeline(wanted) {
            waiting.agents += try AgentDetailRows.read(result)
            for row in result {
                guard let alike = try row.column("alike", as: Int64?.self) else { continue }
                waiting.alike[try row.column("agent", as: Int64.self)] = Int(alike)
            }
        }
        return waiting
    }
}

/// Who may need somebody, as far as they are shown.
struct WaitingAgents: Sendable {
    /// In no order; of all who stand alike at most ``NeedStatements/limit``.
    var agents: [AgentDetails] = []
    /// How many stand alike, by the one of them that has waited longest.
    var alike: [Int64: Int] = [:]
}
