/// Reads settings one by one, and remembers where each came from and what is wrong with it.
///
/// A setting that cannot be read counts as its default, so that all problems are found in one go.
struct SettingsReader {
    let layers: SettingsLayers
    /// Reads the file that a `…_FILE` setting names; `nil` when it cannot be read.
    let readFile: (_ path: String) -> String?
    private(set) var rows: [SettingsReport.Row] = []
    private(set) var problems: [SettingsError.Problem] = []
    /// Every secret that was read, for the log's redaction.
    private(set) var secrets: [String] = []

    init(layers: SettingsLayers, readFile: @escaping (_ path: String) -> String?) {
        self.layers = layers
        self.readFile = readFile
    }

    mutating func add(_ problem: SettingsError.Problem) {
        problems.append(problem)
    }

    /// Corrects the row of the setting read last, for a list that is a map in the file.
    mutating func replaceLastRow(value: String?, fromFile: Bool) {
        guard let row = rows.popLast() else { return }
        rows.append(.init(setting: row.setting, value: value, origin: fromFile ? .file : row.origin))
    }

    /// A setting with a default.
    ///
    /// `expected` says what a right value looks like, for the problem's text; `parse` gives `nil` for a value that is
    /// refused; `render` spells the value as `check-config` shows it.
    mutating func value<Value>(
        _ name: SettingName,
        default standard: Value,
        expected: String,
        parse: (String) -> Value?,
        render: (Value) -> String
    ) -> Value {
        optional(name, expected: expected, default: render(standard), parse: parse, render: render) ?? standard
    }

    /// A setting that may be absent.
    ///
    /// `mayQuote`: whether a refusal may repeat the value; not where a credential can be part of it.
    mutating func optional<Value>(
        _ name: SettingName,
        expected: String,
        default standard: String? = nil,
        mayQuote: Bool = true,
        parse: (String) -> Value?,
        render: (Value) -> String
    ) -> Value? {
        guard let found = layers.find(name) else {
            rows.append(.init(setting: name.variable, value: standard, origin: .default))
            return nil
        }
        guard let value = parse(found.text) else {
            let given = mayQuote ? "\"\(found.text)\"" : "it"
            problems.append(
                .init(setting: found.spelling, fault: "\(given) is not \(expected)", remedy: "correct it")
            )
            return nil
        }
        rows.append(.init(setting: name.variable, value: render(value), origin: found.origin))
        return value
    }

    /// A secret, given directly or by the name of a file that holds it.
    mutating func secret(_ name: SettingName) -> String? {
        let direct = layers.find(name)
        let indirect = layers.find(name.inFile)
        if let direct, let indirect {
            problems.append(
                .init(
                    setting: direct.spelling,
                    fault: "\(indirect.spelling) is set too",
                    remedy: "keep one of the two"
                )
            )
            return nil
        }
        if let indirect { return secret(name, at: indirect) }
        rows.append(
            .init(
                setting: name.variable,
                value: direct.map { _ in SettingsReport.hidden },
                origin: direct?.origin ?? .default
            )
        )
        if let direct { secrets.append(direct.text) }
        return direct?.text
    }

    /// A comma list of secrets, all of them valid.
    mutating func secretList(_ name: SettingName) -> [String] {
        let items = Self.items(secret(name) ?? "")
        addSecrets(items)
        return items
    }

    /// Notes secrets that are parts of a setting.
    mutating func addSecrets(_ parts: [String]) {
        secrets += parts
    }

    private mutating func secret(_ name: SettingName, at file: SettingsLayers.Found) -> String? {
        // Editors and `echo` end a file with a newline that is no part of the secret.
        var text = readFile(file.text)
        while let last = text?.last, last.isNewline { text?.removeLast() }
        guard let text, !text.isEmpty else {
            problems.append(
                .init(
                    setting: file.spelling,
                    fault: "the file \(file.text) cannot be read or is empty",
                    remedy: "make it readable to the user that Rollcall runs as"
                )
            )
            return nil
        }
        rows.append(.init(setting: name.variable, value: SettingsReport.hidden, origin: file.origin))
        secrets.append(text)
        return text
    }
}

extension SettingsReader {
    /// A text with a default; an empty one counts as not set.
    mutating func text(_ name: SettingName, default standard: String) -> String {
        value(name, default: standard, expected: "a text", parse: { $0 }, render: { $0 })
    }

    /// A text that may be absent.
    mutating func text(_ name: SettingName) -> String? {
        optional(name, expected: "a text", parse: { $0 }, render: { $0 })
    }

    /// A whole number within a range, its ends included; a problem is noted for anything else, and the default counts.
    mutating func number(_ name: SettingName, default standard: Int, in range: ClosedRange<Int>) -> Int {
        value(
            name,
            default: standard,
            expected: "a whole number from \(range.lowerBound) to \(range.upperBound)",
            parse: { text in Int(text).flatMap { range.contains($0) ? $0 : nil } },
            render: { String($0) }
        )
    }

    /// A duration within a range, its ends included, written as ``DurationText`` reads it; a problem is noted for anything
    /// else, and the default counts.
    mutating func duration(
        _ name: SettingName,
        default standard: Duration,
        in range: ClosedRange<Duration>
    ) -> Duration {
        let least = DurationText.render(range.lowerBound)
        let most = DurationText.render(range.upperBound)
        return value(
            name,
            default: standard,
            expected: "a duration like 500ms, 3s, 15m, 24h or 90d, from \(least) to \(most)",
            parse: { text in DurationText.parse(text).flatMap { range.contains($0) ? $0 : nil } },
            render: DurationText.render
        )
    }

    /// `true` or `false`, without case; a problem is noted for anything else, and the default counts.
    mutating func flag(_ name: SettingName, default standard: Bool) -> Bool {
        value(
            name,
            default: standard,
            expected: "true or false",
            parse: { Bool($0.lowercased()) },
            render: { String($0) }
        )
    }

    /// One of the words of an enumeration.
    mutating func choice<Choice: RawRepresentable<String>>(
        _ name: SettingName,
        among choices: [Choice],
        default standard: Choice? = nil
    ) -> Choice? {
        let words = choices.map(\.rawValue).joined(separator: ", ")
        return optional(
            name,
            expected: "one of: \(words)",
            default: standard?.rawValue,
            parse: { text in choices.first { $0.rawValue == text } },
            render: \.rawValue
        ) ?? standard
    }

    /// A comma list; blanks around the items do not count.
    mutating func list(_ name: SettingName) -> [String] {
        optional(
            name,
            expected: "a comma list",
            parse: Self.items,
            render: { $0.joined(separator: ",") }
        ) ?? []
    }

    /// A comma list without empty items.
    static func items(_ text: String) -> [String] {
        text.split(separator: ",").map(trimmed).filter { !$0.isEmpty }
    }

    /// `online=clock_in,away=break_start` as pairs; `nil` when an item has no `=` or a key comes twice.
    static func pairs(_ text: String) -> [String: String]? {
        var pairs: [String: String] = [:]
        for item in items(text) {
            guard let sign = item.firstIndex(of: "=") else { return nil }
            let key = trimmed(item[..<sign])
            let value = trimmed(item[item.index(after: sign)...])
            guard !key.isEmpty, !value.isEmpty, pairs.updateValue(value, forKey: key) == nil else { return nil }
        }
        return pairs
    }

    private static func trimmed(_ text: some StringProtocol) -> String {
        let start = text.drop { $0.isWhitespace }
        return String(String(start.reversed().drop { $0.isWhitespace }).reversed())
    }
}
