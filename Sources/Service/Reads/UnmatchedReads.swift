import Domain
import LibPQ

/// An event whose agent nobody knows, or that is too old for the agent to get.
struct UnmatchedEvent: Sendable, Equatable {
    var sequence: Int64
    var sourceID: Int32
    var source: String
    var externalID: String
    var kind: String
    var occurredAt: Timestamp
    var receivedAt: Timestamp
    var eventID: String?
    /// Too old to start a session by itself: it applies once its end is known.
    var isExpired: Bool
    /// The agent whom the name belongs to, who left the event out; `nil` while the name is nobody's.
    var agentID: String?

    /// Why it is unmatched, in one word.
    var reason: String { agentID == nil ? "unknown_name" : LeftOutReason.tooOldToStart.rawValue }
}

/// Reads events that wait for their agent, by source and external id, in order.
struct UnmatchedReads: Sendable {
    let pool: PQPool
    let policy: ReconcilePolicy

    /// Where a list goes on.
    struct Position: Sendable, Equatable {
        var sourceID: Int32 = 0
        var externalID: String = ""
        var sequence: Int64 = 0
    }

    /// One page; erased people wait for nobody.
    ///
    /// Index: `clock_events_unmatched`; `clock_event_matches_pkey` and `left_out_events_pkey` for each row.
    ///
    /// `source`: name of the only source to show; `nil` for all.
    func page(
        source: String?,
        after position: Position,
        limit: Int,
        now: Timestamp
    ) async throws(PQError) -> [UnmatchedEvent] {
        try await pool.rows(
            """
            SELECT e.sequence, e.source_id, s.name AS source, e.external_id, e.kind, e.occurred_at, e.received_at,
                e.event_id, e.kind = 1 AND e.effective_at < \(now - policy.unmatchedMaxAge) AS is_expired,
                (SELECT a.agent_id FROM left_out_events w JOIN agents a ON a.agent = w.agent WHERE w.sequence = e.sequence)
                    AS agent_id
            FROM clock_events e
            JOIN clock_sources s ON s.source_id = e.source_id
            WHERE e.agent IS NULL
              AND e.external_id IS NOT NULL
              AND NOT is_erased(e.external_id)
              AND (e.source_id, e.external_id, e.sequence)
                > (\(position.sourceID), \(position.externalID), \(position.sequence))
              AND e.source_id >= coalesce(
                (SELECT f.source_id FROM clock_sources f WHERE f.name = \(source)),
                CASE WHEN \(source)::text IS NULL THEN 0 ELSE 2147483647 END
              )
              AND e.source_id <= coalesce(
                (SELECT f.source_id FROM clock_sources f WHERE f.name = \(source)),
                CASE WHEN \(source)::text IS NULL THEN 2147483647 ELSE 0 END
              )
              AND NOT EXISTS (SELECT FROM clock_event_matches m WHERE m.sequence = e.sequence)
            ORDER BY e.source_id, e.external_id, e.sequence
            LIMIT \(Int64(limit))
            """
        ) { row throws(PQError) in
            UnmatchedEvent(
                sequence: try row.column("sequence", as: Int64.self),
                sourceID: try row.column("source_id", as: Int32.self),
                source: try row.column("source", as: String.self),
                externalID: try row.column("external_id", as: String.self),
                kind: PunchKind(code: try row.column("kind", as: Int16.self))?.rawValue ?? "unknown",
                occurredAt: try row.column("occurred_at", as: Timestamp.self),
                receivedAt: try row.column("received_at", as: Timestamp.self),
                eventID: try row.column("event_id", as: String?.self),
                isExpired: try row.column("is_expired", as: Bool.self),
                agentID: try row.column("agent_id", as: String?.self)
            )
        }
    }
}

extension UnmatchedReads.Position {
    init(_ event: UnmatchedEvent) {
        self.init(sourceID: event.sourceID, externalID: event.externalID, sequence: event.sequence)
    }

    /// The opaque word that clients hold.
    var word: String { "\(sourceID).\(sequence)." + TextCursor.word(externalID) }

    init(word: String) throws(Problem) {
        let parts = word.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let sourceID = Int32(parts[0]), let sequence = Int64(parts[1]),
            let externalID = TextCursor.text(parts[2])
        else { throw .foreignCursor }
        self.init(sourceID: sourceID, externalID: externalID, sequence: sequence)
    }
}
