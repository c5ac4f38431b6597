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
    /// Names all that its report of the record says, the same for each of the report's events; `nil` without a record,
    /// and for a withdrawal.
    var report: UUID?
    var warnings: [String] = []
    /// The teams that its sender may speak of; `nil` for all.
    ///
    /// What counts is the team of the agent that the event is matched to.
    var teams: [String]?

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

    /// A punch of a record's report: unique per source, record, version, what the whole report says, and its place in it.
    ///
    /// So two reports that say different things under one version are two, and one that comes again is one. Where the
    /// sender numbers nothing, the same may be said anew after something else, so there the time counts as well.
    ///
    /// `reportedAt`: when the report was received; counts only without a version.
    static func ofRecord(
        _ record: String,
        version: Int64?,
        report: UUID,
        reportedAt: Timestamp,
        kind: PunchKind,
        ordinal: Int16,
        sourceID: Int32
    ) -> UUID {
        let edition = version.map { "v\($0)" } ?? "t\(reportedAt.microseconds)"
        return digest("r", sourceID, "\(record)\0\(edition)\0\(report)\0\(kind.rawValue)\0\(ordinal)")
    }

    /// The withdrawal of a record, which happens once, however often and whenever it is reported.
    static func ofWithdrawal(_ record: String, sourceID: Int32) -> UUID {
        digest("w", sourceID, record)
    }

    /// Names what a report says, whoever wrote it when.
    ///
    /// `punches`: all that the report holds, in any order.
    static func report(_ punches: [ReportedPunch]) -> UUID {
        let lines = punches.map { punch in
            "\(punch.ordinal)\0\(punch.kind.rawValue)\0\(punch.occurredAt.microseconds)\0\(punch.externalID ?? "")"
        }
        return digest("c", 0, lines.sorted().joined(separator: "\u{1}"))
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

/// One punch as far as it is part of what a report says.
struct ReportedPunch: Sendable, Hashable {
    var externalID: String?
    var kind: PunchKind
    var ordinal: Int16
    var occurredAt: Timestamp
}
