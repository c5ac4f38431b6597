import Domain
import LibPQ

/// One vendor's HTTP body as it is kept beside the ledger.
struct KeptDelivery: Sendable, Hashable {
    var sourceID: Int32
    var receivedAt: Timestamp
    /// The sender's id of the delivery; a second one with the same id is not kept again.
    var deliveryID: String?
    /// Headers that prove nothing, as a JSON object.
    var headers: String
    var body: [UInt8]
    /// How it was read, for people.
    var reading: String
}

extension LedgerStatements {
    /// Keeps raw bodies, each once.
    ///
    /// All bodies travel as one value that the rows are cut from, since an array of byte strings would be copied twice.
    /// Index: `delivery_ids_pkey`.
    static func keep(_ deliveries: [KeptDelivery]) -> PQStatement {
        var seen: Set<DeliveryKey> = []
        let distinct = deliveries.filter { delivery in
            guard let id = delivery.deliveryID else { return true }
            return seen.insert(DeliveryKey(source: delivery.sourceID, id: id)).inserted
        }
        var bodies: [UInt8] = []
        var starts: [Int32] = []
        for delivery in distinct {
            starts.append(Int32(clamping: bodies.count + 1))
            bodies.append(contentsOf: delivery.body)
        }
        return """
            WITH n AS MATERIALIZED (
                SELECT u.*
                FROM unnest(
                    \(distinct.map(\.sourceID)), \(distinct.map(\.receivedAt)), \(distinct.map(\.deliveryID)),
                    \(distinct.map(\.headers)), \(starts), \(distinct.map { Int32(clamping: $0.body.count) }),
                    \(distinct.map(\.reading))
                ) AS u (source_id, received_at, delivery_id, headers, start, length, reading)
            ), fresh AS (
                INSERT INTO delivery_ids (source_id, delivery_id, received_at)
                SELECT source_id, delivery_id, received_at
                FROM n
                WHERE delivery_id IS NOT NULL
                ORDER BY source_id, delivery_id
                ON CONFLICT (source_id, delivery_id) DO NOTHING
                RETURNING source_id, delivery_id
            )
            INSERT INTO deliveries (source_id, received_at, delivery_id, headers, body, reading)
            SELECT n.source_id, n.received_at, n.delivery_id, n.headers::jsonb,
                substring(\(bodies) FROM n.start FOR n.length), n.reading
            FROM n
            LEFT JOIN fresh f ON f.source_id = n.source_id AND f.delivery_id = n.delivery_id
            WHERE n.delivery_id IS NULL OR f.delivery_id IS NOT NULL
            """
    }
}

/// What makes two deliveries the same one.
private struct DeliveryKey: Hashable {
    var source: Int32
    var id: String
}
