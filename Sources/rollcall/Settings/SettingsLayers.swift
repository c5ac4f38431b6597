import Configuration

/// Where a value came from.
package enum SettingOrigin: String, Sendable, Hashable {
    case environment
    case file
    case `default`
    /// Not a setting: what the database says.
    case database
}

/// The environment over the file: the first that has a setting wins.
struct SettingsLayers: Sendable {
    /// A value as written, before anything was made of it.
    struct Found: Sendable, Hashable {
        /// A list from the file is joined with commas, the way the environment spells lists.
        var text: String
        var origin: SettingOrigin
        /// The name under which it was found.
        var spelling: String
    }

    private let environment: any ConfigSnapshot
    private let file: YAMLSnapshot?
    /// The paths of all keys in the file.
    let filePaths: [[String]]
    /// The names of all environment variables that are set to something.
    let variables: [String]

    /// - Parameters:
    ///   - environment: an empty value counts as not set, which is how container tools pass on what they lack.
    ///   - yaml: the text of the file that `--config` named.
    /// - Throws: when the file is no map of settings.
    init(environment: [String: String], yaml: String?) throws(SettingsError) {
        let set = environment.filter { !$0.value.isEmpty }
        variables = set.keys.sorted()
        self.environment = EnvironmentVariablesProvider(environmentVariables: set)
            .mapKeys { key in
                guard let name = SettingName(path: key.components) else { return key }
                return AbsoluteConfigKey([name.variable])
            }
            .snapshot()
        guard let yaml, yaml.split(separator: "\n").contains(where: Self.isContent) else {
            file = nil
            filePaths = []
            return
        }
        do {
            let snapshot = try YAMLSnapshot(
                data: Array(yaml.utf8).span.bytes,
                providerName: Self.providerName,
                // Everything in the file may be a secret, so the library never prints a value of it.
                parsingOptions: .init(secretsSpecifier: .all)
            )
            filePaths = try Self.paths(of: snapshot)
            file = snapshot
        } catch {
            throw SettingsError([
                .init(
                    setting: "--config",
                    fault: "the file is not a YAML map of settings",
                    remedy:
                        "write one setting a line, as in `http_port: 8080`; `engines` and `sources` are maps by name"
                )
            ])
        }
    }

    /// The value of a setting, or `nil` when nobody set it.
    func find(_ name: SettingName) -> Found? {
        let key = AbsoluteConfigKey(name.path)
        // A lookup as text fails on nothing in the environment, and in the file on lists alone.
        if case .string(let text)? = try? environment.value(forKey: key, type: .string).value?.content {
            return Found(text: text, origin: .environment, spelling: name.variable)
        }
        guard let file else { return nil }
        if case .string(let text)? = try? file.value(forKey: key, type: .string).value?.content {
            return text.isEmpty ? nil : Found(text: text, origin: .file, spelling: name.dotted)
        }
        if case .stringArray(let items)? = try? file.value(forKey: key, type: .stringArray).value?.content {
            return Found(text: items.joined(separator: ","), origin: .file, spelling: name.dotted)
        }
        return nil
    }

    /// Whether the environment says which accounts or sources there are.
    func isListedInEnvironment(_ word: String) -> Bool {
        find(SettingName(word))?.origin == .environment
    }

    /// The names in the file's map of accounts or sources, in alphabetical order.
    func namesInFile(_ word: String) -> [String] {
        Set(filePaths.filter { $0.count == 3 && $0[0] == word }.map { $0[1] }).sorted()
    }

    private static let providerName = "settings"

    private static func isContent(_ line: Substring) -> Bool {
        let trimmed = line.drop { $0 == " " || $0 == "\t" || $0 == "\r" }
        return !trimmed.isEmpty && trimmed.first != "#" && trimmed != "---"
    }

    /// The library does not list a file's keys except in its description, `settings[2 values: a=<REDACTED>, b=<REDACTED>]`.
    ///
    /// - Throws: when the description does not name as many keys as it counts.
    private static func paths(of snapshot: YAMLSnapshot) throws -> [[String]] {
        let redacted = "=<REDACTED>"
        let description = snapshot.debugDescription
        let start = "\(providerName)["
        guard description.hasPrefix(start), description.hasSuffix("]") else { throw UnlistedKeys() }
        let inner = description.dropFirst(start.count).dropLast()
        let count = inner.prefix { $0.isNumber }
        guard let number = Int(count) else { throw UnlistedKeys() }
        let keys =
            inner.dropFirst(count.count + " values: ".count)
            .split(separator: "\(redacted), ")
            .map { $0.hasSuffix(redacted) ? String($0.dropLast(redacted.count)) : String($0) }
        guard keys.count == number else { throw UnlistedKeys() }
        return keys.map { $0.split(separator: ".", omittingEmptySubsequences: false).map(String.init) }
    }

    private struct UnlistedKeys: Error {}
}
