import Domain
import FoundationEssentials

/// How deep the arrays and objects of a body may nest, as on every other route.
private let nestingLimit = 32

/// Decodes a body that came from outside.
///
/// - Returns: `nil` when it is not JSON in UTF-8, nests too deep, or is not of the outer shape asked for.
///   Members declared as ``Field`` never cause that.
func decodeJSON<Body: Decodable>(_ type: Body.Type, from bytes: [UInt8]) -> Body? {
    guard nestingIsBounded(bytes) else { return nil }
    // Which error it was changes nothing: the delivery is kept, and counts as unusable.
    return try? JSONDecoder().decode(type, from: Data(bytes))
}

/// Whether JSON text nests within the limit; says nothing else about it.
///
/// A NUL is refused too: JSON text holds none, except in the 16 and 32 bit encodings, which the decoder
/// would guess and this scan would misread.
func nestingIsBounded(_ bytes: [UInt8]) -> Bool {
    var depth = 0
    var isInString = false
    var isEscaped = false
    for byte in bytes {
        guard byte != 0 else { return false }
        if isInString {
            if isEscaped {
                isEscaped = false
            } else if byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else if byte == UInt8(ascii: "\"") {
                isInString = false
            }
            continue
        }
        switch byte {
        case UInt8(ascii: "\""): isInString = true
        case UInt8(ascii: "["), UInt8(ascii: "{"):
            depth += 1
            guard depth <= nestingLimit else { return false }
        case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
        default: break
        }
    }
    return true
}

/// One member of a sender's object, which may be missing or not what the sender's pages promise.
///
/// Missing and unusable differ: a shift without an end is open, a shift whose end we cannot read is not.
enum Field<Value: Decodable & Sendable>: Decodable, Sendable {
    /// Not there, or `null`.
    case absent
    case present(Value)
    /// There, but of another type or with an impossible value.
    case unusable

    init(from decoder: any Decoder) {
        // A value that does not decode is the case this type exists for.
        if let container = try? decoder.singleValueContainer(), container.decodeNil() {
            self = .absent
        } else if let value = try? Value(from: decoder) {
            self = .present(value)
        } else {
            self = .unusable
        }
    }

    /// The value, where telling missing from unusable makes no difference.
    var value: Value? {
        guard case .present(let value) = self else { return nil }
        return value
    }
}

/// A sender's list, in which one bad item spoils no other, decoded as far as it can be of use.
///
/// Half a million items fit into a body, and each costs a microsecond.
struct ItemList<Element: Decodable & Sendable>: Decodable, Sendable {
    /// One more than is taken from any list, so that one that is too long shows it.
    static var limit: Int { PlainBody.itemLimit + 1 }

    /// The first items, ``limit`` at most.
    var items: [Field<Element>] = []

    init(from decoder: any Decoder) throws {
        var container = try decoder.unkeyedContainer()
        while !container.isAtEnd, items.count < Self.limit {
            items.append(try container.decode(Field<Element>.self))
        }
    }
}

extension KeyedDecodingContainer {
    /// Lets a missing key read as ``Field/absent``; the compiler's decoding code calls this by overload.
    func decode<Value>(_ type: Field<Value>.Type, forKey key: Key) throws -> Field<Value> {
        try decodeIfPresent(type, forKey: key) ?? .absent
    }
}

/// An RFC 3339 time with an offset, as a JSON string.
struct OffsetTime: Decodable, Sendable {
    var timestamp: Timestamp

    init?(_ text: String) {
        guard let timestamp = Timestamp(rfc3339: text) else { return nil }
        self.timestamp = timestamp
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let time = OffsetTime(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not an RFC 3339 time")
        }
        self = time
    }
}

/// A sender's identifier that can be stored: 1 to 200 characters, none of them a control character.
///
/// PostgreSQL takes no NUL in text, and one such item would fail the whole batch it travels in.
struct Identifier: Decodable, Sendable {
    var text: String

    /// The most characters an identifier may have.
    static let lengthLimit = 200

    init?(_ text: String) {
        // Unicode scalars: a letter with a thousand marks on it is one character, and no index takes it.
        guard !text.isEmpty, text.utf8.count <= Self.lengthLimit || text.unicodeScalars.count <= Self.lengthLimit,
            text.unicodeScalars.allSatisfy({ !$0.isControl })
        else { return nil }
        self.text = text
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let identifier = Identifier(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not an identifier")
        }
        self = identifier
    }
}

/// An identifier that senders write as text in one place and as a whole number in another.
struct LooseIdentifier: Decodable, Sendable {
    var text: String

    init(from decoder: any Decoder) throws {
        // What is no number is read as text, whose own error is then the one that counts.
        if let number = try? decoder.singleValueContainer().decode(Int64.self) {
            text = String(number)
        } else {
            text = try Identifier(from: decoder).text
        }
    }
}

extension Timestamp {
    /// Whether a sender's time can be meant: from 2000-01-01 to one year after it reached us.
    func isPlausible(receivedAt: Timestamp) -> Bool {
        self >= Timestamp(seconds: 946_684_800) && self <= receivedAt + .seconds(366 * 86_400)
    }
}

/// JSON text of an answer to a sender.
func jsonText(_ members: [String: String]) -> String? {
    // Text always encodes; without an answer the sender merely asks again.
    (try? JSONEncoder().encode(members)).map { String(decoding: $0, as: UTF8.self) }
}
