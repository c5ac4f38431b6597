import ClockSources
import Domain
package import LibPQ

/// Reads how the clock sources are doing.
package struct SourceReads: Sendable {
    let pool: PQPool
    /// By name.
    private let configured: [String: ConfiguredSource]

    /// Sources that are shown.
    static let limit: Int64 = 200

    private let unmatched: UnmatchedCount

    package init(pool: PQPool, configured: [ConfiguredSource]) {
        self.init(pool: pool, configured: configured, unmatched: UnmatchedCount(pool: pool))
    }

    /// `unmatched`: counts for all who show it.
    init(pool: PQPool, configured: [ConfiguredSource], unmatched: UnmatchedCount) {
        self.pool = pool
        self.unmatched = unmatched
        self.configured = Dictionary(configured.map { ($0.name, $0) }) { first, _ in first }
    }

    /// All sources by name, or one.
    ///
    /// Two statements, each over a few rows per source and those of a bounded number of records, and the bounded count of
    /// unmatched names, now and then. Indexes: `clock_sources_name_key`, `source_activity_pkey`, `source_refusals_of_source`,
    /// `incidents_open_key`, `record_fetches_pkey`, `source_counts_pkey`.
    package func standings(of name: String? = nil) async throws(PQError) -> [SourceStanding] {
        let results = try await pool.pipeline([Self.standing(of: name), Self.counts(of: name)])
        let counts = try Self.readCounts(results[1])
        let unmatched = try await unmatched.bySource()
        return try results[0].map { row throws(PQError) in
            let source = try row.column("source_id", as: Int32.self)
            let name = try row.column("name", as: String.self)
            let lastSeenAt = try row.column("last_seen_at", as: Timestamp?.self)
            let silentSince = try row.column("silent_since", as: Timestamp?.self)
            let ours = configured[name]
            let isNative = try row.column("is_native", as: Bool.self)
            let counted = counts[source] ?? (today: .init(), week: .init())
            let unfetched = try UnfetchedRecords(row)
            let refusedSinceSeen = try row.column("refused_since_seen", as: Int64?.self) ?? 0
            return SourceStanding(
                sourceID: source,
                name: name,
                kind: ours.map { $0.kind?.rawValue ?? "other" } ?? (isNative ? "native" : nil),
                state: SourceState(
                    lastSeenAt: lastSeenAt,
                    refusedSinceSeen: refusedSinceSeen,
                    isSilent: silentSince != nil,
                    // Of a source that is not set up any more nobody asks.
                    isFetchRefused: ours != nil && unfetched.isUnauthorized
                ),
                lastSeenAt: lastSeenAt,
                lastRefusedAt: try row.column("last_refused_at", as: Timestamp?.self),
                lastRefusal: try SourceRefusalNote(row),
                today: counted.today,
                week: counted.week,
                silenceLimit: ours.flatMap { $0.silence > .zero ? $0.silence : nil },
                silentSince: silentSince,
                areDeliveriesRefused: SourceState(
                    lastSeenAt: lastSeenAt,
                    refusedSinceSeen: refusedSinceSeen,
                    isSilent: false
                ) == .refusing,
                unfetched: unfetched,
                unmatched: min(unmatched[source] ?? 0, UnmatchedNameStatements.countLimit)
            )
        }
    }

    private static func standing(of name: String?) -> PQStatement {
        """
        SELECT s.source_id, s.name, a.last_seen_at, a.last_refused_at, a.refused_since_seen,
            r.refused_at, r.reason, r.detail, r.size, r.content_type, r.user_agent,
            i.opened_at AS silent_since, f.unfetched, f.unfetched_since, f.unfetched_reason,
            s.name = 'api' OR EXISTS (
                SELECT FROM api_keys k WHERE k.source_id = s.source_id AND k.revoked_at IS NULL
            ) AS is_native
        FROM clock_sources s
        LEFT JOIN source_activity a ON a.source_id = s.source_id
        LEFT JOIN LATERAL (
            SELECT *
            FROM source_refusals x
            WHERE x.source_id = s.source_id
            ORDER BY x.refused_at DESC, x.refusal DESC
            LIMIT 1
        ) r ON true
        LEFT JOIN incidents i ON i.account = -s.source_id AND i.kind = 'source_silent' AND i.closed_at IS NULL
        CROSS JOIN LATERAL (
            SELECT count(*) AS unfetched, min(x.asked_at) AS unfetched_since,
                (array_agg(x.failure ORDER BY x.failure = 'unauthorized' DESC, x.asked DESC))[1] AS unfetched_reason
            FROM (
                SELECT asked, asked_at, failure
                FROM record_fetches
                WHERE source_id = s.source_id
                LIMIT \(UnfetchedRecords.countLimit)
            ) x
            WHERE x.failure IS NOT NULL
        ) f
        WHERE \(name)::text IS NULL OR s.name = \(name)
        ORDER BY s.name
        LIMIT \(limit)
        """
    }

    private static func counts(of name: String?) -> PQStatement {
        """
        SELECT c.source_id, c.outcome, sum(c.count)::bigint AS week,
            coalesce(sum(c.count) FILTER (WHERE c.day = (now() AT TIME ZONE 'UTC')::date), 0)::bigint AS today
        FROM source_counts c
        JOIN clock_sources s ON s.source_id = c.source_id
        WHERE c.day > (now() AT TIME ZONE 'UTC')::date - 7
          AND (\(name)::text IS NULL OR s.name = \(name))
        GROUP BY c.source_id, c.outcome
        """
    }

    private static func readCounts(
        _ result: PQResult
    ) throws(PQError) -> [Int32: (today: SourceStanding.Counts, week: SourceStanding.Counts)] {
        var counts: [Int32: (today: SourceStanding.Counts, week: SourceStanding.Counts)] = [:]
        for row in result {
            let source = try row.column("source_id", as: Int32.self)
            // A newer release may count what this one has no word for.
            guard let outcome = SourceOutcome(rawValue: try row.column("outcome", as: String.self)) else { continue }
            var counted = counts[source] ?? (today: .init(), week: .init())
            counted.today.byOutcome[outcome] = try row.column("today", as: Int64.self)
            counted.week.byOutcome[outcome] = try row.column("week", as: Int64.self)
            counts[source] = counted
        }
        return counts
    }
}

extension SourceRefusalNote {
    /// Reads the columns of `source_refusals`; `nil` where they are null.
    init?(_ row: PQRow) throws(PQError) {
        guard let at = try row.column("refused_at", as: Timestamp?.self) else { return nil }
        self.init(
            at: at,
            reason: SourceOutcome(rawValue: try row.column("reason", as: String.self)) ?? .malformed,
            detail: try row.column("detail", as: String.self),
            size: try row.column("size", as: Int32?.self).map { Int($0) },
            contentType: try row.column("content_type", as: String?.self),
            userAgent: try row.column("user_agent", as: String?.self)
        )
    }
}
