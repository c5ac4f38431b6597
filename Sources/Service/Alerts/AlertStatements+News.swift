import Domain
import LibPQ

/// The statement that finds what is new.
extension AlertStatements {
    /// What is new, whether anything is due to be sent, and where the page of agents ended; the one statement at rest.
    ///
    /// An incident that began and ended between two looks is told all the same, its end with the next look. Agents whose account
    /// has an open incident are told of by that; one that is about some sessions tells of those alone. Once it is over they have
    /// as long as anybody to work again, counted from its end; since when they cannot is told as it is. A session that hangs
    /// while it starts is no exception, so no index lists it; but it waits for a look, and so has a row in the queue.
    ///
    /// An agent cannot work since the session was read to work no more, however often its condition changed since, but not since
    /// longer than it should work and is the agent's. How a session was read before its agent came on shift is not looked through.
    ///
    /// An agent who is removed meanwhile is told of as well: nobody waits for that agent any more. Of one who is erased the end has
    /// no name; it has the time of its beginning.
    ///
    /// Indexes: `incidents_open_key`, `alert_notices_subject_key`, `alert_notices_open`, `incidents_pkey`,
    /// `observed_states_exceptions`, `reconcile_queue_pkey`, `observed_states_pkey`, `instances_pkey`, `agents_pkey`,
    /// `agent_alerts_pkey`, `agent_states_pkey`, `instances_agent_key`, `alert_notices_waiting`; and of those who may have to be
    /// told alone `session_changes_pkey` and `session_owners_pkey`.
    static func news(after patience: Duration, page agent: Int64) -> PQStatement {
        """
        WITH p AS MATERIALIZED (
            SELECT s.agent, s.shift, s.desired, s.desired_since
            FROM agent_states s
            WHERE s.agent > \(agent)
            ORDER BY s.agent
            LIMIT \(pageLimit)
        ), lately AS MATERIALIZED (
            SELECT o.account, o.kind
            FROM incidents o
            WHERE o.closed_at IS NULL
            UNION
            SELECT r.account, r.kind
            FROM (SELECT l.account, l.kind, l.closed_at FROM incidents l ORDER BY l.incident DESC LIMIT \(latelyLimit)) r
            WHERE r.closed_at > now() - make_interval(secs => \(patience.inSeconds))
        )
        SELECT 'incident.opened' AS what, i.incident AS number, NULL::uuid AS episode, i.kind, e.name AS engine,
            s.name AS source, i.change, NULL::text AS agent_id, NULL::text AS team, i.detail, i.opened_at AS since,
            NULL::timestamptz AS until, now() AS read_at
        FROM (
            SELECT o.incident
            FROM incidents o
            WHERE o.closed_at IS NULL
            UNION ALL
            SELECT r.incident
            FROM (SELECT l.incident, l.opened_at, l.closed_at FROM incidents l ORDER BY l.incident DESC LIMIT \(endedLimit)) r
            WHERE r.closed_at IS NOT NULL
              AND r.opened_at > now() - make_interval(secs => \(recent.inSeconds))
        ) u
        JOIN incidents i ON i.incident = u.incident
        LEFT JOIN engine_accounts e ON e.account = i.account
        LEFT JOIN clock_sources s ON s.source_id = i.source_id
        WHERE NOT EXISTS (SELECT FROM alert_notices n WHERE n.subject = 'incident/' || i.incident || '/opened')
        UNION ALL
        SELECT 'incident.closed', i.incident, NULL, i.kind, e.name, s.name, i.change, NULL, NULL, i.detail, i.opened_at,
            i.closed_at, now()
        FROM alert_notices n
        JOIN incidents i ON i.incident = n.incident
        LEFT JOIN engine_accounts e ON e.account = i.account
        LEFT JOIN clock_sources s ON s.source_id = i.source_id
        WHERE n.incident IS NOT NULL
          AND NOT n.is_over
          AND i.closed_at IS NOT NULL
        UNION ALL
        (SELECT 'agent.cannot_work', c.agent, NULL, c.condition, c.engine, NULL, NULL, c.agent_id, c.team, c.reason, d.since,
            NULL, now()
        FROM (
            SELECT a.agent, a.agent_id, a.team, e.name AS engine, x.instance, o.condition, o.reason, o.reading, o.since,
                s.desired_since
            FROM (
                SELECT k.instance, k.condition, k.reason, k.reading, k.since
                FROM observed_states k
                WHERE k.attention IN (\(Condition.drifted.code), \(Condition.needsPairing.code), \(Condition.needsAttention.code),
                    \(Condition.unknown.code))
                UNION ALL
                SELECT h.instance, h.condition, h.reason, h.reading, h.since
                FROM (SELECT q.instance FROM reconcile_queue q ORDER BY q.instance LIMIT \(queueLimit)) q
                CROSS JOIN LATERAL (
                    SELECT k.instance, k.condition, k.reason, k.reading, k.since
                    FROM observed_states k
                    WHERE k.instance = q.instance
                      AND k.condition = \(Condition.starting.rawValue)
                      AND (
                        k.since <= now() - make_interval(secs => \(patience.inSeconds))
                        OR k.attempts > 1
                        OR cardinality(k.restarts) > 0
                        OR cardinality(k.falls) > 0
                      )
                    OFFSET 0
                ) h
            ) o
            JOIN instances x ON x.instance = o.instance
            JOIN engine_accounts e ON e.account = x.account
            JOIN agents a ON a.agent = x.agent
            JOIN agent_states s ON s.agent = x.agent
            WHERE s.shift <> 0
              AND s.desired = 1
              AND s.desired_since <= now() - make_interval(secs => \(patience.inSeconds))
              AND NOT EXISTS (SELECT FROM agent_alerts t WHERE t.agent = a.agent)
              AND NOT EXISTS (
                SELECT FROM lately i
                WHERE i.account = x.account
                  AND \(isAbout: ())
              )
            OFFSET 0
        ) c
        CROSS JOIN LATERAL (
            SELECT greatest(
                c.desired_since,
                (SELECT max(w.from_at) FROM session_owners w WHERE w.instance = c.instance AND w.to_at IS NULL),
                CASE WHEN c.reading = \(SessionReading.status(.working).word) THEN c.since ELSE (
                    SELECT (SELECT min(n.at) FROM session_changes n WHERE n.instance = c.instance AND n.at > r.at)
                    FROM session_changes r
                    WHERE r.instance = c.instance
                      AND r.reading = \(SessionReading.status(.working).word)
                      AND r.at >= coalesce(
                        (SELECT max(b.at) FROM session_changes b WHERE b.instance = c.instance AND b.at <= c.desired_since),
                        '-infinity'
                      )
                    ORDER BY r.at DESC
                    LIMIT 1
                ) END
            ) AS since
            OFFSET 0
        ) d
        WHERE d.since <= now() - make_interval(secs => \(patience.inSeconds))
        LIMIT \(agentLimit))
        UNION ALL
        SELECT 'agent.cannot_work', a.agent, NULL, 'unassigned', NULL, NULL, NULL, a.agent_id, a.team, 'no_instance',
            p.desired_since, NULL, now()
        FROM p
        JOIN agents a ON a.agent = p.agent
        WHERE p.shift <> 0
          AND p.desired = 1
          AND p.desired_since <= now() - make_interval(secs => \(patience.inSeconds))
          AND NOT EXISTS (SELECT FROM instances x WHERE x.agent = p.agent)
          AND NOT EXISTS (SELECT FROM agent_alerts t WHERE t.agent = p.agent)
        UNION ALL
        (SELECT 'agent.can_work', t.agent, t.episode, coalesce(o.condition, 'unassigned'), e.name, NULL, NULL,
            coalesce(a.agent_id, t.agent_id), coalesce(a.team, t.team), coalesce(o.reason, 'no_instance'), t.since,
            t.gone_at, now()
        FROM agent_alerts t
        LEFT JOIN agents a ON a.agent = t.agent
        LEFT JOIN agent_states s ON s.agent = t.agent
        LEFT JOIN instances x ON x.agent = t.agent
        LEFT JOIN engine_accounts e ON e.account = x.account
        LEFT JOIN observed_states o ON o.instance = x.instance
        WHERE a.agent IS NULL
           OR s.shift = 0
           OR s.desired = 0
           OR o.condition IN ('converged', 'held')
        ORDER BY t.agent
        LIMIT \(agentLimit))
        UNION ALL
        SELECT 'page', CASE WHEN count(*) < \(pageLimit) THEN 0 ELSE max(p.agent) END, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
            NULL, NULL, NULL, now()
        FROM p
        UNION ALL
        SELECT 'due', 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, now()
        WHERE EXISTS (SELECT FROM alert_notices n WHERE n.state = 'waiting' AND n.next_try_at <= now())
        """
    }
}
