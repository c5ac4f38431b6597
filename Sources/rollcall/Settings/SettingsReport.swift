import FoundationEssentials

/// All settings with where each came from, and no secret: what `check-config` prints.
package struct SettingsReport: Sendable, Hashable {
    /// One setting.
    package struct Row: Sendable, Hashable, Codable {
        /// The environment variable's name, also for a value from the file.
        package var setting: String
        /// `nil` when nobody set it and it has no default; ``hidden`` for a secret.
        package var value: String?
        package var origin: SettingOrigin
    }

    package var rows: [Row]

    /// Stands for a secret that is set.
    package static let hidden = "(secret)"

    /// The rows as a table with aligned columns, one line each.
    package var table: String {
        let first = rows.map(\.setting.count).max() ?? 0
        let second = rows.map { Self.shown($0.value).count }.max() ?? 0
        return rows.map { row in
            "\(Self.padded(row.setting, to: first))  \(Self.padded(Self.shown(row.value), to: second))  \(row.origin.rawValue)"
        }
        .joined(separator: "\n")
    }

    /// The rows as a JSON array.
    package func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(rows), as: UTF8.self)
    }

    private static func shown(_ value: String?) -> String { value ?? "-" }

    private static func padded(_ text: String, to width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}

extension SettingOrigin: Codable {}
