import Domain
import FoundationEssentials
import LibPQ

/// The statements behind what the outside is told.
enum AlertStatements {
    /// Agents taken up in one look, and agents of a page of those without a session.
    static let agentLimit: Int64 = 200
    static let pageLimit: Int64 = 1_000
    /// Incidents that are over and queue rows read in one look: far more than begin between two, and than a fleet of 10,000 has.
    static let endedLimit: Int64 = 200
    static let queueLimit: Int64 = 20_000
    /// Of what is over the outside hears only while it is so young: what began before anybody was told stays untold.
    static let recent: Duration = .seconds(3_600)
    /// Notices sent one after the other, so few that all their time-outs are within the claim.
    static let portion: Int64 = 4
    /// How long who sends a notice keeps others from it: longer than a try may take.
    static let claim: Duration = .seconds(60)
    /// Tries of one notice; with the longest wait that is about 17 hours.
    static let tryLimit: Int32 = 15
    static let longestRetry: Duration = .seconds(14_400)
    /// How long the log is kept.
    static let kept = "30 days"

    /// What is new, whether anything is due to be sent, and where the page of agents ended; the one statement at rest.
    ///
    /// An incident that began and ended between two looks is told all the same, its end with the next look. Agents whose account
    /// has an open incident are told of by that; one that is about some sessions tells of those alone. A session that hangs while it
    /// starts is no exception, so no index lists it; but it waits for a look, and so has a row in the queue.
    ///
    /// Indexes: `incidents_open_key`, `alert_notices_subject_key`, `alert_notices_open`, `incidents_pkey`,
    /// `observed_states_exceptions`, `reconcile_queue_pkey`, `observed_states_pkey`, `instances_pkey`, `agents_pkey`,
    /// `agent_alerts_pkey`, `agent_states_pkey`, `instances_agent_key`, `alert_notices_waiting`.
    static func news(after patience: Duration, page agent: Int64) -> PQStatement {
        """
        WITH p AS MATERIALIZED (
            SELECT s.agent, s.shift, s.desired, s.desired_since
            FROM agent_states s
            WHERE s.agent > \(agent)
            ORDER BY s.agent
            LIMIT \(pageLimit)
        )
        SELECT 'incident.opened' AS what, i.incident AS number, NULL::uuid AS episode, i.kind, e.name AS engine,
            s.name AS source, i.change, NULL::text AS agent_id, NULL::text AS team, i.detail, i.opened_at AS since,
            NULL::timestamptz AS until
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
            i.closed_at
        FROM alert_notices n
        JOIN incidents i ON i.incident = n.incident
        LEFT JOIN engine_accounts e ON e.account = i.account
        LEFT JOIN clock_sources s ON s.source_id = i.source_id
        WHERE n.incident IS NOT NULL
          AND NOT n.is_over
          AND i.closed_at IS NOT NULL
        UNION ALL
        (SELECT 'agent.cannot_work', a.agent, NULL, o.condition, e.name, NULL, NULL, a.agent_id, a.team, o.reason,
            greatest(o.since, s.desired_since), NULL
        FROM (
            SELECT k.instance, k.condition, k.reason, k.since
            FROM observed_states k
            WHERE k.attention IN (\(Condition.drifted.code), \(Condition.needsPairing.code), \(Condition.needsAttention.code),
                \(Condition.unknown.code))
            UNION ALL
            SELECT h.instance, h.condition, h.reason, h.since
            FROM (SELECT q.instance FROM reconcile_queue q ORDER BY q.instance LIMIT \(queueLimit)) q
            CROSS JOIN LATERAL (
                SELECT k.instance, k.condition, k.reason, k.since
                FROM observed_states k
                WHERE k.instance = q.instance
                  AND k.condition = \(Condition.starting.rawValue)
                  AND k.since <= now() - make_interval(secs => \(patience.inSeconds))
                OFFSET 0
            ) h
        ) o
        JOIN instances x ON x.instance = o.instance
        JOIN engine_accounts e ON e.account = x.account
        JOIN agents a ON a.agent = x.agent
        JOIN agent_states s ON s.agent = x.agent
        WHERE s.shift <> 0
          AND s.desired = 1
          AND greatest(o.since, s.desired_since) <= now() - make_interval(secs => \(patience.inSeconds))
          AND NOT EXISTS (SELECT FROM agent_alerts t WHERE t.agent = a.agent)
          AND NOT EXISTS (
            SELECT FROM incidents i
            WHERE i.account = x.account
              AND i.closed_at IS NULL
              AND CASE i.kind
                WHEN 'sessions_logged_out' THEN o.reason = 'pairing_required'
                WHEN 'sessions_unknown' THEN o.reason = 'session_missing'
                ELSE true
              END
          )
        LIMIT \(agentLimit))
        UNION ALL
        SELECT 'agent.cannot_work', a.agent, NULL, 'unassigned', NULL, NULL, NULL, a.agent_id, a.team, 'no_instance',
            p.desired_since, NULL
        FROM p
        JOIN agents a ON a.agent = p.agent
        WHERE p.shift <> 0
          AND p.desired = 1
          AND p.desired_since <= now() - make_interval(secs => \(patience.inSeconds))
          AND NOT EXISTS (SELECT FROM instances x WHERE x.agent = p.agent)
          AND NOT EXISTS (SELECT FROM agent_alerts t WHERE t.agent = p.agent)
        UNION ALL
        (SELECT 'agent.can_work', a.agent, t.episode, coalesce(o.condition, 'unassigned'), e.name, NULL, NULL, a.agent_id,
            a.team, coalesce(o.reason, 'no_instance'), t.since, now()
        FROM agent_alerts t
        JOIN agents a ON a.agent = t.agent
        JOIN agent_states s ON s.agent = t.agent
        LEFT JOIN instances x ON x.agent = t.agent
        LEFT JOIN engine_accounts e ON e.account = x.account
        LEFT JOIN observed_states o ON o.instance = x.instance
        WHERE s.shift = 0
           OR s.desired = 0
           OR o.condition IN ('converged', 'held')
        LIMIT \(agentLimit))
        UNION ALL
        SELECT 'page', CASE WHEN count(*) < \(pageLimit) THEN 0 ELSE max(p.agent) END, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
            NULL, NULL, NULL
        FROM p
        UNION ALL
        SELECT 'due', 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
        WHERE EXISTS (SELECT FROM alert_notices n WHERE n.state = 'waiting' AND n.next_try_at <= now())
        """
    }

    /// Notes incidents, each once whoever sees it first.
    ///
    /// Indexes: `alert_notices_subject_key`, `alert_notices_open`.
    static func noteIncidents(_ news: [AlertNews], bodies: [String]) -> [PQStatement] {
        let ids = news.map { _ in UUID() }
        let ends = news.map { $0.subject == .incidentClosed }
        return [
            """
            INSERT INTO alert_notices (notice, subject, thread, kind, body, incident)
            SELECT n.notice, n.thread || CASE WHEN n.ends THEN '/closed' ELSE '/opened' END, n.thread, n.kind, n.body,
                CASE WHEN NOT n.ends THEN n.incident END
            FROM unnest(
                \(ids), \(zip(news, ids).map { $0.thread($1) }), \(news.map(\.subject.rawValue)), \(bodies),
                \(news.map(\.number)), \(ends)
            ) AS n (notice, thread, kind, body, incident, ends)
            ON CONFLICT (subject) DO NOTHING
            """,
            """
            UPDATE alert_notices
            SET is_over = true
            WHERE incident = ANY (\(news.filter { $0.subject == .incidentClosed }.map(\.number)))
              AND NOT is_over
            """,
            // What is not over is not told anew, and its end will be told.
            """
            DELETE FROM alert_notices
            WHERE created_at < now() - \(kept)::text::interval
              AND (incident IS NULL OR is_over)
            """,
        ]
    }

    /// Notes agents that cannot work, each once, and those that can again.
    ///
    /// Indexes: `agent_alerts_pkey`, `alert_notices_subject_key`.
    static func noteAgents(_ news: [AlertNews], bodies: [String]) -> [PQStatement] {
        let begun = zip(news, bodies).filter { $0.0.subject == .cannotWork }
        let ended = zip(news, bodies).filter { $0.0.subject == .canWork }
        let episodes = begun.map { _ in UUID() }
        let over = ended.compactMap { $0.0.episode.flatMap(UUID.init(uuidString:)) }
        return [
            """
            WITH n AS (
                SELECT *
                FROM unnest(
                    \(episodes), \(begun.map(\.0.number)), \(begun.map(\.0.since)), \(begun.map(\.1))
                ) AS n (episode, agent, since, body)
            ), told AS (
                INSERT INTO agent_alerts (agent, episode, since)
                SELECT n.agent, n.episode, n.since
                FROM n
                JOIN agents a ON a.agent = n.agent
                ON CONFLICT (agent) DO NOTHING
                RETURNING episode
            )
            INSERT INTO alert_notices (notice, subject, thread, kind, body)
            SELECT gen_random_uuid(), 'agent/' || n.episode || '/cannot_work', 'agent/' || n.episode, 'agent.cannot_work', n.body
            FROM n
            JOIN told t ON t.episode = n.episode
            """,
            """
            WITH n AS (
                SELECT * FROM unnest(\(over), \(ended.map(\.1))) AS n (episode, body)
            ), gone AS (
                DELETE FROM agent_alerts t
                USING n
                WHERE t.episode = n.episode
                RETURNING t.episode
            )
            INSERT INTO alert_notices (notice, subject, thread, kind, body)
            SELECT gen_random_uuid(), 'agent/' || n.episode || '/can_work', 'agent/' || n.episode, 'agent.can_work', n.body
            FROM n
            JOIN gone g ON g.episode = n.episode
            ON CONFLICT (subject) DO NOTHING
            """,
        ]
    }

    /// Takes what is due, the end of something only once its beginning is told or given up.
    ///
    /// Indexes: `alert_notices_waiting`, `alert_notices_of_thread`, `alert_notices_pkey`.
    static var take: PQStatement {
        """
        UPDATE alert_notices n
        SET claimed_until = now() + make_interval(secs => \(claim.inSeconds)), attempts = n.attempts + 1, last_try_at = now()
        FROM (
            SELECT d.notice
            FROM alert_notices d
            WHERE d.state = 'waiting'
              AND d.next_try_at <= now()
              AND (d.claimed_until IS NULL OR d.claimed_until < now())
              AND NOT EXISTS (
                SELECT FROM alert_notices e
                WHERE e.thread = d.thread AND e.state = 'waiting' AND e.created_at < d.created_at
              )
            ORDER BY d.next_try_at
            LIMIT \(portion)
            FOR UPDATE SKIP LOCKED
        ) k
        WHERE n.notice = k.notice
        RETURNING n.notice, n.body, n.attempts
        """
    }

    /// Writes down what came of a try.
    ///
    /// Index: `alert_notices_pkey`.
    static func complete(_ notice: UUID, attempts: Int32, _ outcome: AlertOutcome, retryIn: Duration) -> PQStatement {
        let state = outcome.isDelivered ? "delivered" : attempts >= tryLimit ? "given_up" : "waiting"
        return """
            UPDATE alert_notices
            SET state = \(state),
                claimed_until = NULL,
                http_status = \(outcome.httpStatus),
                fault = \(outcome.fault),
                next_try_at = now() + make_interval(secs => \(retryIn.inSeconds)),
                ended_at = CASE WHEN \(state) <> 'waiting' THEN now() END
            WHERE notice = \(notice)
            """
    }

    /// The wait after a try that failed.
    static func retryDelay(afterAttempts attempts: Int32, first: Duration) -> Duration {
        min(first * (1 << min(max(Int(attempts) - 1, 0), 16)), longestRetry)
    }
}
