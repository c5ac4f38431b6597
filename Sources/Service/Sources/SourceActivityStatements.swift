import Domain
import LibPQ

/// The statements that write down what came of sources, and judge who is silent.
enum SourceActivityStatements {
    /// Refusals kept of each source.
    static let refusalsKept: Int64 = 200
    /// Days for which counts are kept.
    static let daysKept: Int32 = 90
    /// What was heard is written down within this time.
    static let writtenWithin: Duration = .seconds(10)
    /// Whoever gave a sign of life within this time is there; what is longer is noted as an absence.
    private static let presence: Duration = .seconds(30)

    /// Writes a tally, whatever it holds, and gives the name of each of its sources and when it was last seen.
    ///
    /// The rows are written in one order, so that two replicas cannot wait for each other. Indexes: `source_counts_pkey`,
    /// `source_activity_pkey`, `source_refusals_of_source`.
    static func flush(_ tally: SourceTally, redactor: Redactor) -> PQStatement {
        let sources = tally.entries.sorted { $0.key < $1.key }
        var counts: [(source: Int32, day: Int64, outcome: String, count: Int64)] = []
        var refusals: [(source: Int32, note: SourceRefusalNote)] = []
        for (source, entry) in sources {
            for (day, outcomes) in entry.counts {
                counts += outcomes.map { (source, day.number, $0.key.rawValue, $0.value) }
            }
            refusals += entry.refusals.map { (source, $0) }
        }
        let redact = { (text: String?) in text.map { redactor.redact($0) } }
        return """
            WITH counted AS (
                INSERT INTO source_counts AS c (source_id, day, outcome, count)
                SELECT n.source_id, date '1970-01-01' + n.day::integer, n.outcome, n.count
                FROM unnest(
                    \(counts.map(\.source)), \(counts.map(\.day)), \(counts.map(\.outcome)), \(counts.map(\.count))
                ) AS n (source_id, day, outcome, count)
                ORDER BY n.source_id, n.day, n.outcome
                ON CONFLICT (source_id, day, outcome) DO UPDATE
                SET count = c.count + excluded.count
            ), trimmed AS (
                DELETE FROM source_refusals r
                USING (
                    SELECT k.source_id, o.refused_at, o.refusal
                    FROM (SELECT DISTINCT unnest(\(refusals.map(\.source))) AS source_id) k
                    CROSS JOIN LATERAL (
                        SELECT x.refused_at, x.refusal
                        FROM source_refusals x
                        WHERE x.source_id = k.source_id
                        ORDER BY x.refused_at DESC, x.refusal DESC
                        OFFSET \(refusalsKept - Int64(SourceTally.refusalLimit))
                        LIMIT 1
                    ) o
                ) old
                WHERE r.source_id = old.source_id
                  AND (r.refused_at, r.refusal) <= (old.refused_at, old.refusal)
            ), noted AS (
                INSERT INTO source_refusals (source_id, refused_at, reason, detail, size, content_type, user_agent)
                SELECT n.*
                FROM unnest(
                    \(refusals.map(\.source)), \(refusals.map(\.note.at)), \(refusals.map(\.note.reason.rawValue)),
                    \(refusals.map { redactor.redact($0.note.detail) }),
                    \(refusals.map { $0.note.size.map { Int32(clamping: $0) } }),
                    \(refusals.map { redact($0.note.contentType) }), \(refusals.map { redact($0.note.userAgent) })
                ) AS n
            )
            INSERT INTO source_activity AS a (source_id, last_seen_at, last_refused_at, refused_since_seen)
            SELECT n.*
            FROM unnest(
                \(sources.map(\.key)), \(sources.map(\.value.lastSeenAt)), \(sources.map(\.value.lastRefusedAt)),
                \(sources.map(\.value.faultsSinceSeen))
            ) AS n (source_id, last_seen_at, last_refused_at, faults)
            ORDER BY n.source_id
            ON CONFLICT (source_id) DO UPDATE
            SET last_seen_at = greatest(a.last_seen_at, excluded.last_seen_at),
                last_refused_at = greatest(a.last_refused_at, excluded.last_refused_at),
                refused_since_seen = excluded.refused_since_seen
                    + CASE WHEN excluded.last_seen_at IS NULL THEN a.refused_since_seen ELSE 0 END
            RETURNING a.source_id, a.last_seen_at, (
                SELECT s.name FROM clock_sources s WHERE s.source_id = a.source_id
            ) AS name
            """
    }

    /// Opens an incident for each source that was heard once and then for longer than it may be silent was not, and closes
    /// those of sources that were heard since.
    ///
    /// Silence counts from the end of the last absence of all replicas, since nobody listened before, whichever process it is
    /// that listens now; one that only reconciles counts as there. Until an absence that is over is noted, nobody is there, and nothing is judged. Another replica's limit
    /// may be shorter, as while settings change: what it opened stays.
    ///
    /// By the database's clock. Indexes: `source_activity_pkey`, `look_gaps_pkey`, `incidents_open_key`; the last also keeps a
    /// second replica from opening the same.
    ///
    /// `limits`: how long each source may be silent.
    /// `uptime`: how long this process has served; it counts where no replica before it is known of.
    static func judge(_ limits: [Int32: Duration], uptime: Duration) -> PQStatement {
        let limits = limits.sorted { $0.key < $1.key }
        return """
            WITH heard AS MATERIALIZED (
                SELECT greatest(
                    (SELECT max(g.to_at) FROM look_gaps g WHERE g.instance = 0),
                    CASE WHEN p.seen_at IS NULL THEN now() - make_interval(secs => \(uptime.inSeconds)) END
                ) AS from_at, EXISTS (
                    SELECT FROM replicas r WHERE r.seen_at > now() - make_interval(secs => \(presence.inSeconds))
                ) AS is_now
                FROM replica_presence p
            ), w AS MATERIALIZED (
                SELECT n.source_id, n.seconds, a.last_seen_at, i.incident, i.opened_at,
                    h.is_now AND now() - greatest(a.last_seen_at, h.from_at) > make_interval(secs => n.seconds) AS is_silent
                FROM unnest(\(limits.map(\.key)), \(limits.map(\.value.inSeconds))) AS n (source_id, seconds)
                CROSS JOIN heard h
                JOIN source_activity a ON a.source_id = n.source_id
                LEFT JOIN incidents i ON i.account = -n.source_id AND i.kind = 'source_silent' AND i.closed_at IS NULL
                WHERE a.last_seen_at IS NOT NULL
            ), opened AS (
                INSERT INTO incidents (account, source_id, kind, detail)
                SELECT -source_id, source_id, 'source_silent',
                    'nothing genuine since ' || to_char(last_seen_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
                FROM w
                WHERE is_silent AND incident IS NULL
                ON CONFLICT (account, kind) WHERE closed_at IS NULL DO NOTHING
                RETURNING source_id, true AS is_silent
            ), closed AS (
                UPDATE incidents i
                SET closed_at = now()
                FROM w
                WHERE i.incident = w.incident
                  AND w.last_seen_at
                    > w.opened_at - make_interval(secs => least(w.seconds, \(writtenWithin.inSeconds)))
                RETURNING i.source_id, false
            )
            SELECT source_id, is_silent FROM opened
            UNION ALL
            SELECT * FROM closed
            """
    }

    /// Closes what nobody watches any more, since the setting was taken away, or the source, and what the limit of its source
    /// does not count any more.
    ///
    /// `limits`: as ``judge(_:uptime:)`` has them.
    static func abandon(watching limits: [Int32: Duration]) -> PQStatement {
        let limits = limits.sorted { $0.key < $1.key }
        return """
            UPDATE incidents i
            SET closed_at = now()
            WHERE i.kind = 'source_silent'
              AND i.closed_at IS NULL
              AND NOT EXISTS (
                SELECT
                FROM unnest(\(limits.map(\.key)), \(limits.map(\.value.inSeconds))) AS n (source_id, seconds)
                LEFT JOIN source_activity a ON a.source_id = n.source_id
                WHERE n.source_id = i.source_id
                  AND (a.last_seen_at > now() - make_interval(secs => n.seconds)) IS NOT TRUE
              )
            """
    }

    /// Forgets counts that are too old; the table has a few rows for each source and day.
    static var prune: PQStatement {
        "DELETE FROM source_counts WHERE day < (now() AT TIME ZONE 'UTC')::date - \(daysKept)"
    }

    /// When each source was last seen, to begin with.
    static var lastSeen: PQStatement {
        """
        SELECT a.source_id, a.last_seen_at, s.name
        FROM source_activity a
        JOIN clock_sources s ON s.source_id = a.source_id
        """
    }
}
