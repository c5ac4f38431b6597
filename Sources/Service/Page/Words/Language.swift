/// A language that the page speaks.
enum Language: String, Sendable, Hashable, CaseIterable {
    case english = "en"
    case spanish = "es"
    case arabic = "ar"

    /// What its speakers call it.
    var ownName: String {
        switch self {
        case .english: "English"
        case .spanish: "Español"
        case .arabic: "العربية"
        }
    }

    /// For `dir`.
    var direction: String { self == .arabic ? "rtl" : "ltr" }

    /// The form of a word beside a number.
    ///
    /// Source: CLDR's plural rules for whole numbers.
    func form(of count: Int64) -> PluralForm {
        switch self {
        case .english:
            return count == 1 ? .one : .other
        case .spanish:
            if count == 1 { return .one }
            return count != 0 && count % 1_000_000 == 0 ? .many : .other
        case .arabic:
            switch (count, count % 100) {
            case (0, _): return .zero
            case (1, _): return .one
            case (2, _): return .two
            case (_, 3...10): return .few
            case (_, 11...99): return .many
            default: return .other
            }
        }
    }

    /// The forms a sentence with a number must have.
    var forms: [PluralForm] {
        switch self {
        case .english: [.one, .other]
        case .spanish: [.one, .many, .other]
        case .arabic: [.zero, .one, .two, .few, .many, .other]
        }
    }

    /// The language that fits best what a browser accepts; English when none does.
    ///
    /// `header`: `Accept-Language`, at most the first 1,000 characters of it.
    init(accepting header: String?) {
        let choices = (header ?? "").prefix(1000).split(separator: ",").prefix(20).compactMap(Self.choice)
        let best = choices.enumerated().max { ($0.element.weight, -$0.offset) < ($1.element.weight, -$1.offset) }
        self = best?.element.language ?? .english
    }

    /// One part of `Accept-Language`; `nil` for a language that we do not have or that is not wanted.
    private static func choice(_ part: Substring) -> (language: Language, weight: Double)? {
        let pieces = part.split(separator: ";").map { $0.filter { !$0.isWhitespace }.lowercased() }
        guard let tag = pieces.first, let language = Language(rawValue: String(tag.prefix { $0 != "-" })) else {
            return nil
        }
        let weight = pieces.dropFirst().first { $0.hasPrefix("q=") }.flatMap { Double($0.dropFirst(2)) } ?? 1
        return weight > 0 ? (language, weight) : nil
    }
}

/// A form of a sentence that a number asks for.
enum PluralForm: String, Sendable, Hashable, CaseIterable {
    case zero, one, two, few, many, other
}
