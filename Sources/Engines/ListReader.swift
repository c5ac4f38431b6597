import Domain

/// Reads a list of sessions while it comes in, and keeps of each no more than its name and status.
///
/// Finds where each entry of the JSON array begins and ends; what an entry says is read by ``ReplyWords``. An entry without a
/// name or a status counts as not listed, and so does a name that is listed with two statuses.
struct ListReader: Sendable {
    /// The list is longer than may be read; what was read until then is kept.
    struct TooLong: Error {}

    /// The longest list that is read, in bytes; an entry has about 300, with webhooks and applications more.
    static let byteLimit = 16 << 20
    /// Sessions that are kept of one list.
    static let sessionLimit = 20_000
    /// The longest entry that is looked into, in bytes.
    static let entryLimit = ReplyCollector.bodyLimit

    private enum Place: Sendable {
        case start, beforeEntry, entry, afterEntry, end, broken
    }

    /// The status of every session that the list names once.
    private(set) var statuses: [String: SessionStatus] = [:]
    private var contradicted: Set<String> = []
    private let redaction: Redaction
    private let byteLimit: Int
    private var place = Place.start
    private var hasEntries = false
    private var depth = 0
    private var isInString = false
    private var isEscaped = false
    private var entry: [UInt8] = []
    private var byteCount = 0

    init(redaction: Redaction, byteLimit: Int = Self.byteLimit) {
        self.redaction = redaction
        self.byteLimit = byteLimit
    }

    /// Whether exactly one whole array was read.
    var isAtEnd: Bool { place == .end }

    /// Takes the next bytes.
    ///
    /// - Throws: when a limit is reached.
    mutating func take(_ bytes: some Sequence<UInt8>) throws(TooLong) {
        for byte in bytes {
            byteCount += 1
            guard byteCount <= byteLimit, statuses.count + contradicted.count < Self.sessionLimit else {
                throw TooLong()
            }
            place = place == .entry ? placeAfterInside(byte) : placeAfterOutside(byte)
        }
    }

    private mutating func placeAfterOutside(_ byte: UInt8) -> Place {
        switch (place, byte) {
        case (.broken, _): return .broken
        case (_, 9), (_, 10), (_, 13), (_, 32): return place
        case (.start, UInt8(ascii: "[")): return .beforeEntry
        case (.beforeEntry, UInt8(ascii: "{")):
            entry = [byte]
            depth = 1
            hasEntries = true
            return .entry
        case (.beforeEntry, UInt8(ascii: "]")): return hasEntries ? .broken : .end
        case (.afterEntry, UInt8(ascii: ",")): return .beforeEntry
        case (.afterEntry, UInt8(ascii: "]")): return .end
        default: return .broken
        }
    }

    private mutating func placeAfterInside(_ byte: UInt8) -> Place {
        // What is left of an entry that is too long has one bracket too many at its end, so it says nothing.
        if entry.count < Self.entryLimit { entry.append(byte) } else { entry = [] }
        if isInString {
            if isEscaped {
                isEscaped = false
            } else if byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else if byte == UInt8(ascii: "\"") {
                isInString = false
            }
            return .entry
        }
        switch byte {
        case UInt8(ascii: "\""): isInString = true
        case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
        case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
        default: break
        }
        guard depth == 0 else { return .entry }
        note(ReplyWords(json: entry))
        return .afterEntry
    }

    private mutating func note(_ words: ReplyWords?) {
        guard let words, let name = words.name, let said = words.sessionStatus, !contradicted.contains(name)
        else { return }
        let status = redaction.redacted(said)
        guard let other = statuses.updateValue(status, forKey: name), other != status else { return }
        statuses[name] = nil
        contradicted.insert(name)
    }
}
