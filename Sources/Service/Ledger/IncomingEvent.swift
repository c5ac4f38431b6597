import Crypto
import Domain
import FoundationEssentials

/// A validated clock event on its way into the ledger.
///
/// Its identity is fixed before the first try, so a repetition after an unknown commit meets its own row.
struct IncomingEvent: Sendable, Hashable {
    /// Names the event: equal for every delivery of the same one.
    var dedupe: UUID
    var sourceID: Int32
    /// What the source calls the agent; `nil` only for the withdrawal of a record.
    var externalID: String?
    /// Whether an external id that equals an agent id matches without an alias.
    var matchesAgentID: Bool
    var kind: PunchKind
    var ordinal: Int16 = 0
    var occurredAt: Timestamp
    /// Whether the sender said when it happened.
    var hasOwnTime: Bool
    var receivedAt: Timestamp
    var effectiveAt: Timestamp
    /// The sender's id of the event, or the one we made up.
    var eventID: String
    var record: String?
    var version: Int64?
    var warnings: [String] = []

    /// When an event counts: what happened before it was received counts when it happened; up to `skew`
    /// ahead counts as received; further ahead waits for its time.
    static func effectiveAt(occurredAt: Timestamp, receivedAt: Timestamp, skew: Duration) -> Timestamp {
        occurredAt - receivedAt <= skew ? min(occurredAt, receivedAt) : occurredAt
    }
}

/// What makes an event one and the same.
enum EventIdentity {
    /// An event with an id of the sender's: unique per source.
    static func named(_ eventID: String, sourceID: Int32) -> UUID {
        digest("e", sourceID, eventID)
    }

    /// An event without an id: the same as another of its agent, kind and second.
    static func unnamed(agentID: String, kind: PunchKind, occurredAt: Timestamp, sourceID: Int32) -> UUID {
        digest("t", sourceID, "\(agentID)\0\(kind.rawValue)\0\(occurredAt.microseconds / 1_000_000)")
    }

    /// A punch of a record: unique per source, record, version, kind and place in the record.
    static func ofRecord(_ record: String, version: Int64?, kind: PunchKind, ordinal: Int16, sourceID: Int32) -> UUID {
        digest("r", sourceID, "\(record)\0\(version.map(String.init) ?? "-")\0\(kind.rawValue)\0\(ordinal)")
    }

    /// The first half of a SHA-256: 128 bits, so that two different events never meet by chance.
    private static func digest(_ form: String, _ sourceID: Int32, _ text: String) -> UUID {
        var hash = SHA256()
        var head = "\(form)\(sourceID)\0"
        head.withUTF8 { unsafe hash.update(bufferPointer: UnsafeRawBufferPointer($0)) }
        var body = text
        body.withUTF8 { unsafe hash.update(bufferPointer: UnsafeRawBufferPointer($0)) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(16)
        for byte in hash.finalize() {
            if bytes.count == 16 { break }
            bytes.append(byte)
        }
        return UUID(
            uuid: (
                bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7],
                bytes[8], bytes[9], bytes[10], bytes[11], bytes[12], bytes[13], bytes[14], bytes[15]
            )
        )
    }
}
