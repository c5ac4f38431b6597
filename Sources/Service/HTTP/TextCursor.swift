/// Text inside the opaque words by which lists go on: hexadecimal, so that it needs no escaping anywhere.
enum TextCursor {
    static func word(_ text: String) -> String {
        text.utf8.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// Reads back ``word(_:)``; `nil` for anything else, and for text that PostgreSQL does not take.
    static func text(_ word: some StringProtocol) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(word.utf8)[...]
        while let high = rest.popFirst().flatMap(hexadecimalDigit) {
            guard let low = rest.popFirst().flatMap(hexadecimalDigit) else { return nil }
            bytes.append(high << 4 | low)
        }
        guard rest.isEmpty, let text = String(validating: bytes, as: UTF8.self), !text.contains("\u{0}") else {
            return nil
        }
        return text
    }
}

extension Problem {
    /// A cursor that no list of ours gave.
    static var foreignCursor: Problem { .invalid("cursor", "It is not the next_cursor of this list.") }
}
