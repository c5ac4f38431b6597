import Domain
import LibPQ

/// What became of sessions besides being started: how often one was found otherwise, and how long they were stopped.
extension StatsReads {
    /// A flicker of a session that comes back by itself within so long is no drift, as it is none to the reconciler.
    private static let flicker: Duration = .seconds(15)

    /// Sessions that left what they had been brought to without a command of ours, by the hour in which that was read.
    ///
    /// The last command says what a session was brought to, or, before the first one, what it was then. One that has left it is
    /// counted again only when it was right again in between. Indexes: `session_changes_at`, `instances_pkey`, `agents_pkey`,
    /// `session_changes_pkey`, `commands_pkey`.
    static func drift(_ question: Question) -> PQStatement {
        """
        SELECT date_bin('1 hour', s.at, \(question.hoursFrom)) AS hour,
            count(*) AS found,
            count(*) FILTER (WHERE EXISTS (
                SELECT
                FROM session_changes r
                WHERE r.instance = s.instance
                  AND r.at > s.at
                  AND r.at < \(question.to)
                  AND r.reading = p.reading
            )) AS repaired
        FROM session_changes s
        JOIN instances x ON x.instance = s.instance
        JOIN agents a ON a.agent = x.agent
        CROSS JOIN LATERAL (
            SELECT b.at, b.reading
            FROM session_changes b
            WHERE b.instance = s.instance
              AND b.at < s.at
            ORDER BY b.at DESC
            LIMIT 1
        ) p
        LEFT JOIN LATERAL (
            SELECT k.sent_at, CASE k.action WHEN \(Action.stop.code) THEN 'STOPPED' ELSE 'WORKING' END AS reading
            FROM commands k
            WHERE k.instance = s.instance
              AND k.command_id <= (extract(epoch FROM s.at) * 1000000)::bigint
              AND k.sent_at <= s.at
            ORDER BY k.command_id DESC
            LIMIT 1
        ) c ON true
        LEFT JOIN LATERAL (
            SELECT n.at, n.reading
            FROM session_changes n
            WHERE n.instance = s.instance
              AND n.at > s.at
            ORDER BY n.at
            LIMIT 1
        ) f ON f.reading = p.reading AND f.at <= s.at + make_interval(secs => \(flicker.inSeconds))
        WHERE s.at >= \(question.from)
          AND s.at < \(question.to)
          AND s.reading <> p.reading
          AND p.reading IN ('WORKING', 'STOPPED')
          AND (c.sent_at IS NULL OR c.sent_at < p.at)
          AND p.reading = coalesce(c.reading, (
            SELECT b.reading
            FROM session_changes b
            WHERE b.instance = s.instance
              AND b.reading IN ('WORKING', 'STOPPED')
            ORDER BY b.at
            LIMIT 1
          ))
          AND (f.at IS NULL OR EXISTS (
            SELECT FROM commands k WHERE k.instance = s.instance AND k.sent_at BETWEEN s.at AND f.at
          ))
          AND (\(question.teams)::text[] IS NULL OR a.team = ANY (\(question.teams)))
        GROUP BY 1
        ORDER BY 1
        """
    }

    /// By how many sessions more were stopped with each hour, and for how many seconds of it those that changed were.
    ///
    /// Each session counts from the change before the span on. Two rows for a stretch, however many hours it lasts. Indexes:
    /// `agents_of_team`, `instances_agent_key`, `session_changes_pkey`.
    static func hibernation(_ question: Question) -> PQStatement {
        """
        SELECT e.hour, sum(e.sign)::bigint AS change,
            sum(e.sign * (3600 - (extract(epoch FROM e.at - \(question.hoursFrom)) - e.hour * 3600)))::float8 AS seconds
        FROM agents a
        JOIN instances x ON x.agent = a.agent
        CROSS JOIN LATERAL (
            SELECT k.reading, k.at, coalesce(lead(k.at) OVER (ORDER BY k.at), \(question.to)) AS until
            FROM (
                (SELECT s.at, s.reading
                FROM session_changes s
                WHERE s.instance = x.instance
                  AND s.at <= \(question.from)
                ORDER BY s.at DESC
                LIMIT 1)
                UNION ALL
                (SELECT s.at, s.reading
                FROM session_changes s
                WHERE s.instance = x.instance
                  AND s.at > \(question.from)
                  AND s.at < \(question.to))
            ) k
        ) h
        CROSS JOIN LATERAL (
            SELECT v.at, v.sign, floor(extract(epoch FROM v.at - \(question.hoursFrom)) / 3600)::bigint AS hour
            FROM (VALUES (greatest(h.at, \(question.from)), 1), (least(h.until, \(question.to)), -1)) AS v (at, sign)
        ) e
        WHERE h.reading = 'STOPPED'
          AND (\(question.teams)::text[] IS NULL OR a.team = ANY (\(question.teams)))
        GROUP BY e.hour
        ORDER BY e.hour
        """
    }
}

/// What an hour changed in how many sessions are stopped.
struct StoppedStep: Sendable, Equatable {
    /// Which hour, counted from the question's first.
    var hour: Int64
    /// How many more are stopped at its end than at its beginning.
    var change: Int64
    /// For how long within it those were stopped, less the time for which those that began to run were not, in seconds.
    var seconds: Double

    /// How long sessions were stopped in each hour; those without any are left out.
    ///
    /// `steps`: in order. `from`: when hour 0 begins. `to`: when the span ends, by which every stretch has ended.
    static func hours(_ steps: [StoppedStep], from: Timestamp, to: Timestamp) -> [Stats.Hibernation] {
        guard let first = steps.first, let last = steps.last else { return [] }
        var changes = Dictionary(steps.map { ($0.hour, $0) }) { first, _ in first }
        var stopped: Int64 = 0
        var hours: [Stats.Hibernation] = []
        for hour in first.hour...last.hour {
            let step = changes.removeValue(forKey: hour)
            let seconds = Double(stopped) * 3600 + (step?.seconds ?? 0)
            stopped += step?.change ?? 0
            let at = from + .seconds(hour * 3600)
            // The step that ends the span's stretches may lie at the beginning of an hour that is no part of it.
            if seconds > 0.001, at < to { hours.append(Stats.Hibernation(at: at, hours: seconds / 3600)) }
        }
        return hours
    }
}
