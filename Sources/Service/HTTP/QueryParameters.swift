package import Domain
package import Hummingbird

/// The parameters behind the `?`, decoded: `%XX`, and `+` as a space.
package struct QueryParameters: Sendable {
    private var values: [String: String] = [:]

    /// - Throws: `invalid_field` for what does not decode; of a repeated name the first counts.
    package init(_ request: Request) throws(Problem) {
        guard let query = request.uri.query else { return }
        for pair in query.split(separator: "&") {
            let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = percentDecoded(halves[0]) else { throw .invalid("query", "A name does not decode.") }
            let raw = halves.count > 1 ? String(halves[1].map { $0 == "+" ? " " : $0 }) : ""
            guard let value = percentDecoded(raw), !value.unicodeScalars.contains(where: \.isControl) else {
                throw .invalid(isFieldName(name) ? name : "query", "The value does not decode to text.")
            }
            if values[name] == nil { values[name] = value }
        }
    }

    /// The value, unless it is missing or empty.
    package subscript(_ name: String) -> String? {
        values[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// A whole number; `nil` when missing.
    package func integer(_ name: String, in range: ClosedRange<Int>) throws(Problem) -> Int? {
        guard let text = self[name] else { return nil }
        guard let value = Int(text), range.contains(value) else {
            throw .invalid(name, "Expected a whole number from \(range.lowerBound) to \(range.upperBound).")
        }
        return value
    }

    /// One of an enum's words; `nil` when missing.
    package func word<Word: RawRepresentable<String> & CaseIterable>(
        _ name: String,
        as type: Word.Type
    ) throws(Problem) -> Word? {
        guard let text = self[name] else { return nil }
        guard let word = Word(rawValue: text) else {
            let words = Word.allCases.map(\.rawValue).joined(separator: ", ")
            throw .invalid(name, "Expected one of: \(words).")
        }
        return word
    }

    /// `true` or `false`; false when missing.
    package func flag(_ name: String) throws(Problem) -> Bool {
        switch self[name] {
        case nil, "false": return false
        case "true": return true
        default: throw .invalid(name, "Expected true or false.")
        }
    }

    /// An instant as RFC 3339 with an offset; `nil` when missing.
    ///
    /// A `+` that arrived as a space is read as `+`.
    package func instant(_ name: String) throws(Problem) -> Timestamp? {
        guard let text = self[name] else { return nil }
        let spaceAsPlus =
            text.count > 11 ? text.prefix(11) + text.dropFirst(11).map { $0 == " " ? "+" : $0 } : text[...]
        guard let instant = Timestamp(rfc3339: text) ?? Timestamp(rfc3339: String(spaceAsPlus)) else {
            throw .invalid(name, "Expected a date and time as RFC 3339 with an offset.")
        }
        return instant
    }
}

private func isFieldName(_ name: String) -> Bool {
    !name.isEmpty && name.utf8.count <= 32 && name.utf8.allSatisfy { $0 == 0x5F || (0x61...0x7A).contains($0) }
}
