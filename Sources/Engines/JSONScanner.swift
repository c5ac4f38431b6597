/// Walks over JSON text once, without building values.
struct JSONScanner {
    private let bytes: [UInt8]
    private var position = 0
    private let nestingLimit = 64

    /// - Parameter bytes: UTF-8, perhaps with a byte order mark, which some PHP servers send.
    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
        skipSpace()
    }

    /// Whether nothing but white space is left.
    var isAtEnd: Bool { position == bytes.count }

    /// Whether a string stands next.
    var startsString: Bool { position < bytes.count && bytes[position] == UInt8(ascii: "\"") }

    /// Whether `null` stands next, if any value does.
    var startsNull: Bool { position < bytes.count && bytes[position] == UInt8(ascii: "n") }

    /// Takes one punctuation byte and the white space after it.
    mutating func take(_ byte: UInt8) -> Bool {
        guard position < bytes.count, bytes[position] == byte else { return false }
        position += 1
        skipSpace()
        return true
    }

    /// Takes a string.
    ///
    /// - Returns: where its inside lies, escapes as they are; `nil` when no whole string stands here.
    mutating func string() -> Range<Int>? {
        guard startsString else { return nil }
        let start = position + 1
        var index = start
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "\""):
                position = index + 1
                skipSpace()
                return start..<index
            case UInt8(ascii: "\\"):
                guard let length = escapeLength(at: index) else { return nil }
                index += length
            case 0..<0x20: return nil
            default: index += 1
            }
        }
        return nil
    }

    /// Takes any value.
    ///
    /// - Parameter depth: how many arrays and objects surround it.
    /// - Returns: whether a whole value stood here.
    mutating func skipValue(depth: Int) -> Bool {
        guard position < bytes.count, depth <= nestingLimit else { return false }
        switch bytes[position] {
        case UInt8(ascii: "\""): return string() != nil
        case UInt8(ascii: "{"): return skipObject(depth: depth)
        case UInt8(ascii: "["): return skipArray(depth: depth)
        case UInt8(ascii: "t"): return literal("true")
        case UInt8(ascii: "f"): return literal("false")
        case UInt8(ascii: "n"): return literal("null")
        default: return number()
        }
    }

    /// Whether the inside of a string, its escapes resolved, says exactly this.
    func equals(_ range: Range<Int>, _ word: StaticString) -> Bool {
        guard range.count >= word.utf8CodeUnitCount else { return false }
        guard !bytes[range].contains(UInt8(ascii: "\\")) else { return text(range) == "\(word)" }
        return word.withUTF8Buffer { bytes[range].elementsEqual($0) }
    }

    /// The inside of a string with its escapes resolved; what cannot be resolved becomes U+FFFD.
    func text(_ range: Range<Int>) -> String {
        guard bytes[range].contains(UInt8(ascii: "\\")) else { return String(decoding: bytes[range], as: UTF8.self) }
        var units: [UInt16] = []
        var plain = range.lowerBound
        var index = range.lowerBound
        while index < range.upperBound {
            guard bytes[index] == UInt8(ascii: "\\") else {
                index += 1
                continue
            }
            units.append(contentsOf: String(decoding: bytes[plain..<index], as: UTF8.self).utf16)
            let (unit, length) = escape(at: index, before: range.upperBound)
            units.append(unit)
            index += length
            plain = index
        }
        units.append(
            contentsOf: String(decoding: bytes[min(plain, range.upperBound)..<range.upperBound], as: UTF8.self).utf16
        )
        return String(decoding: units, as: UTF16.self)
    }

    /// How many bytes an escape has; `nil` when JSON knows none like it.
    private func escapeLength(at index: Int) -> Int? {
        guard index + 1 < bytes.count else { return nil }
        switch bytes[index + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            return 2
        case UInt8(ascii: "u"):
            guard index + 6 <= bytes.count, bytes[(index + 2)..<(index + 6)].allSatisfy(isHexDigit) else { return nil }
            return 6
        default: return nil
        }
    }

    private func isHexDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"):
            true
        default: false
        }
    }

    private func escape(at index: Int, before end: Int) -> (unit: UInt16, length: Int) {
        guard index + 1 < end else { return (0xFFFD, 1) }
        switch bytes[index + 1] {
        case UInt8(ascii: "n"): return (10, 2)
        case UInt8(ascii: "t"): return (9, 2)
        case UInt8(ascii: "r"): return (13, 2)
        case UInt8(ascii: "b"): return (8, 2)
        case UInt8(ascii: "f"): return (12, 2)
        case UInt8(ascii: "u"):
            guard index + 6 <= end,
                let unit = UInt16(String(decoding: bytes[(index + 2)..<(index + 6)], as: UTF8.self), radix: 16)
            else { return (0xFFFD, 2) }
            return (unit, 6)
        case let other: return (other < 0x80 ? UInt16(other) : 0xFFFD, 2)
        }
    }

    private mutating func skipObject(depth: Int) -> Bool {
        guard take(UInt8(ascii: "{")) else { return false }
        if take(UInt8(ascii: "}")) { return true }
        repeat {
            guard string() != nil, take(UInt8(ascii: ":")), skipValue(depth: depth + 1) else { return false }
        } while take(UInt8(ascii: ","))
        return take(UInt8(ascii: "}"))
    }

    private mutating func skipArray(depth: Int) -> Bool {
        guard take(UInt8(ascii: "[")) else { return false }
        if take(UInt8(ascii: "]")) { return true }
        repeat {
            guard skipValue(depth: depth + 1) else { return false }
        } while take(UInt8(ascii: ","))
        return take(UInt8(ascii: "]"))
    }

    private mutating func literal(_ word: StaticString) -> Bool {
        let end = position + word.utf8CodeUnitCount
        guard end <= bytes.count, word.withUTF8Buffer({ bytes[position..<end].elementsEqual($0) }) else { return false }
        position = end
        skipSpace()
        return true
    }

    /// Takes a run of the characters numbers are made of; which numbers they make matters to nobody here.
    private mutating func number() -> Bool {
        let start = position
        loop: while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."),
                UInt8(ascii: "e"), UInt8(ascii: "E"):
                position += 1
            default: break loop
            }
        }
        guard position > start else { return false }
        skipSpace()
        return true
    }

    private mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 9, 10, 13, 32: position += 1
            default: return
            }
        }
    }
}
