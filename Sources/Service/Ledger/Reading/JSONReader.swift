/// Reads JSON text strictly (RFC 8259, UTF-8) without building values that nobody asked for.
///
/// By hand, because every clock event passes through here: a reflecting decoder was measured to be among the
/// largest costs of the append path.
struct JSONReader {
    /// Arrays and objects inside each other; more is malformed.
    static let nestingLimit = 32

    /// What was wrong with the text.
    enum Failure: Error {
        case malformed
    }

    private let bytes: [UInt8]
    private(set) var position: Int

    init(_ bytes: [UInt8], from position: Int = 0) {
        self.bytes = bytes
        self.position = position
        skipSpace()
    }

    var isAtEnd: Bool { position >= bytes.count }

    /// The next byte that means something; `nil` at the end.
    var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    /// Takes a punctuation byte and the space after it, if it is there.
    mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        position += 1
        skipSpace()
        return true
    }

    /// Reads an object member by member.
    ///
    /// `member` must read or skip each value.
    ///
    /// `depth`: how deep the object lies; 1 for the outermost.
    mutating func object(
        depth: Int,
        _ member: (inout JSONReader, _ name: String) throws(Failure) -> Void
    ) throws(Failure) {
        guard depth <= Self.nestingLimit, take(UInt8(ascii: "{")) else { throw .malformed }
        if take(UInt8(ascii: "}")) { return }
        repeat {
            let name = try string()
            guard take(UInt8(ascii: ":")) else { throw .malformed }
            try member(&self, name)
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "}")) else { throw .malformed }
    }

    /// Reads an array element by element.
    ///
    /// `element` must read or skip each value.
    mutating func array(depth: Int, _ element: (inout JSONReader) throws(Failure) -> Void) throws(Failure) {
        guard depth <= Self.nestingLimit, take(UInt8(ascii: "[")) else { throw .malformed }
        if take(UInt8(ascii: "]")) { return }
        repeat { try element(&self) } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "]")) else { throw .malformed }
    }

    /// Reads a string.
    mutating func string() throws(Failure) -> String {
        guard next == UInt8(ascii: "\"") else { throw .malformed }
        let start = position + 1
        var index = start
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "\""):
                position = index + 1
                skipSpace()
                guard let text = String(validating: bytes[start..<index], as: UTF8.self) else { throw .malformed }
                return text
            case UInt8(ascii: "\\"): return try escapedString(from: start)
            case 0..<0x20: throw .malformed
            default: index += 1
            }
        }
        throw .malformed
    }

    /// Passes over any value.
    mutating func skipValue(depth: Int) throws(Failure) {
        switch next {
        case UInt8(ascii: "\""): _ = try string()
        case UInt8(ascii: "{"):
            try object(depth: depth) { reader, _ throws(Failure) in try reader.skipValue(depth: depth + 1) }
        case UInt8(ascii: "["):
            try array(depth: depth) { reader throws(Failure) in try reader.skipValue(depth: depth + 1) }
        case UInt8(ascii: "t"): try literal("true")
        case UInt8(ascii: "f"): try literal("false")
        case UInt8(ascii: "n"): try literal("null")
        default: try number()
        }
    }

    /// Takes `null` if it is there.
    mutating func takeNull() throws(Failure) -> Bool {
        guard next == UInt8(ascii: "n") else { return false }
        try literal("null")
        return true
    }

    private mutating func literal(_ word: StaticString) throws(Failure) {
        let letters = Array(word.description.utf8)
        guard bytes[position...].starts(with: letters) else { throw .malformed }
        position += letters.count
        skipSpace()
    }

    private mutating func number() throws(Failure) {
        _ = takeRaw(UInt8(ascii: "-"))
        if !takeRaw(UInt8(ascii: "0")) { try digits() }
        if takeRaw(UInt8(ascii: ".")) { try digits() }
        if takeRaw(UInt8(ascii: "e")) || takeRaw(UInt8(ascii: "E")) {
            if !takeRaw(UInt8(ascii: "+")) { _ = takeRaw(UInt8(ascii: "-")) }
            try digits()
        }
        skipSpace()
    }

    private mutating func digits() throws(Failure) {
        let start = position
        while let byte = next, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") { position += 1 }
        guard position > start else { throw .malformed }
    }

    private mutating func takeRaw(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        position += 1
        return true
    }

    private mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return
            }
        }
    }
}

extension JSONReader {
    /// Reads a string that has escapes, from the byte after its opening quote.
    private mutating func escapedString(from start: Int) throws(Failure) -> String {
        var text: [UInt8] = []
        var index = start
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "\""):
                position = index + 1
                skipSpace()
                guard let string = String(validating: text, as: UTF8.self) else { throw .malformed }
                return string
            case UInt8(ascii: "\\"):
                guard index + 1 < bytes.count else { throw .malformed }
                if bytes[index + 1] == UInt8(ascii: "u") {
                    let scalar = try unicodeEscape(at: &index)
                    text.append(contentsOf: Array(String(scalar).utf8))
                } else {
                    text.append(try simpleEscape(bytes[index + 1]))
                    index += 2
                }
            case 0..<0x20: throw .malformed
            case let byte:
                text.append(byte)
                index += 1
            }
        }
        throw .malformed
    }

    private func simpleEscape(_ letter: UInt8) throws(Failure) -> UInt8 {
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): letter
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "f"): 0x0C
        case UInt8(ascii: "n"): 0x0A
        case UInt8(ascii: "r"): 0x0D
        case UInt8(ascii: "t"): 0x09
        default: throw .malformed
        }
    }

    /// Reads `\uXXXX`, and the second half of a pair of surrogates.
    ///
    /// `index` moves past it.
    private func unicodeEscape(at index: inout Int) throws(Failure) -> Unicode.Scalar {
        let first = try codeUnit(at: index)
        index += 6
        guard (0xD800..<0xDC00).contains(first) else {
            guard let scalar = Unicode.Scalar(first) else { throw .malformed }
            return scalar
        }
        let second = try codeUnit(at: index)
        index += 6
        guard (0xDC00..<0xE000).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else { throw .malformed }
        return scalar
    }

    private func codeUnit(at index: Int) throws(Failure) -> UInt32 {
        guard index + 6 <= bytes.count, bytes[index] == UInt8(ascii: "\\"), bytes[index + 1] == UInt8(ascii: "u")
        else { throw .malformed }
        var value: UInt32 = 0
        for offset in 2..<6 {
            guard let digit = Hexadecimal.digit(bytes[index + offset]) else { throw .malformed }
            value = value << 4 | UInt32(digit)
        }
        return value
    }
}
