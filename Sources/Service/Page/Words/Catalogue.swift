/// All that the page says, in one language.
///
/// A file has a sentence per line, `key = sentence`, with places for values in braces. Lines that begin with `#` are for who
/// writes it. A sentence with a number has a line for each form that the language knows, `key.one`, `key.few`, …
struct Catalogue: Sendable {
    let language: Language
    /// By key.
    let sentences: [String: String]

    init(_ language: Language, _ file: [UInt8]) {
        self.language = language
        var sentences: [String: String] = [:]
        for line in String(decoding: file, as: UTF8.self).split(separator: "\n") where !line.hasPrefix("#") {
            guard let sign = line.firstRange(of: " = ") else { continue }
            let key = String(line[..<sign.lowerBound])
            precondition(sentences[key] == nil, "\(language.rawValue) has \(key) twice")
            sentences[key] = String(line[sign.upperBound...])
        }
        self.sentences = sentences
    }

    /// A sentence without values; what is missing is shown as such, and fails the tests.
    func callAsFunction(_ key: String) -> String {
        sentences[key] ?? "⟦\(key)⟧"
    }

    /// A sentence with its values put in.
    func callAsFunction(_ key: String, _ values: [String: String]) -> String {
        pieces(key).map { piece in
            switch piece {
            case .text(let text): text
            case .place(let name): values[name] ?? "⟦\(name)⟧"
            }
        }.joined()
    }

    /// A sentence with a number `{n}` in it, in the form that the number asks for.
    func count(_ key: String, _ number: Int64, _ values: [String: String] = [:]) -> String {
        self(pluralKey(key, number), values.merging(["n": String(number)]) { value, _ in value })
    }

    /// Texts one after the other, with the language's own sign between them.
    func list(_ texts: [String]) -> String {
        texts.dropFirst().reduce(texts.first ?? "") { self("list.pair", ["one": $0, "other": $1]) }
    }

    /// The key of the form that a number asks for.
    func pluralKey(_ key: String, _ number: Int64) -> String {
        key + "." + language.form(of: number).rawValue
    }

    /// A sentence, cut where its values go.
    func pieces(_ key: String) -> [Piece] { Self.pieces(of: self(key)) }

    /// A piece of a sentence.
    enum Piece: Hashable {
        case text(String)
        case place(String)
    }

    static func pieces(of sentence: String) -> [Piece] {
        var pieces: [Piece] = []
        var rest = sentence[...]
        while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
            if open > rest.startIndex { pieces.append(.text(String(rest[..<open]))) }
            pieces.append(.place(String(rest[rest.index(after: open)..<close])))
            rest = rest[rest.index(after: close)...]
        }
        if !rest.isEmpty { pieces.append(.text(String(rest))) }
        return pieces
    }
}
