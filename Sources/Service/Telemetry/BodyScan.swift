/// Goes through JSON text and takes out credentials and telephone numbers, keeping everything else as it is written.
///
/// Does not need the text to be whole, nor valid.
struct BodyScan {
    private let bytes: [UInt8]
    private var position = 0
    private var out: [UInt8] = []
    /// The name that the next value belongs to, in lower case.
    private var name: String?
    /// At which depth everything is taken out, as inside `"phone": {`.
    private var hidden: (depth: Int, isSecret: Bool)?
    private var depth = 0
    /// For the text of values.
    private let redactor: Redactor

    init(bytes: [UInt8], redactor: Redactor) {
        self.bytes = bytes
        self.redactor = redactor
        out.reserveCapacity(bytes.count)
    }

    /// The text with ``Redactor/mark`` for every value taken out.
    mutating func redacted() -> String {
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\""): string()
            case UInt8(ascii: "{"), UInt8(ascii: "["): open()
            case UInt8(ascii: "}"), UInt8(ascii: "]"): close()
            case UInt8(ascii: ","): comma()
            case let byte where byte.isASCIIDigit || byte == UInt8(ascii: "-"): number()
            default: copy(1)
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    private mutating func open() {
        depth += 1
        if hidden == nil, let name {
            if Redactor.isSecretName(name) {
                hidden = (depth, true)
            } else if MemberName.isTelephone(name) {
                hidden = (depth, false)
            }
        }
        name = nil
        copy(1)
    }

    private mutating func close() {
        if hidden?.depth == depth { hidden = nil }
        depth -= 1
        name = nil
        copy(1)
    }

    private mutating func comma() {
        name = nil
        copy(1)
    }

    private mutating func string() {
        let start = position
        var end = start + 1
        while end < bytes.count, bytes[end] != UInt8(ascii: "\"") { end += bytes[end] == UInt8(ascii: "\\") ? 2 : 1 }
        let isWhole = end < bytes.count
        end = min(end, bytes.count)
        let content = bytes[start + 1..<max(start + 1, end)]
        position = isWhole ? end + 1 : bytes.count
        if isWhole, isName(at: position) {
            name = String(decoding: content, as: UTF8.self)
            out.append(contentsOf: bytes[start..<position])
            return
        }
        let text = String(decoding: content, as: UTF8.self)
        out.append(UInt8(ascii: "\""))
        out.append(contentsOf: isTaken(text) ? Array(Redactor.mark.utf8) : clean(content))
        if isWhole { out.append(UInt8(ascii: "\"")) }
        name = nil
    }

    private mutating func number() {
        let start = position
        while position < bytes.count, bytes[position].isASCIIDigit || "+-.eE".utf8.contains(bytes[position]) {
            position += 1
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isTaken(text) {
            out.append(contentsOf: "\"\(Redactor.mark)\"".utf8)
        } else {
            out.append(contentsOf: bytes[start..<position])
        }
        name = nil
    }

    /// Whether a value goes because of its name, or of one around it.
    private func isTaken(_ value: String) -> Bool {
        if hidden?.isSecret ?? false { return true }
        if let name, Redactor.isSecretName(name) { return true }
        let isTelephone = hidden != nil || name.map(MemberName.isTelephone) ?? false
        return isTelephone && MemberName.isDialled(value) && !Self.isTime(value)
    }

    /// Whether a colon follows, so that what came before is a member's name.
    private func isName(at place: Int) -> Bool {
        bytes[place...].first { $0 > 0x20 } == UInt8(ascii: ":")
    }

    private mutating func copy(_ count: Int) {
        out.append(contentsOf: bytes[position..<position + count])
        position += count
    }

    /// `2026-03-02T08:00:00Z` and the like, which no telephone number is.
    private static func isTime(_ value: String) -> Bool {
        let bytes = Array(value.utf8)
        return bytes.count >= 10 && bytes[4] == UInt8(ascii: "-") && bytes[7] == UInt8(ascii: "-")
            && bytes[..<4].allSatisfy(\.isASCIIDigit)
    }

    /// A string's content: JSON in JSON is looked at again, all else for what is known to be secret and for numbers in
    /// international form.
    private func clean(_ content: ArraySlice<UInt8>) -> [UInt8] {
        let trimmed = content.drop { $0 <= 0x20 }
        guard trimmed.first == UInt8(ascii: "{") || trimmed.first == UInt8(ascii: "["),
            content.contains(UInt8(ascii: "\\"))
        else {
            let known = redactor.redact(String(decoding: content, as: UTF8.self), keepsDigits: true)
            return Self.withoutNumbers(Array(known.utf8)[...])
        }
        // One level of escapes; a quotation mark inside is `\"`.
        var plain: [UInt8] = []
        var rest = content
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\\"), let next = rest.first, next == byte || next == UInt8(ascii: "\"") {
                plain.append(next)
                rest.removeFirst()
            } else {
                plain.append(byte)
            }
        }
        var inner = BodyScan(bytes: plain, redactor: redactor)
        return inner.redacted().utf8.flatMap { byte -> [UInt8] in
            byte == UInt8(ascii: "\\") || byte == UInt8(ascii: "\"") ? [UInt8(ascii: "\\"), byte] : [byte]
        }
    }

    /// The text without `+49 170 1234567`, also after `tel:` or `whatsapp:`; a plus inside a word is none.
    static func withoutNumbers(_ text: ArraySlice<UInt8>) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(text.count)
        var place = text.startIndex
        while place < text.endIndex {
            let previous = place > text.startIndex ? text[place - 1] : 0x20
            let begins = !(previous.isASCIIDigit || previous.isASCIILetter || previous == UInt8(ascii: "/"))
            if begins, let end = numberEnd(text, from: place) {
                out.append(contentsOf: Redactor.mark.utf8)
                place = end
            } else {
                out.append(text[place])
                place += 1
            }
        }
        return out
    }

    private static let escapedPlus = [Array("\\u002b".utf8), Array("\\u002B".utf8)]

    /// The end of a number that begins with `+`, also as JSON may escape it, and has at least ``Redactor/digitLimit`` digits;
    /// `nil` for none.
    private static func numberEnd(_ text: ArraySlice<UInt8>, from start: Int) -> Int? {
        var place = start
        if text[place] == UInt8(ascii: "+") {
            place += 1
        } else if escapedPlus.contains(where: { text[place...].starts(with: $0) }) {
            place += 6
        } else {
            return nil
        }
        guard place < text.endIndex, text[place].isASCIIDigit, text[place] != UInt8(ascii: "0") else { return nil }
        var (digits, end) = (0, place)
        while place < text.endIndex, text[place].isASCIIDigit || " -.()/".utf8.contains(text[place]) {
            if text[place].isASCIIDigit {
                digits += 1
                end = place + 1
            }
            place += 1
        }
        return digits >= Redactor.digitLimit ? end : nil
    }
}
