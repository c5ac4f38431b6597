import Domain
import LibPQ

/// The statements behind a source's list of what came.
enum DeliveryStatements {
    /// The next deliveries of a source, newest first, with what each came to; those of one microsecond all and in any order.
    ///
    /// One whose effects are not all noted is never taken for a repetition.
    ///
    /// Index: `deliveries_of_source` of each partition, read backwards. The source is given as a range, and is a part of the
    /// order, so that no other index will do: the primary key, in the order of time alone, would go through what all other
    /// sources sent.
    static func walk(of source: Int32, after position: DeliveryReads.Position?, limit: Int) -> PQStatement {
        let at = position?.at ?? Timestamp(microseconds: 9_000_000_000_000_000)
        return """
            SELECT d.received_at, d.delivery,
                CASE
                    WHEN cardinality(d.effects) > 0 AND d.effects <@ ARRAY['replayed', 'conflict']
                        AND cardinality(d.effects) >= cardinality(d.events) THEN 'repeated'
                    WHEN cardinality(d.events) > 0 OR d.reading LIKE 'fetch %' THEN 'accepted'
                    WHEN d.events IS NULL AND d.reading LIKE '% punches' AND d.reading <> '0 punches' THEN 'accepted'
                    ELSE 'ignored'
                END AS outcome
            FROM deliveries d
            WHERE d.source_id >= \(source)
              AND (d.source_id, d.received_at) <= (\(source), \(at))
              AND d.received_at <= \(at)
              AND (d.received_at < \(at) OR (NOT \(position?.isRefusal ?? false)
                  AND d.delivery < \(position?.number ?? .max)))
            ORDER BY d.source_id DESC, d.received_at DESC
            FETCH FIRST \(Int64(limit)) ROWS WITH TIES
            """
    }

    /// The next refusals of a source, newest first; there are never more than a few hundred.
    ///
    /// Index: `source_refusals_of_source`.
    static func refusals(of source: Int32, after position: DeliveryReads.Position?, limit: Int) -> PQStatement {
        let at = position?.at ?? Timestamp(microseconds: 9_000_000_000_000_000)
        let number = position.map { $0.isRefusal ? $0.number : .max } ?? .max
        return """
            SELECT r.refusal, r.refused_at, r.reason, r.detail, r.size, r.content_type, r.user_agent
            FROM source_refusals r
            WHERE r.source_id = \(source)
              AND (r.refused_at, r.refusal) < (\(at), \(number))
            ORDER BY r.refused_at DESC, r.refusal DESC
            LIMIT \(Int64(limit))
            """
    }

    /// What is shown of deliveries.
    ///
    /// Index: `deliveries_pkey`.
    ///
    /// `bodyLength`: bytes of each body; 0 for none.
    static func details(_ deliveries: [DeliveryReads.Position], bodyLength: Int32) -> PQStatement {
        """
        SELECT d.delivery, d.received_at, d.delivery_id, d.headers::text AS headers, d.reading,
            coalesce(d.warnings, '{}') AS warnings,
            CASE WHEN \(bodyLength) > 0 THEN substring(d.body FROM 1 FOR \(bodyLength)) END AS body,
            octet_length(d.body) AS size, coalesce(cardinality(d.events), 0) AS event_count
        FROM unnest(\(deliveries.map(\.at)), \(deliveries.map(\.number))) AS k (received_at, delivery)
        CROSS JOIN LATERAL (
            SELECT *
            FROM deliveries x
            WHERE x.received_at = k.received_at
              AND x.delivery = k.delivery
            OFFSET 0
        ) d
        """
    }

    /// The events that deliveries were read as, in their order, as the ledger has them.
    ///
    /// Indexes: `deliveries_pkey`, `clock_events_dedupe_key`, `clock_event_matches_pkey`, `agents_pkey`,
    /// `agent_states_pkey`.
    ///
    /// `limit`: events of each delivery.
    static func events(of deliveries: [DeliveryReads.Position], limit: Int32) -> PQStatement {
        """
        SELECT k.delivery, e.kind, e.occurred_at, e.effective_at, e.external_id, e.record, e.version, a.agent_id,
            d.effects[n.place::integer] AS effect,
            s.last_effective_at, s.last_rank
        FROM unnest(\(deliveries.map(\.at)), \(deliveries.map(\.number))) AS k (received_at, delivery)
        CROSS JOIN LATERAL (
            SELECT x.events, x.effects
            FROM deliveries x
            WHERE x.received_at = k.received_at
              AND x.delivery = k.delivery
            OFFSET 0
        ) d
        CROSS JOIN LATERAL unnest(d.events[1:\(limit)]) WITH ORDINALITY AS n (dedupe, place)
        CROSS JOIN LATERAL (
            SELECT c.*
            FROM clock_events c
            WHERE c.dedupe = n.dedupe
            OFFSET 0
        ) e
        LEFT JOIN clock_event_matches m ON m.sequence = e.sequence AND e.agent IS NULL
        LEFT JOIN agents a ON a.agent = coalesce(e.agent, m.agent)
        LEFT JOIN agent_states s ON s.agent = a.agent
        ORDER BY k.delivery, n.place
        """
    }
}
