import Domain

/// What goes into a place of a sentence.
enum PhraseValue {
    case text(String)
    /// What people made up, which may run in another direction.
    case name(String)
    case strong(String)
    /// What people wrote, in quotation marks.
    case quote(String)
    case age(Timestamp)
    case clock(Timestamp)
    case ahead(Timestamp)
}

extension Catalogue {
    /// A sentence as a template shows it, piece by piece, so that times in it stay alive.
    ///
    /// `Any` is what the templates take.
    func phrase(_ key: String, _ values: [String: PhraseValue] = [:], now: Timestamp) -> [[String: Any]] {
        pieces(key).map { piece in
            switch piece {
            case .text(let text): ["say_text": text]
            case .place(let name): markup(values[name] ?? .text("⟦\(name)⟧"), now: now)
            }
        }
    }

    private func markup(_ value: PhraseValue, now: Timestamp) -> [String: Any] {
        switch value {
        case .text(let text): ["say_text": text]
        case .name(let name): ["say_name": balanced(name)]
        case .strong(let text): ["say_strong": text]
        case .quote(let text): ["say_quote": balanced(text)]
        case .age(let instant): ["age_of": time(instant, now: now)]
        case .clock(let instant): ["clock_of": time(instant, now: now)]
        case .ahead(let instant): ["ahead_of": time(instant, now: now)]
        }
    }
}
