import Domain
import LibPQ

/// The statements behind lists and counts of names under which events are unmatched.
///
/// Names are walked by skipping from one to the next in the index, so that the work follows the names and not the events.
enum UnmatchedNameStatements {
    /// Names of one source that a count looks at, and names that it counts to.
    static let countWalkLimit: Int64 = 10_000
    static let countLimit: Int64 = 1_000

    /// The next names, with what is unmatched under each; nothing is, for those who have all of it by now, and for those who
    /// are erased: they wait for nobody.
    ///
    /// Both ends of the walk are conditions on the index, so that no other source's entries are read. Indexes:
    /// `clock_events_unmatched`, `clock_event_matches_pkey`, `left_out_events_pkey`, `agent_aliases_pkey`.
    ///
    /// `source`: the only source to walk; `nil` for all.
    static func walk(source: Int32?, after position: UnmatchedNames.Position) -> PQStatement {
        let start = UnmatchedNames.Position(position, within: source)
        let end = source ?? .max
        return """
            WITH RECURSIVE names (source_id, external_id, place) AS (
                (SELECT c.source_id, c.external_id, 1
                FROM clock_events c
                WHERE c.agent IS NULL
                  AND c.external_id IS NOT NULL
                  AND (c.source_id, c.external_id) > (\(start.sourceID), \(start.externalID))
                  AND c.source_id <= \(end)
                ORDER BY c.source_id, c.external_id
                LIMIT 1)
                UNION ALL
                SELECT x.source_id, x.external_id, n.place + 1
                FROM names n
                CROSS JOIN LATERAL (
                    SELECT c.source_id, c.external_id
                    FROM clock_events c
                    WHERE c.agent IS NULL
                      AND c.external_id IS NOT NULL
                      AND (c.source_id, c.external_id) > (n.source_id, n.external_id)
                      AND c.source_id <= \(end)
                    ORDER BY c.source_id, c.external_id
                    LIMIT 1
                ) x
                WHERE n.place < \(figure: UnmatchedNames.walkLimit)
            )
            SELECT n.source_id, s.name AS source, n.external_id, u.events, u.left_out, u.first_at, u.last_at, u.kinds,
                coalesce(
                    (SELECT a.agent_id FROM agent_aliases l JOIN agents a ON a.agent = l.agent
                        WHERE l.source_id = n.source_id AND l.external_id = n.external_id),
                    (SELECT a.agent_id FROM agents a WHERE a.agent = u.agent)
                ) AS agent_id
            FROM names n
            JOIN clock_sources s ON s.source_id = n.source_id
            CROSS JOIN LATERAL (
                SELECT count(*) AS events, count(w.sequence) AS left_out, max(w.agent) AS agent,
                    min(e.occurred_at) AS first_at, max(e.occurred_at) AS last_at, array_agg(DISTINCT e.kind) AS kinds
                FROM (
                    SELECT c.sequence, c.occurred_at, c.kind
                    FROM clock_events c
                    WHERE c.agent IS NULL
                      AND c.source_id = n.source_id
                      AND c.external_id = n.external_id
                      AND NOT is_erased(n.external_id)
                      AND NOT EXISTS (SELECT FROM clock_event_matches m WHERE m.sequence = c.sequence)
                    ORDER BY c.sequence DESC
                    LIMIT \(figure: UnmatchedNames.eventLimit)
                ) e
                LEFT JOIN left_out_events w ON w.sequence = e.sequence
            ) u
            ORDER BY n.place
            """
    }

    /// The newest unmatched events of some names, with what was said of their records under other names; rows as of
    /// ``LedgerStatements/punches(of:)``, with the place of the name from 1 as `agent`.
    ///
    /// All of such an agent are of one name, so which it is need not be said. Indexes: `clock_events_unmatched`, `clock_event_matches_pkey`, `clock_events_of_record`.
    static func punches(_ names: [UnmatchedName]) -> PQStatement {
        """
        WITH w AS MATERIALIZED (
            SELECT n.place AS agent, n.external_id, e.*
            FROM unnest(\(names.map(\.sourceID)), \(names.map(\.externalID)))
                WITH ORDINALITY AS n (source_id, external_id, place)
            CROSS JOIN LATERAL (
                SELECT c.sequence, c.kind, c.effective_at, c.received_at, c.source_id, c.record, c.ordinal, c.version
                FROM clock_events c
                WHERE c.agent IS NULL
                  AND c.source_id = n.source_id
                  AND c.external_id = n.external_id
                  AND NOT EXISTS (SELECT FROM clock_event_matches m WHERE m.sequence = c.sequence)
                ORDER BY c.sequence DESC
                LIMIT \(figure: UnmatchedNames.judgedLimit)
            ) e
        )
        SELECT agent, sequence, kind, effective_at, received_at, source_id, record, ordinal, version,
            NULL::text AS numbered_id, false AS is_of_another
        FROM w
        UNION ALL
        SELECT r.agent, e.sequence, e.kind, e.effective_at, e.received_at, e.source_id, e.record, e.ordinal, e.version,
            NULL, true
        FROM (SELECT DISTINCT agent, external_id, source_id, record FROM w WHERE record IS NOT NULL) r
        CROSS JOIN LATERAL (
            SELECT c.*
            FROM clock_events c
            WHERE c.source_id = r.source_id
              AND c.record = r.record
              AND (c.external_id IS DISTINCT FROM r.external_id OR c.agent IS NOT NULL)
            OFFSET 0
        ) e
        """
    }

    /// Agents whose id, name or alias at another source is the same as one of these names, but for capitals in the first
    /// two.
    ///
    /// Indexes: `agents_of_folded_id`, `agents_of_folded_name`, `agent_aliases_pkey`, `agents_pkey`.
    static func suggestions(_ names: [UnmatchedName]) -> PQStatement {
        """
        SELECT n.place, g.agent_id, g.name, g.because
        FROM unnest(\(names.map(\.sourceID)), \(names.map(\.externalID)))
            WITH ORDINALITY AS n (source_id, external_id, place)
        CROSS JOIN LATERAL (
            (SELECT 1 AS rank, a.agent_id, a.name, 'agent_id' AS because
            FROM agents a
            WHERE lower(a.agent_id) = lower(n.external_id COLLATE "C")
            LIMIT \(figure: UnmatchedNames.suggestionLimit))
            UNION ALL
            (SELECT 2, a.agent_id, a.name, 'name'
            FROM agents a
            WHERE lower(a.name) = lower(n.external_id)
            LIMIT \(figure: UnmatchedNames.suggestionLimit))
            UNION ALL
            (SELECT 3, a.agent_id, a.name, 'alias'
            FROM clock_sources s
            CROSS JOIN LATERAL (
                SELECT l.agent
                FROM agent_aliases l
                WHERE l.source_id = s.source_id
                  AND l.external_id = n.external_id
                OFFSET 0
            ) l
            JOIN agents a ON a.agent = l.agent
            WHERE s.source_id <> n.source_id
            LIMIT \(figure: UnmatchedNames.suggestionLimit))
        ) g
        ORDER BY n.place, g.rank, g.agent_id
        """
    }

    /// How many names of each source are nobody's, up to ``countLimit`` and one more, among the source's first
    /// ``countWalkLimit``; and when the first event came that waits under them.
    ///
    /// A name that belongs to an agent is not counted, whatever the agent left out; nor is one of somebody who is erased.
    /// Indexes: `clock_events_unmatched`, `agent_aliases_pkey`, `clock_event_matches_pkey`, `left_out_events_pkey`.
    static var counts: PQStatement {
        """
        SELECT s.source_id, u.count, u.since
        FROM clock_sources s
        CROSS JOIN LATERAL (
            WITH RECURSIVE names (external_id, place) AS (
                (SELECT c.external_id, 1
                FROM clock_events c
                WHERE c.agent IS NULL
                  AND c.external_id IS NOT NULL
                  AND c.source_id = s.source_id
                ORDER BY c.source_id, c.external_id
                LIMIT 1)
                UNION ALL
                SELECT x.external_id, n.place + 1
                FROM names n
                CROSS JOIN LATERAL (
                    SELECT c.external_id
                    FROM clock_events c
                    WHERE c.agent IS NULL
                      AND c.source_id = s.source_id
                      AND c.external_id > n.external_id
                    ORDER BY c.source_id, c.external_id
                    LIMIT 1
                ) x
                WHERE n.place < \(Int32(countWalkLimit))
            )
            SELECT count(*) AS count, min(o.received_at) AS since
            FROM (
                SELECT e.received_at
                FROM names n
                CROSS JOIN LATERAL (
                    SELECT c.received_at
                    FROM clock_events c
                    WHERE c.agent IS NULL
                      AND c.source_id = s.source_id
                      AND c.external_id = n.external_id
                      AND NOT EXISTS (SELECT FROM clock_event_matches m WHERE m.sequence = c.sequence)
                      AND NOT EXISTS (SELECT FROM left_out_events w WHERE w.sequence = c.sequence)
                    ORDER BY c.source_id, c.external_id, c.sequence
                    LIMIT 1
                ) e
                WHERE NOT is_erased(n.external_id)
                  AND (
                    SELECT l.agent FROM agent_aliases l WHERE l.source_id = s.source_id AND l.external_id = n.external_id
                  ) IS NULL
                LIMIT \(countLimit + 1)
            ) o
        ) u
        WHERE u.count > 0
        """
    }
}
