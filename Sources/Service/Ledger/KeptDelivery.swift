import ClockSources
import Domain
import FoundationEssentials
import LibPQ
import NIOCore

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
    var warnings: [String] = []
    /// The identities of the events that it was read as, in its order.
    var events: [UUID] = []
    /// What each of them did, as far as they are committed with it; filled in by the transaction.
    var effects: [KeptEffect] = []
}

/// What one event of a delivery did when it was committed.
enum KeptEffect: Sendable, Hashable {
    case effect(EventEffect)
    /// It was in the ledger already.
    case replayed
    /// The delivery says two things under one id.
    case conflict

    var word: String {
        switch self {
        case .effect(let effect): effect.rawValue
        case .replayed: "replayed"
        case .conflict: "conflict"
        }
    }
}

extension KeptDelivery {
    /// What is kept of a delivery.
    ///
    /// Nothing that proves anything is: no credential, no signature. Of the query only what adapters read besides proofs.
    init(_ delivery: Delivery, _ reading: DeliveryReading, sourceID: Int32) {
        let headers = delivery.headers.map { (name: $0.name.lowercased(), value: $0.value) }
            .filter { Self.isKept($0.name) }
        var fields = Dictionary(grouping: headers, by: \.name).mapValues { $0.map(\.value).joined(separator: ", ") }
        if let type = delivery.query?.split(separator: "&").first(where: { $0.hasPrefix("type=") }) {
            fields["?type"] = String(type.dropFirst("type=".count))
        }
        self.init(
            sourceID: sourceID,
            receivedAt: delivery.receivedAt,
            deliveryID: reading.deliveryID,
            headers: Self.json(fields),
            body: delivery.body,
            reading: Self.words(for: reading),
            warnings: reading.warnings
        )
    }

    /// What is kept of a record that was fetched because a delivery named it.
    init(fetched path: String, body: [UInt8], _ reading: DeliveryReading, at fetchedAt: Timestamp, sourceID: Int32) {
        self.init(
            sourceID: sourceID,
            receivedAt: fetchedAt,
            headers: Self.json(["?fetched": path]),
            body: body,
            reading: Self.words(for: reading),
            warnings: reading.warnings
        )
    }

    /// How a delivery was read, for people.
    private static func words(for reading: DeliveryReading) -> String {
        if let reference = reading.fetch { return "fetch \(reference.kind) \(reference.id)" }
        if reading.punches.count > DeliveryAdmission.eventLimit { return DeliveryLabel.tooManyItems }
        return reading.ignored ?? "\(reading.punches.count) punches"
    }

    private static func json(_ fields: [String: String]) -> String {
        var buffer = ByteBuffer(string: "{")
        for (place, field) in fields.sorted(by: { $0.key < $1.key }).enumerated() {
            if place > 0 { buffer.writeStaticString(",") }
            buffer.writeJSON(field.key)
            buffer.writeStaticString(":")
            buffer.writeJSON(field.value)
        }
        buffer.writeStaticString("}")
        return String(buffer: buffer)
    }

    private static func isKept(_ header: String) -> Bool {
        keptHeaders.contains(header) || header.hasPrefix("ce-")
    }

    /// Headers that say what was sent, when and by what; a kept delivery is read again with them.
    private static let keptHeaders: Set<String> = [
        "content-type", "user-agent", "idempotency-key", "content-digest", "signature-input",
        "square-environment", "square-initial-delivery-timestamp", "square-retry-number", "square-retry-reason",
        "webhook-id", "webhook-timestamp", "svix-id", "svix-timestamp",
        "clockify-webhook-event-type", "x-webhook-topic", "x-webhook-id", "x-company-id", "x-hmac-timestamp",
        "x-deputy-webhook-callback", "x-deputy-generation-time",
        "x-zendesk-webhook-signature-timestamp", "x-zendesk-webhook-id", "x-zendesk-webhook-invocation-id",
        "i-twilio-idempotency-token",
    ]
}

extension LedgerStatements {
    /// Keeps raw bodies, each once.
    ///
    /// All bodies travel as one value that the rows are cut from, since an array of byte strings would be copied twice; the
    /// lists of each row travel as text, since arrays of arrays would have to be of one length.
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
                    \(distinct.map(\.reading)), \(distinct.map { $0.warnings.joined(separator: ",") }),
                    \(distinct.map(\.eventList)), \(distinct.map(\.effectList))
                ) AS u (source_id, received_at, delivery_id, headers, start, length, reading, warnings, events, effects)
            ), fresh AS (
                INSERT INTO delivery_ids (source_id, delivery_id, received_at)
                SELECT source_id, delivery_id, received_at
                FROM n
                WHERE delivery_id IS NOT NULL
                ORDER BY source_id, delivery_id
                ON CONFLICT (source_id, delivery_id) DO NOTHING
                RETURNING source_id, delivery_id
            )
            INSERT INTO deliveries (
                source_id, received_at, delivery_id, headers, body, reading, warnings, events, effects
            )
            SELECT n.source_id, n.received_at, n.delivery_id, n.headers::jsonb,
                substring(\(bodies) FROM n.start FOR n.length), n.reading, string_to_array(n.warnings, ','),
                string_to_array(n.events, ',')::uuid[], string_to_array(n.effects, ',')
            FROM n
            LEFT JOIN fresh f ON f.source_id = n.source_id AND f.delivery_id = n.delivery_id
            WHERE n.delivery_id IS NULL OR f.delivery_id IS NOT NULL
            """
    }
}

extension KeptDelivery {
    fileprivate var eventList: String {
        var list = ""
        list.reserveCapacity(events.count * 37)
        for event in events {
            if !list.isEmpty { list += "," }
            list += event.uuidString
        }
        return list
    }

    fileprivate var effectList: String { effects.map(\.word).joined(separator: ",") }
}

/// What makes two deliveries the same one.
private struct DeliveryKey: Hashable {
    var source: Int32
    var id: String
}
