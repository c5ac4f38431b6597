/// One setting in its two spellings: `ROLLCALL_ENGINE_MAIN_URL` and `engines.main.url`.
struct SettingName: Hashable, Sendable {
    /// Whose setting it is.
    enum Owner: Hashable, Sendable {
        case rollcall
        case engine(String)
        case source(String)
    }

    var owner: Owner
    /// The last part, in lower case: `calls_per_second`.
    var word: String

    init(_ word: String, of owner: Owner = .rollcall) {
        self.owner = owner
        self.word = word
    }

    /// The path of keys in the file.
    var path: [String] {
        switch owner {
        case .rollcall: [word]
        case .engine(let name): ["engines", name, word]
        case .source(let name): ["sources", name, word]
        }
    }

    /// The path as people write it.
    var dotted: String { path.joined(separator: ".") }

    /// The environment variable.
    var variable: String {
        let parts: [String] =
            switch owner {
            case .rollcall: [word]
            case .engine(let name): ["engine", name, word]
            case .source(let name): ["source", name, word]
            }
        return (["rollcall"] + parts).map(Self.inVariable).joined(separator: "_")
    }

    /// The setting that names a file with this one's value.
    var inFile: SettingName { SettingName(word + "_file", of: owner) }

    /// The path that ``path`` builds, read back.
    init?(path: [String]) {
        switch (path.count, path.first) {
        case (1, _): self.init(path[0])
        case (3, "engines"): self.init(path[2], of: .engine(path[1]))
        case (3, "sources"): self.init(path[2], of: .source(path[1]))
        default: return nil
        }
    }

    /// Upper case, with `-` as `_`: how a name stands in a variable.
    static func inVariable(_ name: String) -> String {
        String(name.uppercased().map { $0 == "-" ? "_" : $0 })
    }

    /// Whether a name of an account or a source has only letters, digits and `-`, and 1 to 40 of them.
    static func isAccountName(_ name: String) -> Bool {
        (1...40).contains(name.utf8.count)
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }
}
