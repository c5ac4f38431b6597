/// Text inside the opaque words by which lists go on: hexadecimal, so that it needs no escaping anywhere.
enum TextCursor {
    static func word(_ text: String) -> String { Hexadecimal.text(text.utf8) }

    /// Reads back ``word(_:)``; `nil` for anything else, and for text that PostgreSQL does not take.
    static func text(_ word: some StringProtocol) -> String? {
        guard let bytes = Hexadecimal.bytes(word), let text = String(validating: bytes, as: UTF8.self),
            !text.contains("\u{0}")
        else { return nil }
        return text
    }
}

extension Problem {
    /// A cursor that no list of ours gave.
    static var foreignCursor: Problem { .invalid("cursor", "It is not the next_cursor of this list.") }
}
