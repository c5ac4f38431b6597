import ArgumentParser
import Domain
import Foundation
import Service

/// `rollcall keys`: API keys.
struct KeysCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys",
        abstract: "Create, list and revoke API keys.",
        subcommands: [Create.self, List.self, Revoke.self]
    )

    /// `rollcall keys create`.
    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Make a key; it is shown this once.")

        @OptionGroup var options: SettingsOptions

        @Option(help: "What it is for.")
        var name: String

        @Option(help: "clock, view, manage or admin.")
        var role: String

        @Option(help: "A team it is bound to; may be given several times.")
        var team: [String] = []

        @Option(help: "The clock source its events belong to.")
        var source: String?

        @Flag(help: "Print JSON.")
        var json = false

        func run() async throws {
            guard let role = Role(rawValue: role) else {
                Terminal.complain("--role: clock, view, manage or admin")
                throw ExitCode(2)
            }
            let key: NewAPIKey
            do {
                key = try NewAPIKey(name: name, role: role, teams: team.isEmpty ? nil : team, source: source)
            } catch {
                Terminal.complain(error.detail)
                throw ExitCode(2)
            }
            try await DatabaseCommand.run(options) { _, pools, _, _ in
                let (record, secret) = try await KeyRing(pool: pools.writers).create(key, by: "command line")
                Terminal.say(json ? Self.json(record, secret: secret) : secret)
            }
        }

        private static func json(_ key: APIKey, secret: String) -> String {
            String(key.json.dropLast()) + ",\"key\":\(JSONText.quoted(secret))}"
        }
    }

    /// `rollcall keys list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List keys; the keys themselves are stored nowhere.")

        @OptionGroup var options: SettingsOptions

        @Flag(help: "Print JSON.")
        var json = false

        func run() async throws {
            try await DatabaseCommand.run(options) { _, pools, _, _ in
                let keyRing = KeyRing(pool: pools.readers)
                var cursor: String?
                var isFirst = true
                repeat {
                    let page = try await keyRing.page(cursor: cursor)
                    for key in page.keys {
                        Terminal.say(json ? (isFirst ? "[" : ",") + key.json : key.line)
                        isFirst = false
                    }
                    cursor = page.nextCursor
                } while cursor != nil
                if json { Terminal.say(isFirst ? "[]" : "]") }
            }
        }
    }

    /// `rollcall keys revoke ID`.
    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Revoke a key: it stops working everywhere within 2 s."
        )

        @OptionGroup var options: SettingsOptions

        @Argument(help: "The key's id, as keys list shows it.")
        var id: String

        func run() async throws {
            guard let id = UUID(uuidString: id) else {
                Terminal.complain("\(id) is not the id of a key")
                throw ExitCode(2)
            }
            try await DatabaseCommand.run(options) { _, pools, _, _ in
                guard try await KeyRing(pool: pools.writers).revoke(id, by: "command line") else {
                    Terminal.complain("there is no key \(id.uuidString.lowercased())")
                    throw Ending.foundWrong
                }
                Terminal.say("revoked")
            }
        }
    }
}

extension APIKey {
    /// The key's record as a JSON object, without the key.
    fileprivate var json: String {
        let teams = teams.map { "[" + $0.map(JSONText.quoted).joined(separator: ",") + "]" } ?? "null"
        let source = source.map(JSONText.quoted) ?? "null"
        let revoked = revokedAt.map { JSONText.quoted($0.rfc3339) } ?? "null"
        return
            "{\"id\":\"\(id.uuidString.lowercased())\",\"name\":\(JSONText.quoted(name)),\"role\":\"\(role.rawValue)\","
            + "\"teams\":\(teams),\"source\":\(source),\"created_at\":\"\(createdAt.rfc3339)\",\"revoked_at\":\(revoked)}"
    }

    /// The key's record as a line of a table.
    fileprivate var line: String {
        let bounds = [teams.map { "teams \($0.joined(separator: ","))" }, source.map { "source \($0)" }].compactMap {
            $0
        }
        let standing = revokedAt.map { "revoked \($0.rfc3339)" } ?? "live"
        return ([id.uuidString.lowercased(), role.rawValue, standing, name] + bounds).joined(separator: "  ")
    }
}
