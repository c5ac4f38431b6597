import Domain
import FoundationEssentials
import LibPQ

// The statements that only batches with records need.
extension LedgerStatements {
    /// Lets no other batch number these records, or say something else of them, until the transaction ends.
    ///
    /// Two batches that are the first to speak of a record see nothing of each other, and may be about other agents or none, as a
    /// withdrawal is: neither would fold what the other says. The locks are taken in one order, before any agent is locked.
    static func lockRecords(_ events: [IncomingEvent]) -> PQStatement {
        let records = RecordColumns(events)
        return """
            SELECT pg_advisory_xact_lock(7266, h.number)
            FROM (
                SELECT DISTINCT hashtext(r.source_id || ' ' || r.record) AS number
                FROM unnest(\(records.sources), \(records.ids)) AS r (source_id, record)
                ORDER BY number
                OFFSET 0
            ) h
            """
    }

    /// Locks the states of the agents that the batch is about, and the leases this replica acts under.
    ///
    /// The batch is also about the agents of whom its records were said before: a record may be theirs no more. The rows
    /// are locked in the order of agents, so two batches cannot wait for each other. Indexes: `agents_agent_id_key`,
    /// `agent_aliases_pkey`, `clock_events_of_record`, `left_out_events_pkey`, `agent_states_pkey`.
    static func lockWithRecords(_ events: [IncomingEvent], accounts: [Int32]) -> PQStatement {
        let records = RecordColumns(events)
        return """
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
                    UNION ALL
                    SELECT e.agent
                    FROM unnest(\(records.sources), \(records.ids)) AS r (source_id, record)
                    CROSS JOIN LATERAL (
                        SELECT coalesce(
                            c.agent, (SELECT m.agent FROM clock_event_matches m WHERE m.sequence = c.sequence),
                            (SELECT w.agent FROM left_out_events w WHERE w.sequence = c.sequence)
                        ) AS agent
                        FROM clock_events c
                        WHERE c.source_id = r.source_id
                          AND c.record = r.record
                        OFFSET 0
                    ) e
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

    /// Of whom, and how, the batch's records were said so far; to be read before the batch's own events are added.
    ///
    /// Indexes: `clock_events_of_record`, `clock_event_matches_pkey`, `left_out_events_pkey`.
    static func known(_ events: [IncomingEvent]) -> PQStatement {
        let records = RecordColumns(events)
        return """
            SELECT r.source_id, r.record, e.agent, max(e.version) AS version, max(e.received_at) AS reported_at,
                bool_or(e.kind = \(PunchKind.void.code)) AS is_withdrawn, bool_or(e.version IS NULL) AS has_unnumbered
            FROM unnest(\(records.sources), \(records.ids)) AS r (source_id, record)
            CROSS JOIN LATERAL (
                SELECT c.version, c.kind, c.received_at, coalesce(
                    c.agent, (SELECT m.agent FROM clock_event_matches m WHERE m.sequence = c.sequence),
                    (SELECT w.agent FROM left_out_events w WHERE w.sequence = c.sequence)
                ) AS agent
                FROM clock_events c
                WHERE c.source_id = r.source_id
                  AND c.record = r.record
                OFFSET 0
            ) e
            GROUP BY r.source_id, r.record, e.agent
            """
    }

    /// What is known of agents.
    ///
    /// Indexes: `left_out_events_of_agent` and the primary keys behind `subjects_by_agent`.
    static func subjects(of agents: [Int64]) -> PQStatement {
        """
        SELECT v.*,
            (SELECT true FROM left_out_events w WHERE w.agent = v.agent LIMIT 1) IS NOT NULL AS has_left_out
        FROM subjects_by_agent v
        WHERE v.agent = ANY (\(agents))
        """
    }

    /// All that the ledger holds of the records whose reports have no version.
    ///
    /// Index: `clock_events_of_record`.
    static func reports(_ events: [IncomingEvent]) -> PQStatement {
        let records = RecordColumns(events.filter(\.isUnnumberedReport))
        return """
            SELECT e.*
            FROM unnest(\(records.sources), \(records.ids)) AS r (source_id, record)
            CROSS JOIN LATERAL (
                SELECT c.dedupe, c.source_id, c.record, c.version, c.received_at, c.external_id, c.kind, c.ordinal,
                    c.occurred_at
                FROM clock_events c
                WHERE c.source_id = r.source_id
                  AND c.record = r.record
                OFFSET 0
            ) e
            """
    }

    /// Reads the rows of ``reports(_:)``.
    static func readReports(_ result: PQResult) throws(PQError) -> [StoredPunch] {
        let dedupe = try result.decoder("dedupe", as: UUID.self)
        let source = try result.decoder("source_id", as: Int32.self)
        let record = try result.decoder("record", as: String.self)
        let version = try result.decoder("version", as: Int64?.self)
        let receivedAt = try result.decoder("received_at", as: Timestamp.self)
        let externalID = try result.decoder("external_id", as: String?.self)
        let kind = try result.decoder("kind", as: Int16.self)
        let ordinal = try result.decoder("ordinal", as: Int16.self)
        let occurredAt = try result.decoder("occurred_at", as: Timestamp.self)
        var punches: [StoredPunch] = []
        for row in result {
            guard let punchKind = PunchKind(code: try kind[row]) else { continue }
            punches.append(
                StoredPunch(
                    dedupe: try dedupe[row],
                    record: RecordKey(source: try source[row], id: try record[row]),
                    report: RecordReport(version: try version[row], reportedAt: try receivedAt[row]),
                    punch: ReportedPunch(
                        externalID: try externalID[row],
                        kind: punchKind,
                        ordinal: try ordinal[row],
                        occurredAt: try occurredAt[row]
                    )
                )
            )
        }
        return punches
    }
}

/// The records of a batch, each once, as two columns.
private struct RecordColumns {
    private(set) var sources: [Int32] = []
    private(set) var ids: [String] = []

    init(_ events: [IncomingEvent]) {
        for record in Set(events.compactMap(\.recordKey)) {
            sources.append(record.source)
            ids.append(record.id)
        }
    }
}
