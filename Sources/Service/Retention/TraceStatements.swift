import Domain
import LibPQ

/// The statements that find and remove what is left of an erased person.
enum TraceStatements {
    /// The rows of the ledger that name the person, as long as no name is erased: one person's, so as many as fit into memory.
    ///
    /// Indexes: `clock_events_of_agent`, `clock_event_matches_of_agent`, `clock_events_unmatched`.
    static func events(of erasure: ErasureTraces.Erasure) -> PQStatement {
        """
        SELECT e.sequence FROM clock_events e WHERE e.agent = ANY (\(erasure.agents))
        UNION
        SELECT m.sequence FROM clock_event_matches m WHERE m.agent = ANY (\(erasure.agents))
        UNION
        SELECT e.sequence
        FROM unnest(\(erasure.sourceIDs), \(erasure.externalIDs)) AS n (source_id, external_id)
        CROSS JOIN LATERAL (
            SELECT c.sequence
            FROM clock_events c
            WHERE c.agent IS NULL
              AND c.source_id = n.source_id
              AND c.external_id = n.external_id
            OFFSET 0
        ) e
        UNION
        SELECT e.sequence
        FROM clock_events e
        WHERE e.agent = ANY (\(erasure.others))
          AND (e.source_id, e.external_id) IN (
            SELECT n.source_id, n.external_id
            FROM unnest(\(erasure.sourceIDs), \(erasure.externalIDs)) AS n (source_id, external_id)
          )
        """
    }

    /// Deletes the bodies that the person's events came in, by when they were received.
    ///
    /// The events are found by what the ledger says instead of the names. Indexes: `clock_events_of_agent`,
    /// `clock_event_matches_of_agent`, `clock_events_pkey`, `clock_events_unmatched`, `deliveries_of_source`.
    static func deleteBodies(receivedWithEventsOf erasure: ErasureTraces.Erasure) -> PQStatement {
        """
        DELETE FROM deliveries d
        USING (
            SELECT e.source_id, e.received_at FROM clock_events e WHERE e.agent = ANY (\(erasure.agents))
            UNION
            SELECT e.source_id, e.received_at
            FROM clock_event_matches m
            JOIN clock_events e ON e.sequence = m.sequence
            WHERE m.agent = ANY (\(erasure.agents))
            UNION
            SELECT e.source_id, e.received_at
            FROM unnest(\(Array(Set(erasure.sourceIDs)))) AS s (source_id)
            CROSS JOIN LATERAL (
                SELECT c.source_id, c.received_at
                FROM clock_events c
                WHERE c.agent IS NULL
                  AND c.source_id = s.source_id
                  AND c.external_id = \(erasure.erasedName)
                OFFSET 0
            ) e
        ) e
        WHERE d.source_id = e.source_id
          AND d.received_at = e.received_at
        """
    }

    /// Reads a portion of the bodies, and deletes those from before the erasure that name the person or that the person's events
    /// came in, and later ones that only repeat such events: until those are erased in the ledger they are kept like any other.
    ///
    /// A later body that says something new stays, as an append would keep it; its words may be about somebody new.
    /// Returns where it ended; nothing at the end. Indexes: `deliveries_pkey`, `clock_events_dedupe_key`,
    /// `clock_event_matches_pkey`; the bodies themselves are searched.
    static func deleteBodies(
        naming erasure: ErasureTraces.Erasure,
        after place: (Timestamp, Int64)
    ) -> PQStatement {
        let patterns = Patterns(erasure)
        return """
            WITH p AS MATERIALIZED (
                SELECT d.received_at, d.delivery
                FROM deliveries d
                WHERE (d.received_at, d.delivery) > (\(place.0), \(place.1))
                ORDER BY d.received_at, d.delivery
                LIMIT \(ErasureTraces.bodyPortion)
            ), w AS MATERIALIZED (
                SELECT n.source_id, decode(n.form, 'hex') AS form
                FROM unnest(\(patterns.sources), \(patterns.forms)) AS n (source_id, form)
            ), g AS (
                DELETE FROM deliveries d
                USING p
                WHERE d.received_at = p.received_at
                  AND d.delivery = p.delivery
                  AND (
                    d.delivery <= \(erasure.lastDelivery)
                    OR (cardinality(d.effects) > 0 AND d.effects <@ ARRAY['replayed', 'conflict'])
                  )
                  AND (
                    EXISTS (
                        SELECT FROM unnest(d.events) AS v (dedupe)
                        JOIN clock_events e ON e.dedupe = v.dedupe
                        LEFT JOIN clock_event_matches m ON m.sequence = e.sequence
                        WHERE coalesce(e.agent, m.agent) = ANY (\(erasure.agents))
                           OR e.external_id = \(erasure.erasedName)
                    )
                    OR d.delivery <= \(erasure.lastDelivery) AND (
                        EXISTS (
                            SELECT FROM w
                            WHERE w.source_id IN (0, d.source_id)
                              AND position(w.form IN d.body || '&'::bytea) > 0
                        )
                        OR mentions(concat_ws(' ', d.delivery_id, d.headers::text, d.reading), \(erasure.words))
                    )
                  )
            )
            SELECT p.received_at, p.delivery
            FROM p
            ORDER BY p.received_at DESC, p.delivery DESC
            LIMIT 1
            """
    }

    /// Reads a portion of a source's ids of deliveries, and deletes those with one of the person's names in them.
    ///
    /// Index: `delivery_ids_pkey`.
    static func deleteIDs(_ erasure: ErasureTraces.Erasure, source: Int32, after last: String) -> PQStatement {
        let words = erasure.agentIDs + erasure.externalIDs
        return """
            WITH p AS MATERIALIZED (
                SELECT i.delivery_id
                FROM delivery_ids i
                WHERE i.source_id = \(source)
                  AND i.delivery_id > \(last)
                ORDER BY i.delivery_id
                LIMIT \(ErasureTraces.idPortion)
            ), g AS (
                DELETE FROM delivery_ids i
                USING p
                WHERE i.source_id = \(source)
                  AND i.delivery_id = p.delivery_id
                  AND mentions(p.delivery_id, \(words))
            )
            SELECT max(p.delivery_id) AS last FROM p
            """
    }

    /// Takes an engine's words from the person's commands, and from any that name the person; reads all commands.
    static func blankCommands(_ erasure: ErasureTraces.Erasure) -> PQStatement {
        """
        UPDATE commands
        SET detail = NULL
        WHERE detail IS NOT NULL
          AND (agent = ANY (\(erasure.agents)) OR mentions(detail, \(erasure.words)))
        """
    }

    /// Takes the name from an end that the outside is yet to be told of; whoever read it before notes nothing of it.
    static func blankAlerts(_ erasure: ErasureTraces.Erasure) -> PQStatement {
        """
        UPDATE agent_alerts
        SET gone_at = clock_timestamp(), agent_id = NULL, team = NULL
        WHERE agent_id IS NOT NULL
          AND (agent = ANY (\(erasure.agents)) OR agent_id = ANY (\(erasure.agentIDs)))
        """
    }

    /// Takes what the outside was told of the person, or has to be told yet; reads all of the log.
    ///
    /// A notice about an agent says which, so that is found however short the id is. It stays where somebody new had the id by
    /// the time that it was noted. Index: `agents_agent_id_key`.
    static func deleteNotices(_ erasure: ErasureTraces.Erasure) -> PQStatement {
        """
        DELETE FROM alert_notices n
        WHERE CASE
            WHEN n.kind LIKE 'agent.%' THEN
                (mentions(n.body, \(erasure.words)) OR n.body::json #>> '{data,agent_id}' = ANY (\(erasure.agentIDs)))
                AND NOT EXISTS (
                    SELECT FROM agents a WHERE a.agent_id = ANY (\(erasure.agentIDs)) AND a.created_at <= n.created_at
                )
            ELSE mentions(n.body, \(erasure.words))
        END
        """
    }

    /// Takes the words of incidents that name the person; there are few.
    static func blankIncidents(_ erasure: ErasureTraces.Erasure) -> PQStatement {
        """
        UPDATE incidents
        SET detail = 'erased'
        WHERE mentions(detail, \(erasure.words))
        """
    }
}

/// What bodies are searched for, in hexadecimal; source 0 for all.
private struct Patterns {
    private(set) var sources: [Int32] = []
    private(set) var forms: [String] = []

    init(_ erasure: ErasureTraces.Erasure) {
        for (source, word) in zip(erasure.sourceIDs, erasure.externalIDs) { add(word, source) }
        for word in erasure.agentIDs + erasure.names { add(word, nil) }
    }

    private mutating func add(_ word: String, _ source: Int32?) {
        guard let scope = BodyPatterns.isDistinct(word) ? 0 : source else { return }
        for form in BodyPatterns(word).forms {
            sources.append(scope)
            forms.append(Hexadecimal.text(form))
        }
    }
}
