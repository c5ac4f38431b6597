/// A JSON value that came from outside.
package enum JSONValue: Sendable, Hashable {
    case null
    case bool(Bool)
    /// As written, so that no digit is lost.
    case number(String)
    case string(String)
    case array([JSONValue])
    /// Of a repeated name the last counts.
    case object([String: JSONValue])

    /// Reads one JSON text (RFC 8259) in UTF-8 that fills all the bytes.
    ///
    /// `depthLimit`: how deep arrays and objects may nest.
    /// Throws `malformed_json`.
    package init(parsing bytes: some Collection<UInt8>, depthLimit: Int = 32) throws(Problem) {
        var parser = JSONParser(bytes: Array(bytes), depthLimit: depthLimit)
        self = try parser.document()
    }

    /// The word for its type, for messages.
    package var typeName: String {
        switch self {
        case .null: "null"
        case .bool: "true or false"
        case .number: "a number"
        case .string: "text"
        case .array: "an array"
        case .object: "an object"
        }
    }
}

/// Reads JSON byte by byte.
private struct JSONParser {
    let bytes: [UInt8]
    let depthLimit: Int
    private var position = 0
    private var depth = 0

    init(bytes: [UInt8], depthLimit: Int) {
        self.bytes = bytes
        self.depthLimit = depthLimit
    }

    mutating func document() throws(Problem) -> JSONValue {
        let value = try value()
        skipSpace()
        guard position == bytes.count else { throw malformed("there is more after the value") }
        return value
    }

    private mutating func value() throws(Problem) -> JSONValue {
        skipSpace()
        switch peek {
        case UInt8(ascii: "{"): return try nested { parser throws(Problem) in try parser.object() }
        case UInt8(ascii: "["): return try nested { parser throws(Problem) in try parser.array() }
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case nil: throw malformed("it ends where a value should be")
        default: return .number(try number())
        }
    }

    private mutating func nested(
        _ read: (inout JSONParser) throws(Problem) -> JSONValue
    ) throws(Problem) -> JSONValue {
        depth += 1
        guard depth <= depthLimit else { throw malformed("it nests deeper than \(depthLimit)") }
        position += 1
        let value = try read(&self)
        depth -= 1
        return value
    }

    private mutating func object() throws(Problem) -> JSONValue {
        var members: [String: JSONValue] = [:]
        skipSpace()
        if take("}") { return .object(members) }
        repeat {
            skipSpace()
            guard peek == UInt8(ascii: "\"") else { throw malformed("a member's name is missing") }
            let name = try string()
            skipSpace()
            guard take(":") else { throw malformed("a colon is missing") }
            members[name] = try value()
            skipSpace()
        } while take(",")
        guard take("}") else { throw malformed("an object does not end") }
        return .object(members)
    }

    private mutating func array() throws(Problem) -> JSONValue {
        var elements: [JSONValue] = []
        skipSpace()
        if take("]") { return .array(elements) }
        repeat {
            elements.append(try value())
            skipSpace()
        } while take(",")
        guard take("]") else { throw malformed("an array does not end") }
        return .array(elements)
    }

    private mutating func string() throws(Problem) -> String {
        position += 1
        var text: [UInt8] = []
        while let byte = peek {
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = String(validating: text, as: UTF8.self) else { throw malformed("it is not UTF-8") }
                return string
            case UInt8(ascii: "\\"):
                text.append(contentsOf: try escape())
            case 0..<0x20:
                throw malformed("a control character stands in text")
            default:
                text.append(byte)
            }
        }
        throw malformed("text does not end")
    }

    private mutating func escape() throws(Problem) -> [UInt8] {
        guard let byte = peek else { throw malformed("text does not end") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0C]
        case UInt8(ascii: "n"): return [0x0A]
        case UInt8(ascii: "r"): return [0x0D]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "u"): return Array(try escapedScalar().utf8)
        default: throw malformed("an escape is unknown")
        }
    }

    /// `XXXX` after `\u`, with the second half where the first is half of a pair.
    private mutating func escapedScalar() throws(Problem) -> String {
        let first = try codeUnit()
        if let scalar = Unicode.Scalar(first) { return String(Character(scalar)) }
        guard (0xD800..<0xDC00).contains(first), take("\\"), take("u") else { throw malformed("half a character") }
        let second = try codeUnit()
        guard (0xDC00..<0xE000).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else { throw malformed("half a character") }
        return String(Character(scalar))
    }

    private mutating func codeUnit() throws(Problem) -> UInt32 {
        var unit: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = peek.flatMap(Hexadecimal.digit) else { throw malformed("an escape is unknown") }
            position += 1
            unit = unit << 4 | UInt32(digit)
        }
        return unit
    }

    private mutating func number() throws(Problem) -> String {
        let start = position
        _ = take("-")
        if !take("0"), !takeDigits() { throw malformed("there is something that is no value") }
        if take("."), !takeDigits() { throw malformed("a number does not end") }
        if take("e") || take("E") {
            if !take("+") { _ = take("-") }
            if !takeDigits() { throw malformed("a number does not end") }
        }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private mutating func takeDigits() -> Bool {
        let start = position
        while let byte = peek, (0x30...0x39).contains(byte) { position += 1 }
        return position > start
    }

    private mutating func word(_ word: StaticString, _ value: JSONValue) throws(Problem) -> JSONValue {
        guard bytes[position...].starts(with: Array(word.description.utf8)) else {
            throw malformed("there is something that is no value")
        }
        position += word.utf8CodeUnitCount
        return value
    }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard peek == UInt8(ascii: scalar) else { return false }
        position += 1
        return true
    }

    private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte = peek, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    private func malformed(_ what: String) -> Problem {
        Problem(.malformedJSON, "The body is no valid JSON: \(what) (at byte \(position)).")
    }
}
