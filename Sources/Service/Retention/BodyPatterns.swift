/// The forms in which a person's word stands in a raw body: as a whole JSON string, as a whole form value, or, where the word
/// is a number of some length, as a JSON number.
///
/// Pure. A body is searched for bytes, since it need not be text at all.
struct BodyPatterns: Sendable, Hashable {
    /// Digits from which on a number stands for a person and not for anything.
    static let numberLength = 4
    /// Characters from which on a word means the same in every source's bodies.
    static let distinctLength = 6

    private(set) var forms: Set<[UInt8]> = []

    init(_ word: String) {
        for escape in Self.escapes {
            forms.insert(Array("\"\(word.unicodeScalars.map { escape($0) }.joined())\"".utf8))
        }
        for value in [word, Self.percentEncoded(word, isUpper: true), Self.percentEncoded(word, isUpper: false)] {
            // A form's last value ends with the body, to which the search adds the separator.
            forms.insert(Array("=\(value)&".utf8))
        }
        guard word.utf8.count >= Self.numberLength, Self.isNumber(word) else { return }
        for before in [":", " ", "[", ","] {
            for after in [",", "}", "]", " ", "\n", "\r"] { forms.insert(Array("\(before)\(word)\(after)".utf8)) }
        }
    }

    /// Whether the word is looked for in the bodies of all sources, not only of the one that uses it.
    static func isDistinct(_ word: String) -> Bool {
        word.count >= distinctLength && !isNumber(word)
    }

    private static func isNumber(_ word: String) -> Bool {
        word.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    /// How JSON writers write a character: as it is, all but ASCII escaped in small or capital digits, with the slash escaped,
    /// and with what HTML minds.
    private static let escapes: [@Sendable (Unicode.Scalar) -> String] = [
        { escaped($0, "", isUpper: false, isASCII: false) },
        { escaped($0, "", isUpper: false, isASCII: true) },
        { escaped($0, "", isUpper: true, isASCII: true) },
        { escaped($0, "/", isUpper: false, isASCII: false) },
        { escaped($0, "/", isUpper: false, isASCII: true) },
        { escaped($0, "+<>&'", isUpper: true, isASCII: true) },
        { escaped($0, "<>&'", isUpper: false, isASCII: false) },
    ]

    private static func escaped(_ scalar: Unicode.Scalar, _ more: String, isUpper: Bool, isASCII: Bool) -> String {
        switch scalar {
        case "\"": return "\\\""
        case "\\": return "\\\\"
        case "/" where more == "/": return "\\/"
        default:
            let isEscaped = (isASCII && scalar.value > 0x7E) || (more != "/" && more.unicodeScalars.contains(scalar))
            guard isEscaped else { return String(Character(scalar)) }
            return String(Character(scalar)).utf16.map { unit in
                let digits = String(unit, radix: 16, uppercase: isUpper)
                return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }.joined()
        }
    }

    private static func percentEncoded(_ word: String, isUpper: Bool) -> String {
        word.utf8.map { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
                return String(UnicodeScalar(byte))
            case UInt8(ascii: " "): return "+"
            default:
                let digits = String(byte, radix: 16, uppercase: isUpper)
                return "%" + (digits.count < 2 ? "0" : "") + digits
            }
        }.joined()
    }
}
