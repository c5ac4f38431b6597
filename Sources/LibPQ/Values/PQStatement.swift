/// One SQL statement with its values.
///
/// Written as a literal: `"SELECT … WHERE agent = \(agent)"`. Every interpolated value becomes a bind (`$1`, `$2`, …)
/// and never part of the text, so a value cannot change what the statement means. There is no way to splice text in.
public struct PQStatement: Sendable, ExpressibleByStringInterpolation {
    /// The SQL with its placeholders; equal texts share one prepared statement per connection.
    public let text: String
    /// The types of the binds, in the order of their placeholders.
    let types: [UInt32]
    /// Where each bind lies in ``payload``.
    let slots: [Slot]
    /// The binds' bytes, one after the other.
    let payload: [UInt8]
    /// What makes the statement impossible to send.
    let refusal: Refusal?

    /// The bytes of one bind; a negative length is NULL.
    struct Slot: Sendable {
        var offset: Int
        var length: Int
    }

    /// Why a statement cannot be sent.
    enum Refusal: String, Sendable {
        case nulInText = "text with U+0000 in it"
        case nulInIdentifier = "an identifier that is empty or has U+0000 in it"
        case nestedArray = "an array of arrays"
        case tooManyBinds = "more than 65535 binds"
    }

    /// A statement without values.
    public init(stringLiteral text: String) {
        self.init(stringInterpolation: StringInterpolation(text))
    }

    /// A statement with the values that were interpolated.
    public init(stringInterpolation parts: StringInterpolation) {
        self.text = parts.text
        self.types = parts.types
        self.slots = parts.slots
        self.payload = parts.payload
        self.refusal = parts.slots.count > 65_535 ? .tooManyBinds : parts.refusal
    }

    /// The values, in the order of their placeholders.
    public var binds: [PQBind] {
        zip(types, slots).map { type, slot in
            let bytes = slot.length < 0 ? nil : Array(payload[slot.offset..<(slot.offset + slot.length)])
            return PQBind(type: PQType(oid: type), bytes: bytes)
        }
    }

    /// Throws what makes the statement impossible to send.
    func check() throws(PQError) {
        if let refusal { throw PQError(.invalidInput, refusal.rawValue) }
    }

    /// Whether the statement reads, judged by its first word: a lost answer then leaves no doubt about a commit.
    ///
    /// A SELECT that calls a function with effects counts as reading; a WITH never does.
    var isRead: Bool {
        let word = text.utf8.drop { $0 <= 0x20 || $0 == UInt8(ascii: "(") }.prefix { $0 > 0x40 }
        return Self.readingWords.contains { $0.utf8.elementsEqual(word.lazy.map { $0 & 0xDF }) }
    }

    private static let readingWords = ["SELECT", "SHOW", "VALUES", "TABLE", "EXPLAIN"]
}

/// One value of a statement.
public struct PQBind: Hashable, Sendable {
    /// The type the server is told.
    public var type: PQType
    /// The value in binary format; `nil` is NULL.
    public var bytes: [UInt8]?
}

/// Shows the text only, never a value.
extension PQStatement: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The SQL with its placeholders.
    public var description: String { text }
    /// The SQL with its placeholders.
    public var debugDescription: String { text }
    /// The SQL with its placeholders and the number of binds.
    public var customMirror: Mirror { Mirror(self, children: ["text": text, "binds": slots.count]) }
}
