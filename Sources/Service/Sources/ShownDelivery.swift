import Domain
import FoundationEssentials
import LibPQ

/// One line of a source's list.
enum SourceItem: Sendable {
    case delivery(ShownDelivery)
    case refusal(SourceRefusalNote)
}

/// A kept delivery as it may be shown.
struct ShownDelivery: Sendable {
    /// ``DeliveryReads/Filter``'s word.
    var outcome = ""
    var number: Int64
    var receivedAt: Timestamp
    var deliveryID: String?
    /// Those that are kept, by name, without secrets.
    var headers: [(name: String, value: String)]
    /// `nil` for who may not see it.
    var body: ShownBody?
    /// Bytes of the whole body.
    var size: Int
    /// How it was read.
    var reading: String
    var warnings: [String]
    /// The first ``DeliveryReads/eventLimit``.
    var events: [ShownEvent]
    var eventCount: Int

    init(_ row: PQRow, events: [ShownEvent], redactor: BodyRedactor) throws(PQError) {
        number = try row.column("delivery", as: Int64.self)
        receivedAt = try row.column("received_at", as: Timestamp.self)
        deliveryID = try row.column("delivery_id", as: String?.self)
        headers = Self.headers(try row.column("headers", as: String.self)).map { name, value in
            (name, Redactor.isSecretName(name) ? Redactor.mark : redactor.redact(value))
        }
        size = Int(try row.column("size", as: Int32.self))
        reading = try row.column("reading", as: String.self)
        warnings = try row.column("warnings", as: [String].self)
        self.events = events
        eventCount = Int(try row.column("event_count", as: Int32.self))
        if let bytes = try row.column("body", as: [UInt8]?.self) {
            body = ShownBody(bytes, size: size, limit: DeliveryReads.bodyLimit, redactor: redactor)
        }
    }

    private static func headers(_ text: String) -> [(name: String, value: String)] {
        guard case .object(let members)? = try? JSONValue(parsing: text.utf8) else { return [] }  // We wrote it.
        return members.sorted { $0.key < $1.key }.map { name, value in
            if case .string(let text) = value { (name, text) } else { (name, "") }
        }
    }
}

/// The beginning of a body, as text without secrets and telephone numbers.
struct ShownBody: Sendable, Hashable {
    var text: String
    /// Whether the body is no text: what is none of it is left out, or stands as U+FFFD.
    var isLossy: Bool
    var isTruncated: Bool

    /// What is shown of a body.
    ///
    /// `bytes`: the beginning of the body, somewhat more than is shown, so that a secret on the edge is recognised.
    /// `size`: bytes of the whole body.
    /// `limit`: bytes that are shown.
    init(_ bytes: [UInt8], size: Int, limit: Int, redactor: BodyRedactor) {
        isTruncated = size > limit
        let text = Self.text(bytes, isCut: size > bytes.count)
        isLossy = text == nil
        let clean = redactor.redact(text ?? Self.lossyText(bytes))
        self.text = isTruncated ? Self.beginning(of: clean, limit) : clean
    }

    /// The bytes as text; of a cut body without the half of a character at its end.
    private static func text(_ bytes: [UInt8], isCut: Bool) -> String? {
        for dropped in 0...(isCut ? 3 : 0) {
            if let text = String(validating: bytes.dropLast(dropped), as: UTF8.self), !text.contains("\u{0}") {
                return text
            }
        }
        return nil
    }

    /// What of the bytes is text.
    ///
    /// Without the zeros, and without the mark of an encoding in front, so that numbers and secrets in UTF-16 are recognised.
    private static func lossyText(_ bytes: [UInt8]) -> String {
        let text = String(decoding: bytes.filter { $0 != 0 }, as: UTF8.self)
        return String(text.unicodeScalars.drop { $0 == "\u{FFFD}" })
    }

    private static func beginning(of text: String, _ limit: Int) -> String {
        var end = text.utf8.index(text.startIndex, offsetBy: min(limit, text.utf8.count))
        while end > text.startIndex, String.Index(end, within: text.unicodeScalars) == nil {
            end = text.utf8.index(before: end)
        }
        return String(text.unicodeScalars[..<end])
    }
}

/// An event of a delivery, as the ledger has it.
struct ShownEvent: Sendable, Hashable {
    var kind: String
    var occurredAt: Timestamp
    var effectiveAt: Timestamp
    var externalID: String?
    /// `nil` while nobody knows its agent.
    var agentID: String?
    var record: String?
    var version: Int64?
    /// What it did when its delivery was committed; `nil` where that was not noted.
    var effect: String?
    /// Whether it is the one that decides where the agent stands now.
    var decides: Bool

    /// Reads the rows of ``DeliveryStatements/events(of:limit:)``, by delivery.
    static func read(_ result: PQResult) throws(PQError) -> [Int64: [ShownEvent]] {
        var events: [Int64: [ShownEvent]] = [:]
        for row in result {
            let delivery = try row.column("delivery", as: Int64.self)
            let kind = PunchKind(code: try row.column("kind", as: Int16.self))
            let effectiveAt = try row.column("effective_at", as: Timestamp.self)
            let lastAt = try row.column("last_effective_at", as: Timestamp?.self)
            let lastRank = try row.column("last_rank", as: Int16?.self)
            events[delivery, default: []].append(
                ShownEvent(
                    kind: kind?.rawValue ?? "unknown",
                    occurredAt: try row.column("occurred_at", as: Timestamp.self),
                    effectiveAt: effectiveAt,
                    externalID: try row.column("external_id", as: String?.self),
                    agentID: try row.column("agent_id", as: String?.self),
                    record: try row.column("record", as: String?.self),
                    version: try row.column("version", as: Int64?.self),
                    effect: try row.column("effect", as: String?.self),
                    decides: kind != nil && effectiveAt == lastAt && kind?.rank == lastRank
                )
            )
        }
        return events
    }
}
