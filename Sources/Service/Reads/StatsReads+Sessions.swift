import Domain
import LibPQ

/// What became of sessions besides being started: how often one was found otherwise, how long they were stopped, and for how long
/// nobody read them.
///
/// Of a session that moved each agent has the time in which it was theirs (`session_owners`), and nobody the time in which it was
/// not read (`look_gaps`): what it was then is not known.
extension StatsReads {
    /// A flicker of a session that comes back by itself within so long is no drift, as it is none to the reconciler.
    private static let flicker: Duration = .seconds(15)

    /// Sessions that left what they had been brought to without a command of ours, by the hour in which that was read.
    ///
    /// The last command says what a session was brought to, or, before the first one, what it was then. One that has left it is
    /// counted again only when it was right again in between, and as late where the first read after a gap found it: when it
    /// left, and whether once, nobody saw. Changes and commands of a session are read once and put into one order, since looking
    /// for the one before each of a million takes many times as long. Indexes: `agents_of_team`, `session_owners_of_agent`,
    /// `session_changes_pkey`, `commands_pkey`, `look_gaps_pkey`, `instances_pkey`.
    static func drift(_ question: Question, _ lifetimes: LookLifetimes) -> PQStatement {
        """
        SELECT date_bin('1 hour', d.at, \(question.hoursFrom)) AS hour,
            count(*) FILTER (WHERE NOT d.is_late) AS found,
            count(*) FILTER (WHERE NOT d.is_late AND d.is_repaired) AS repaired,
            count(*) FILTER (WHERE d.is_late) AS late
        FROM (
            SELECT s.at,
                EXISTS (
                    SELECT
                    FROM session_changes r
                    WHERE r.instance = o.instance
                      AND r.at > s.at
                      AND r.at < least(o.to_at, \(question.to))
                      AND r.reading = s.was
                ) AS is_repaired,
                EXISTS (
                    SELECT
                    FROM (
                        SELECT g.from_at, g.to_at
                        FROM look_gaps g
                        WHERE g.instance = o.instance
                          AND g.from_at < s.at
                        ORDER BY g.from_at DESC
                        LIMIT 1
                    ) g
                    LEFT JOIN instances x ON x.instance = o.instance
                    WHERE g.to_at >= s.at
                      AND g.to_at - g.from_at > make_interval(
                        secs => coalesce((\(lifetimes.ofAccounts))[x.account], \(lifetimes.ofOthers)))
                ) AS is_late
            FROM agents a
            JOIN session_owners o ON o.agent = a.agent
            CROSS JOIN LATERAL (
                SELECT greatest(o.from_at, \(question.from)) AS from_at, least(o.to_at, \(question.to)) AS to_at
            ) t
            CROSS JOIN LATERAL (
                SELECT m.at, m.reading, m.was_at, m.was, m.next_at, m.next, max(m.sent_at) OVER w AS sent_at,
                    max(m.command) OVER w AS command
                FROM (
                    SELECT k.at, k.reading, lag(k.at) OVER w AS was_at, lag(k.reading) OVER w AS was, lead(k.at) OVER w AS next_at,
                        lead(k.reading) OVER w AS next, NULL::timestamptz AS sent_at, NULL::bigint AS command
                    FROM (
                        (SELECT b.at, b.reading
                        FROM session_changes b
                        WHERE b.instance = o.instance
                          AND b.at < t.from_at
                        ORDER BY b.at DESC
                        LIMIT 1)
                        UNION ALL
                        (SELECT b.at, b.reading
                        FROM session_changes b
                        WHERE b.instance = o.instance
                          AND b.at >= t.from_at
                          AND b.at < t.to_at + make_interval(secs => \(flicker.inSeconds)))
                    ) k
                    WINDOW w AS (ORDER BY k.at)
                    UNION ALL
                    (SELECT c.sent_at, NULL, NULL, NULL, NULL, NULL, c.sent_at, c.command_id * 4 + c.action
                    FROM commands c
                    WHERE c.instance = o.instance
                      AND c.command_id < (extract(epoch FROM t.from_at) * 1000000)::bigint
                      AND c.sent_at IS NOT NULL
                    ORDER BY c.command_id DESC
                    LIMIT 1)
                    UNION ALL
                    (SELECT c.sent_at, NULL, NULL, NULL, NULL, NULL, c.sent_at, c.command_id * 4 + c.action
                    FROM commands c
                    WHERE c.instance = o.instance
                      AND c.command_id >= (extract(epoch FROM t.from_at) * 1000000)::bigint
                      AND c.command_id < (extract(epoch FROM t.to_at) * 1000000)::bigint
                      AND c.sent_at IS NOT NULL)
                ) m
                WINDOW w AS (ORDER BY m.at)
            ) s
            WHERE o.from_at < \(question.to)
              AND (o.to_at IS NULL OR o.to_at > \(question.from))
              AND (\(question.teams)::text[] IS NULL OR a.team = ANY (\(question.teams)))
              AND s.at >= t.from_at
              AND s.at < t.to_at
              AND s.reading <> s.was
              AND s.was IN ('WORKING', 'STOPPED')
              AND (s.sent_at IS NULL OR s.sent_at < s.was_at)
              AND s.was = CASE
                WHEN s.command % 4 = \(Action.stop.code) THEN 'STOPPED'
                WHEN s.command IS NOT NULL THEN 'WORKING'
                ELSE (
                    SELECT b.reading
                    FROM session_changes b
                    WHERE b.instance = o.instance
                      AND b.reading IN ('WORKING', 'STOPPED')
                    ORDER BY b.at
                    LIMIT 1
                )
              END
              AND (s.next IS DISTINCT FROM s.was OR s.next_at > s.at + make_interval(secs => \(flicker.inSeconds)) OR EXISTS (
                SELECT FROM commands c WHERE c.instance = o.instance AND c.sent_at BETWEEN s.at AND s.next_at
              ))
            OFFSET 0
        ) d
        GROUP BY 1
        ORDER BY 1
        """
    }

    /// By how many sessions more were stopped, and were not read, with each hour, and for how many seconds of it those that
    /// changed were.
    ///
    /// Each session counts from the change before the span on. One was not read before its first read, since its last one where
    /// that is too long ago, and in gaps. Two rows for a stretch, however many hours it lasts. Indexes: `agents_of_team`,
    /// `session_owners_of_agent`, `session_changes_pkey`, `look_gaps_pkey`, `instances_pkey`, `observed_states_pkey`,
    /// `looks_pkey`.
    static func rest(_ question: Question, _ lifetimes: LookLifetimes) -> PQStatement {
        """
        SELECT e.is_unread, e.hour, sum(e.sign)::bigint AS change, sum(e.sign * (3600 - (e.second - e.hour * 3600)))::float8 AS seconds
        FROM agents a
        JOIN session_owners o ON o.agent = a.agent
        LEFT JOIN instances x ON x.instance = o.instance
        LEFT JOIN observed_states r ON r.instance = o.instance
        LEFT JOIN looks l ON l.instance = o.instance
        CROSS JOIN LATERAL (
            SELECT greatest(o.from_at, \(question.from)) AS from_at, least(o.to_at, \(question.to)) AS to_at,
                greatest(r.read_at, l.looked_at) AS read_at,
                make_interval(secs => coalesce((\(lifetimes.ofAccounts))[x.account], \(lifetimes.ofOthers))) AS lifetime
        ) t
        CROSS JOIN LATERAL (
            SELECT min(k.at) AS known_from, range_agg(tstzrange(k.at, k.until)) FILTER (WHERE k.reading = 'STOPPED') AS stopped
            FROM (
                SELECT c.at, c.reading, lead(c.at) OVER (ORDER BY c.at) AS until
                FROM (
                    (SELECT s.at, s.reading
                    FROM session_changes s
                    WHERE s.instance = o.instance
                      AND s.at <= t.from_at
                    ORDER BY s.at DESC
                    LIMIT 1)
                    UNION ALL
                    (SELECT s.at, s.reading
                    FROM session_changes s
                    WHERE s.instance = o.instance
                      AND s.at > t.from_at
                      AND s.at < t.to_at)
                ) c
            ) k
        ) h
        CROSS JOIN LATERAL (
            SELECT range_agg(n.part) AS unread
            FROM (
                SELECT tstzrange(NULL, h.known_from) AS part
                UNION ALL
                SELECT tstzrange(t.read_at, NULL)
                WHERE t.read_at + t.lifetime < \(question.to)
                UNION ALL
                SELECT tstzrange(g.from_at, g.to_at)
                FROM (
                    SELECT b.from_at, b.to_at
                    FROM look_gaps b
                    WHERE b.instance = ANY (ARRAY[0, o.instance]::bigint[])
                      AND b.from_at < t.to_at
                    OFFSET 0
                ) g
                WHERE g.to_at > t.from_at
                  AND g.to_at - g.from_at > t.lifetime
            ) n
        ) u
        CROSS JOIN LATERAL (
            SELECT false AS is_unread, unnest(h.stopped * tstzmultirange(tstzrange(t.from_at, t.to_at)) - u.unread) AS part
            UNION ALL
            SELECT true, unnest(u.unread * tstzmultirange(tstzrange(t.from_at, t.to_at)))
        ) p
        CROSS JOIN LATERAL (
            SELECT p.is_unread, v.sign, v.second, floor(v.second / 3600)::bigint AS hour
            FROM (VALUES
                (date_part('epoch', lower(p.part) - \(question.hoursFrom)), 1),
                (date_part('epoch', upper(p.part) - \(question.hoursFrom)), -1)
            ) AS v (second, sign)
        ) e
        WHERE o.from_at < \(question.to)
          AND (o.to_at IS NULL OR o.to_at > \(question.from))
          AND (\(question.teams)::text[] IS NULL OR a.team = ANY (\(question.teams)))
        GROUP BY e.is_unread, e.hour
        ORDER BY e.is_unread, e.hour
        """
    }
}

/// How long a read of a session counts, in seconds.
struct LookLifetimes: Sendable, Hashable {
    /// For each account id from 1 on.
    var ofAccounts: [Double]
    /// Of sessions that are no more.
    var ofOthers: Double
}
