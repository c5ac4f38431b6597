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
    /// The newest incidents, among which those are looked for that ended lately: far more than an account has in the longest
    /// time that may be set, and read in a millisecond.
    static let latelyLimit: Int64 = 2_000
    static let queueLimit: Int64 = 20_000
    /// Of what is over the outside hears only while it is so young: what began before anybody was told stays untold.
    static let recent: Duration = .seconds(3_600)
    /// Notices sent one after the other, so few that all their time-outs are within the claim.
    static let portion: Int64 = 4
    /// How long who sends a notice keeps others from it: longer than a try may take.
    static let claim: Duration = .seconds(60)
    /// How long claiming notices may take: who stops meanwhile waits for it.
    static let claimTimeout: Duration = .seconds(2)
    /// Tries of one notice; with the longest wait that is about 17 hours.
    static let tryLimit: Int32 = 15
    static let longestRetry: Duration = .seconds(14_400)
    /// How long the log is kept.
    static let kept: Duration = .seconds(30 * 86_400)

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
        ]
    }

    /// Notes agents that cannot work, each once, and those that can again or are gone.
    ///
    /// A beginning is noted only if no end was noted since it was read: that may have been this one's, if whoever read it stood
    /// still meanwhile. An end is noted only as the row says it still: who is removed or erased since is told of with the next
    /// look. What is not noted is read anew with the next look. Indexes: `agent_alerts_pkey`, `alert_notices_subject_key`,
    /// `agents_pkey`, `alert_notices_created`.
    static func noteAgents(_ news: [AlertNews], bodies: [String]) -> [PQStatement] {
        let begun = zip(news, bodies).filter { $0.0.subject == .cannotWork }
        let ended = zip(news, bodies).filter { $0.0.subject == .canWork }
        let episodes = begun.map { _ in UUID() }
        let readAt = begun.map(\.0.readAt).min()
        let over = ended.compactMap { end in
            end.0.episode.flatMap(UUID.init(uuidString:)).map { (episode: $0, goneAt: end.0.until, body: end.1) }
        }
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
                WHERE NOT EXISTS (
                    SELECT FROM alert_notices e WHERE e.kind = 'agent.can_work' AND e.created_at >= \(readAt)
                )
                FOR KEY SHARE OF a
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
                SELECT *
                FROM unnest(
                    \(over.map(\.episode)), \(over.map(\.goneAt)), \(over.map(\.body))
                ) AS n (episode, gone_at, body)
            ), gone AS (
                DELETE FROM agent_alerts t
                USING n
                WHERE t.episode = n.episode
                  AND t.gone_at IS NOT DISTINCT FROM n.gone_at
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

    /// Keeps others from a notice for a whole ``claim`` from now on, if it is still to be sent by who took it.
    ///
    /// Changes no row where somebody else took it since, or where it went with an erased person.
    /// `attempts`: as it was taken. Index: `alert_notices_pkey`.
    static func renew(_ notice: UUID, attempts: Int32) -> PQStatement {
        """
        UPDATE alert_notices
        SET claimed_until = now() + make_interval(secs => \(claim.inSeconds))
        WHERE notice = \(notice)
          AND attempts = \(attempts)
          AND state = 'waiting'
        """
    }

    /// Writes down what came of a try, unless somebody else took the notice since.
    ///
    /// `attempts`: as it was taken. Index: `alert_notices_pkey`.
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
              AND attempts = \(attempts)
              AND state = 'waiting'
            """
    }

    /// Leaves notices to others as if they had not been taken, unless somebody took them since.
    ///
    /// `attempts`: of each, as it was taken. Index: `alert_notices_pkey`.
    static func release(_ notices: [UUID], attempts: [Int32]) -> PQStatement {
        """
        UPDATE alert_notices a
        SET claimed_until = NULL,
            attempts = a.attempts - 1,
            last_try_at = CASE WHEN a.attempts > 1 THEN a.last_try_at END
        FROM unnest(\(notices), \(attempts)) AS n (notice, attempts)
        WHERE a.notice = n.notice
          AND a.attempts = n.attempts
          AND a.state = 'waiting'
        """
    }

    /// The wait after a try that failed.
    static func retryDelay(afterAttempts attempts: Int32, first: Duration) -> Duration {
        min(first * (1 << min(max(Int(attempts) - 1, 0), 16)), longestRetry)
    }
}
