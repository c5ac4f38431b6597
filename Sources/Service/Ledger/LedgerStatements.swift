import Domain
import FoundationEssentials
import LibPQ

/// The statements of the append path.
///
/// Each is one statement per batch, whatever the batch's size.
enum LedgerStatements {
    /// Keeps the map of agents still until the transaction ends; of every append the first statement.
    static let holdMap = AdvisoryLocks.mapShared

    /// Locks the states of the agents that the batch is about, and the leases this replica acts under.
    ///
    /// For a batch in which nothing belongs to a record; else ``lockWithRecords(_:accounts:)``. The rows are locked in the
    /// order of agents, so two batches cannot wait for each other. Indexes: `agents_agent_id_key`, `agent_aliases_pkey`,
    /// `agent_states_pkey`.
    static func lock(_ events: [IncomingEvent], accounts: [Int32]) -> PQStatement {
        """
        WITH i AS MATERIALIZED (
            SELECT n.source_id, n.external_id, n.matches_id
            FROM unnest(
                \(events.map(\.sourceID)), \(events.map(\.externalID)), \(events.map(\.matchesAgentID))
            ) AS n (source_id, external_id, matches_id)
        ), k AS (
            SELECT s.agent
            FROM agent_states s
            WHERE s.agent IN (
                SELECT coalesce(
                    (SELECT l.agent FROM agent_aliases l WHERE l.source_id = i.source_id AND l.external_id = i.external_id),
                    (SELECT a.agent FROM agents a WHERE i.matches_id AND a.agent_id = i.external_id)
                )
                FROM i
            )
            ORDER BY s.agent
            FOR NO KEY UPDATE
        ), t AS (
            SELECT account, term FROM engine_leases WHERE account = ANY (\(accounts)) FOR SHARE
        )
        SELECT k.agent, NULL::integer AS account, NULL::bigint AS term FROM k
        UNION ALL
        SELECT NULL, t.account, t.term FROM t
        """
    }

    /// Adds the batch's events and returns which are new and what is known of their agents.
    ///
    /// Grouped rather than joined: of two lists without an index a join compares each row with each.
    ///
    /// `place` counts from 1. `sequence` is null for an event that was there already. The rows are added in the order
    /// of their identity, so two batches with the same events cannot wait for each other. Indexes: as ``lock(_:accounts:)``,
    /// `clock_events_of_record`, `left_out_events_of_agent` and the primary keys behind `subjects_by_agent`.
    static func append(_ events: [IncomingEvent]) -> PQStatement {
        """
        WITH i AS MATERIALIZED (
            SELECT n.*, coalesce(
                (SELECT l.agent FROM agent_aliases l WHERE l.source_id = n.source_id AND l.external_id = n.external_id),
                (SELECT a.agent FROM agents a WHERE n.matches_id AND a.agent_id = n.external_id),
                (SELECT x.agent FROM (
                    SELECT coalesce(
                        e.agent, (SELECT m.agent FROM clock_event_matches m WHERE m.sequence = e.sequence),
                        (SELECT w.agent FROM left_out_events w WHERE w.sequence = e.sequence)
                    ) AS agent
                    FROM clock_events e
                    WHERE n.external_id IS NULL AND e.source_id = n.source_id AND e.record = n.record
                    OFFSET 0
                ) x WHERE x.agent IS NOT NULL LIMIT 1)
            ) AS matched
            FROM unnest(
                \(events.map(\.dedupe)), \(events.map(\.sourceID)), \(events.map(\.externalID)),
                \(events.map(\.matchesAgentID)), \(events.map(\.kind.code)), \(events.map(\.ordinal)),
                \(events.map(\.occurredAt)), \(events.map(\.effectiveAt)), \(events.map(\.receivedAt)),
                \(events.map(\.version)), \(events.map(\.eventID)), \(events.map(\.record)),
                \(events.map { $0.warnings.isEmpty ? nil : $0.warnings.joined(separator: ",") })
            ) WITH ORDINALITY AS n (
                dedupe, source_id, external_id, matches_id, kind, ordinal, occurred_at, effective_at, received_at,
                version, event_id, record, warnings, place
            )
        ), e AS (
            INSERT INTO clock_events (
                dedupe, agent, source_id, kind, ordinal, occurred_at, effective_at, received_at,
                version, event_id, external_id, record, warnings
            )
            SELECT dedupe, matched, source_id, kind, ordinal, occurred_at, effective_at, received_at,
                version, event_id, external_id, record, string_to_array(warnings, ',')
            FROM i
            ORDER BY dedupe
            ON CONFLICT (dedupe) DO NOTHING
            RETURNING dedupe, sequence
        )
        SELECT g.place, g.sequence, v.*,
            (SELECT true FROM left_out_events w WHERE w.agent = g.matched LIMIT 1) IS NOT NULL AS has_left_out
        FROM (
            SELECT max(u.place) AS place, max(u.sequence) AS sequence, max(u.matched) AS matched
            FROM (
                SELECT dedupe, place, matched, NULL::bigint AS sequence FROM i
                UNION ALL
                SELECT dedupe, NULL, NULL, sequence FROM e
            ) u
            GROUP BY u.dedupe
        ) g
        LEFT JOIN subjects_by_agent v ON v.agent = g.matched
        """
    }

    /// All punches of the given agents, with what was said of their records about others.
    ///
    /// `numbered_id` is the external id where ``LedgerPunch/externalID`` counts: of most rows it would be read in vain.
    ///
    /// Indexes: `clock_events_of_agent`, `clock_event_matches_of_agent`, `clock_events_of_record`,
    /// `clock_event_matches_pkey`.
    static func punches(of agents: [Int64]) -> PQStatement {
        """
        WITH own AS (
            SELECT e.agent, e.sequence, e.kind, e.effective_at, e.received_at, e.source_id, e.record, e.ordinal, e.version,
                CASE WHEN e.record IS NULL AND e.version IS NOT NULL THEN e.external_id END AS numbered_id
            FROM clock_events e
            WHERE e.agent = ANY (\(agents))
            UNION ALL
            SELECT m.agent, e.sequence, e.kind, e.effective_at, e.received_at, e.source_id, e.record, e.ordinal, e.version,
                CASE WHEN e.record IS NULL AND e.version IS NOT NULL THEN e.external_id END AS numbered_id
            FROM clock_event_matches m
            JOIN clock_events e ON e.sequence = m.sequence
            WHERE m.agent = ANY (\(agents))
        )
        SELECT agent, sequence, kind, effective_at, received_at, source_id, record, ordinal, version,
            numbered_id, false AS is_of_another
        FROM own
        UNION ALL
        SELECT r.agent, e.sequence, e.kind, e.effective_at, e.received_at, e.source_id, e.record, e.ordinal, e.version,
            NULL, true
        FROM (SELECT DISTINCT agent, source_id, record FROM own WHERE record IS NOT NULL) r
        CROSS JOIN LATERAL (
            SELECT c.*
            FROM clock_events c
            WHERE c.source_id = r.source_id
              AND c.record = r.record
              AND c.agent IS DISTINCT FROM r.agent
            OFFSET 0
        ) e
        WHERE NOT EXISTS (SELECT FROM clock_event_matches m WHERE m.sequence = e.sequence AND m.agent = r.agent)
        """
    }

    /// What is stored of events that were there already.
    ///
    /// Index: `clock_events_dedupe_key`.
    static func stored(_ dedupes: [UUID]) -> PQStatement {
        """
        SELECT dedupe, sequence, kind, external_id, occurred_at, effective_at, received_at
        FROM clock_events
        WHERE dedupe = ANY (\(dedupes))
        """
    }

    /// Reads the rows of ``punches(of:)``.
    static func readPunches(_ result: PQResult) throws(PQError) -> [Int64: [LedgerPunch]] {
        let agent = try result.decoder("agent", as: Int64.self)
        let sequence = try result.decoder("sequence", as: Int64.self)
        let kind = try result.decoder("kind", as: Int16.self)
        let effectiveAt = try result.decoder("effective_at", as: Timestamp.self)
        let source = try result.decoder("source_id", as: Int32.self)
        let numberedID = try result.decoder("numbered_id", as: String?.self)
        let record = try result.decoder("record", as: String?.self)
        let ordinal = try result.decoder("ordinal", as: Int16.self)
        let version = try result.decoder("version", as: Int64?.self)
        let receivedAt = try result.decoder("received_at", as: Timestamp.self)
        let isOfAnother = try result.decoder("is_of_another", as: Bool.self)
        var punches: [Int64: [LedgerPunch]] = [:]
        for row in result {
            guard let punchKind = PunchKind(code: try kind[row]) else { continue }
            let sourceID = try source[row]
            punches[try agent[row], default: []].append(
                LedgerPunch(
                    sequence: try sequence[row],
                    kind: punchKind,
                    effectiveAt: try effectiveAt[row],
                    source: sourceID,
                    externalID: try numberedID[row],
                    record: try record[row].map { RecordKey(source: sourceID, id: $0) },
                    ordinal: try ordinal[row],
                    version: try version[row],
                    reportedAt: try receivedAt[row],
                    isOfAnother: try isOfAnother[row]
                )
            )
        }
        return punches
    }
}
