import Domain

/// What every page shows around its own: who is looking, in which language, when.
struct PageFrame {
    let words: Catalogue
    /// `nil` for who is not signed in.
    let caller: Caller?
    /// The page's own path and query, without the language.
    var address: String
    let now: Timestamp
    /// Whether the script of a page that is open asks again: it has the words, and of the fleet it reads the list for itself.
    var isReread = false

    /// The values of the layout.
    ///
    /// `script`: the page's own; `scripted`: what the script says, as beginnings of keys.
    func values(title: String, script: String, scripted: [String] = []) -> [String: Any] {
        var values: [String: Any] = [
            "title": balanced(title),
            "script": script.isEmpty ? false : script,
            "signed_in": caller != nil,
            "now": now.rfc3339,
            "now_clock": clockTime(now),
            "language": words.language.rawValue,
            "direction": words.language.direction,
            "languages": Language.allCases.map(link),
            "spoken": isReread ? [] : spoken(scripted),
        ]
        if let caller {
            values["who"] = balanced(caller.name)
            values["role"] = words("role." + caller.role.rawValue)
            values["may_act"] = caller.role.includes(.manage)
            values["may_map"] = caller.role.includes(.admin)
        }
        return values
    }

    private func link(_ language: Language) -> [String: Any] {
        [
            "code": language.rawValue, "name": language.ownName, "direction": language.direction,
            "selected": language == words.language,
            "href": address + (address.contains("?") ? "&" : "?") + "lang=" + language.rawValue,
        ]
    }

    /// What begins as something does that scripts say, and stands in templates alone.
    private static let unscripted: Set = [
        "bulk.title", "bulk.unpick", "fleet.picked", "live.connecting", "problem.back",
    ]

    /// What any script says, and what this page's does.
    private func spoken(_ scripted: [String]) -> [[String: Any]] {
        let common = ["live.", "age.", "ahead.", "problem.", "act.c", "act.looking", "act.no_", "act.un"]
        let beginnings = common + scripted
        return words.sentences
            .filter { sentence in
                beginnings.contains { sentence.key.hasPrefix($0) } && !Self.unscripted.contains(sentence.key)
            }
            .sorted { $0.key < $1.key }.map { ["key": $0.key, "text": $0.value] }
    }

    /// The address of a request without its language.
    static func address(path: String, query: String?) -> String {
        let pairs = (query ?? "").split(separator: "&").filter { !$0.hasPrefix("lang=") }
        return pairs.isEmpty ? path : path + "?" + pairs.joined(separator: "&")
    }
}
