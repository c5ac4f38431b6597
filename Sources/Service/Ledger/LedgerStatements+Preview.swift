import Domain
import LibPQ

// The statements of a preview, which only read.
extension LedgerStatements {
    /// What ``append(_:)`` would return, without adding anything.
    ///
    /// `sequence` is above all that there are for an event that would be new: there it stands after everything. Indexes: as ``append(_:)``, and
    /// `clock_events_dedupe_key`.
    static func lookUp(_ events: [IncomingEvent]) -> PQStatement {
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
                \(events.map(\.matchesAgentID)), \(events.map(\.record))
            ) WITH ORDINALITY AS n (dedupe, source_id, external_id, matches_id, record, place)
        )
        SELECT i.place,
            CASE WHEN EXISTS (SELECT FROM clock_events e WHERE e.dedupe = i.dedupe) THEN NULL
                ELSE 9000000000000000000 + i.place
            END AS sequence,
            v.*,
            (SELECT true FROM left_out_events w WHERE w.agent = i.matched LIMIT 1) IS NOT NULL AS has_left_out
        FROM i
        LEFT JOIN LATERAL (
            SELECT * FROM subjects_by_agent s WHERE s.agent = i.matched OFFSET 0
        ) v ON true
        """
    }

    /// All that the ledger holds of the events' records, each with the agent that it is about.
    ///
    /// Indexes: `clock_events_of_record`, `clock_event_matches_pkey`.
    static func punches(ofRecords events: [IncomingEvent]) -> PQStatement {
        let records = Set(events.compactMap(\.recordKey)).sorted { ($0.source, $0.id) < ($1.source, $1.id) }
        return """
            SELECT coalesce(
                    e.agent, (SELECT m.agent FROM clock_event_matches m WHERE m.sequence = e.sequence)
                ) AS agent,
                e.sequence, e.kind, e.effective_at, e.received_at, e.source_id, e.record, e.ordinal, e.version
            FROM unnest(\(records.map(\.source)), \(records.map(\.id))) AS r (source_id, record)
            CROSS JOIN LATERAL (
                SELECT c.*
                FROM clock_events c
                WHERE c.source_id = r.source_id
                  AND c.record = r.record
                OFFSET 0
            ) e
            """
    }

    /// Reads the rows of ``punches(ofRecords:)``.
    static func readRecordPunches(_ result: PQResult) throws(PQError) -> [(agent: Int64?, punch: LedgerPunch)] {
        let agent = try result.decoder("agent", as: Int64?.self)
        let sequence = try result.decoder("sequence", as: Int64.self)
        let kind = try result.decoder("kind", as: Int16.self)
        let effectiveAt = try result.decoder("effective_at", as: Timestamp.self)
        let source = try result.decoder("source_id", as: Int32.self)
        let record = try result.decoder("record", as: String.self)
        let ordinal = try result.decoder("ordinal", as: Int16.self)
        let version = try result.decoder("version", as: Int64?.self)
        let receivedAt = try result.decoder("received_at", as: Timestamp.self)
        var punches: [(agent: Int64?, punch: LedgerPunch)] = []
        for row in result {
            guard let punchKind = PunchKind(code: try kind[row]) else { continue }
            let punch = LedgerPunch(
                sequence: try sequence[row],
                kind: punchKind,
                effectiveAt: try effectiveAt[row],
                record: RecordKey(source: try source[row], id: try record[row]),
                ordinal: try ordinal[row],
                version: try version[row],
                reportedAt: try receivedAt[row]
            )
            punches.append((try agent[row], punch))
        }
        return punches
    }
}
