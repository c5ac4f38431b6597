/// Takes out of a body what nobody may see: the settings' secrets, credentials, telephone numbers; and leaves ids and times.
///
/// Pure. Knows JSON and forms, since a row of digits is a telephone number in one member and an id in another: what a
/// member's name says, and what begins like a number that can be dialled, is taken out. Cut or broken bodies are read as far as
/// they go.
package struct BodyRedactor: Sendable {
    private let redactor: Redactor

    package init(_ redactor: Redactor = Redactor()) {
        self.redactor = redactor
    }

    /// The text without what must not be seen.
    package func redact(_ text: String) -> String {
        redact(text, level: 0)
    }

    /// Forms within forms are looked into so deep.
    private static let formLevels = 3

    /// `level`: of how many forms the text is a value.
    private func redact(_ text: String, level: Int) -> String {
        let first = text.utf8.first { $0 > 0x20 }
        if first == UInt8(ascii: "{") || first == UInt8(ascii: "[") {
            var scan = BodyScan(bytes: Array(text.utf8), redactor: redactor)
            return scan.redacted()
        }
        if level < Self.formLevels, Self.isForm(text) { return redactForm(text, level: level) }
        return redactPlain(text)
    }

    /// `a=1&b=2`, percent-encoded: each value is looked at decoded, and stays as it was unless something is taken out.
    private func redactForm(_ text: String, level: Int) -> String {
        text.split(separator: "&", omittingEmptySubsequences: false).map { pair in
            let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard halves.count == 2, let name = Self.decoded(halves[0]), let value = Self.decoded(halves[1]) else {
                return redactPlain(String(pair))
            }
            let clean =
                if Redactor.isSecretName(name) || (MemberName.isTelephone(name) && MemberName.isDialled(value)) {
                    Redactor.mark
                } else {
                    redact(value, level: level + 1)
                }
            return clean == value ? String(pair) : "\(halves[0])=\(clean)"
        }
        .joined(separator: "&")
    }

    /// What is known to be secret, and numbers in international form, wherever they stand.
    private func redactPlain(_ text: String) -> String {
        let known = redactor.redact(text, keepsDigits: true)
        return String(decoding: BodyScan.withoutNumbers(Array(known.utf8)[...]), as: UTF8.self)
    }

    private static func isForm(_ text: String) -> Bool {
        text.utf8.contains(UInt8(ascii: "=")) && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
            && !text.utf8.contains { "\"<>{}".utf8.contains($0) }
    }

    private static func decoded(_ text: Substring) -> String? {
        percentDecoded(String(text.map { $0 == "+" ? " " : $0 }))
    }
}

/// What a member's name says of its value.
enum MemberName {
    private static let telephones = ["phone", "mobile", "msisdn", "whatsapp", "telefon", "cellular", "fax", "contact"]
    private static let wholeTelephones = ["tel", "cell", "sms"]
    private static let otherEndings = ["id", "at", "time", "date", "type", "status", "count", "updated", "created"]

    /// Whether the value is a telephone number, if it looks like one at all.
    static func isTelephone(_ name: String) -> Bool {
        let name = name.lowercased()
        if otherEndings.contains(where: { hasWord(name, atEnd: $0) }) { return false }
        return telephones.contains { name.contains($0) } || wholeTelephones.contains { hasWord(name, atEnd: $0) }
    }

    /// Whether a value has as many digits as the shortest telephone number.
    static func isDialled(_ value: some StringProtocol) -> Bool {
        value.utf8.reduce(0) { $0 + ($1.isASCIIDigit ? 1 : 0) } >= 5
    }

    /// Whether the name is the word, or ends with it as a word of its own.
    private static func hasWord(_ name: String, atEnd word: String) -> Bool {
        guard name.hasSuffix(word) else { return false }
        guard let before = name.utf8.dropLast(word.utf8.count).last else { return true }
        return !before.isASCIILetter
    }
}
