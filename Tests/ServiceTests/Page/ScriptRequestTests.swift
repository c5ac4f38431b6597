import Foundation
import Testing

/// What the page's scripts change something with, read from their text, is what docs/openapi.yaml describes: by which method, and
/// with which members of a body.
@Suite("Script requests")
struct ScriptRequestTests {
    private static let assets = DescribedRoutes.root.appending(path: "Sources/Service/Page/assets")

    /// A script's text without its notes.
    private static func script(_ file: String) throws -> String {
        try String(contentsOf: assets.appending(path: file), encoding: .utf8).split(separator: "\n")
            .filter { $0.firstMatch(of: #/^ *(\/\/|\/\*\*|\*)/#) == nil }.joined(separator: "\n")
    }

    private static func scripts() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: assets.path()).filter { $0.hasSuffix(".js") }.sorted()
    }

    /// A request that changes something: its method, its address and its body as the script has them.
    private struct Change {
        var file: String
        var method: String
        var address: String
        var body: String?
    }

    /// The addresses that a script puts together: joined to a name's, or kept in one.
    private static let kept = [
        "pairing.js address": "/v1/agents/{}/pairing", "mapping.js address": "/v1/sources/{}/aliases/{}",
        "mapping.js {}": "/v1/sources/{}/aliases/{}", "agent.js address": "/v1/sources/{}/aliases/{}",
        "agent.js /reconcile": "/v1/agents/{}/reconcile", "agent.js /reboot": "/v1/agents/{}/reboot",
        "agent.js /hold": "/v1/agents/{}/hold", "guard-dialog.js /v1/guard/{}/{}": "/v1/guard/{}/approve",
    ]

    /// Every request of the scripts that says by which method.
    private static func changes() throws -> [Change] {
        var changes: [Change] = []
        for file in try scripts() {
            let calls = try script(file).matches(
                of: #/\b(?:send|exchange|act)\("([A-Z]+)", ("[^"]*"|`[^`]*`|\w+)(?:, (\w+(?:\(\w+\))?))?/#
            )
            for call in calls {
                let written = call.2.trimmingCharacters(in: CharacterSet(charactersIn: "\"`"))
                    .replacing(#/\$\{[^}]*\}/#, with: "{}")
                let address = String(written.prefix { $0 != "?" })
                changes.append(
                    Change(
                        file: file,
                        method: String(call.1),
                        address: kept[file + " " + address] ?? address,
                        body: call.3.map(String.init)
                    )
                )
            }
        }
        return changes
    }

    @Test
    func `every request that changes something goes by a method that is described`() throws {
        let described = try DescribedRoutes()
        let changes = try Self.changes()
        for change in changes {
            let methods = described.methods(of: change.address)
            #expect(methods.contains(change.method), "\(change.file): \(change.method) \(change.address)")
        }
        #expect(changes.count == 13, "the scripts are read as they are: \(changes)")
        // What else is asked for is only read, but for the sign-in; and two functions pass on what others say.
        var passed: [String] = []
        var named: [String] = []
        var read: [String] = []
        for file in try Self.scripts() {
            let script = try Self.script(file)
            passed += script.matches(of: #/\b(?:send|exchange)\((?!")[^)]*\)/#).map { "\(file) \($0.0)" }
            named += script.matches(of: #/\bmethod: ("\w+"|\w+)/#).map { "\(file) \($0.1)" }
            let reads = script.matches(of: #/\b(?:fetch|request)\(["`](\/[^"`?]*)[^"`]*["`](?:\)|, \{ cache)/#)
            read += reads.map { String($0.1) }
        }
        #expect(
            passed == [
                "acts.js send(method, address, body, wishes)", "acts.js exchange(method, address, body, wishes)",
                "acts.js exchange(method, address, body, { signal, isRepeat } = {})",
                "agent.js exchange(method, api + path, body)",
            ]
        )
        #expect(named == ["sign-in.js \"POST\""] && described.methods(of: "/session").contains("POST"))
        #expect(Set(read) == ["/session", "/unmatched/count", "/v1/agents"])
        for path in read { #expect(described.methods(of: path).contains("GET"), "\(path)") }
    }

    /// The members of an object that is written out: `{ a, b: c }`.
    private static func members(_ object: Substring) -> Set<String> {
        Set(object.matches(of: #/(?:^|, )(\w+)(?=[:,]|$)/#).map { String($0.1) })
    }

    /// The members that a script gives to what it calls `body`.
    private static func added(_ script: String) -> Set<String> {
        Set(script.matches(of: #/\bbody\.(\w+) = /#).map { String($0.1) })
    }

    @Test
    func `every member of a body that a script sends is described`() throws {
        let described = try DescribedRoutes()
        let hold = try #require(try Self.script("acts.js").firstMatch(of: #/return \{ (state: .*) \};/#)).1
        let held = Self.members(hold.replacing(#/\([^)]*\)/#, with: ""))
        let bulk = try Self.script("bulk.js")
        let order = try #require(bulk.firstMatch(of: #/const body = \{ (.*) \};/#)).1
        let mapping = try Self.script("mapping.js")
        let wishes = try Self.script("pairing.js").matches(of: #/\bwant\(\{ (.*?) \}\)/#)
        // What each body is made of where it is made.
        let made: [String: Set<String>] = [
            "agent.js holdOf(hold)": held, "agent.js null": [],
            "bulk.js body": Self.members(order.replacing(#/\[[^\]]*\]/#, with: "")).union(Self.added(bulk))
                .union(held.map { "hold." + $0 }),
            "mapping.js body": Self.added(mapping),
            "guard-dialog.js body": Self.added(try Self.script("guard-dialog.js")),
            "pairing.js wish": Set(wishes.flatMap { Self.members($0.1) }),
        ]
        let known: [String: Set<String>] = [
            "agent.js holdOf(hold)": ["state", "until", "reason"], "agent.js null": [],
            "bulk.js body": ["action", "agents", "hold", "hold.state", "hold.until", "hold.reason"],
            "mapping.js body": ["agent_id"], "guard-dialog.js body": ["waiting", "agents"],
            "pairing.js wish": ["as", "phone_number"],
        ]
        #expect(made == known, "the scripts are read as they are")
        for change in try Self.changes() {
            guard let body = change.body else { continue }
            let sent = try #require(made["\(change.file) \(body)"], "\(change.file): \(body) is read nowhere")
            let names = described.bodyNames(of: change.address, change.method)
            #expect(sent.subtracting(names) == [], "\(change.file): \(change.method) \(change.address)")
        }
        let signIn = try #require(try Self.script("sign-in.js").firstMatch(of: #/JSON\.stringify\(\{ (\w+): .* \}\)/#))
        #expect(described.bodyNames(of: "/session", "POST") == [String(signIn.1)])
    }
}
