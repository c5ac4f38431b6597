import ArgumentParser
import Domain
import NIOCore
import Service

extension AgentsCommand {
    /// `rollcall agents map SOURCE EXTERNAL_ID AGENT`.
    struct Map: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say whom a clock source means; unmatched events under that name are applied.",
            discussion: "A name that another agent has moves, for later events only."
        )

        @OptionGroup var options: SettingsOptions

        @Argument(help: "The clock source.")
        var source: String

        @Argument(help: "What the source calls the agent.")
        var externalID: String

        @Argument(help: "The agent's id.")
        var agent: String

        @Flag(help: "Only say what would happen.")
        var dryRun = false

        @Flag(help: "Print JSON, as the API answers.")
        var json = false

        func run() async throws {
            let alias = AliasSpec(source: source, externalID: externalID)
            try alias.check()
            try await DatabaseCommand.run(options) { settings, pools, clock, _ in
                let directory = try await settings.directory(pools, clock)
                do {
                    let mapping = try await directory.map(
                        alias,
                        to: agent,
                        isDryRun: dryRun,
                        caller: nil,
                        author: "command line"
                    )
                    let standings = try await settings.reads(pools, clock).standings([mapping.before, mapping.after])
                    Terminal.say(
                        json
                            ? mapping.json(standings[0], standings[1])
                            : mapping.text(before: standings[0], after: standings[1])
                    )
                } catch let problem as Problem {
                    Terminal.complain(problem.detail)
                    throw Ending.foundWrong
                }
            }
        }
    }

    /// `rollcall agents unmatched`.
    struct Unmatched: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "unmatched",
            abstract: "List the names under which events are unmatched, with what would start and whom they may mean."
        )

        @OptionGroup var options: SettingsOptions

        @Option(help: "Only this clock source.")
        var source: String?

        @Flag(help: "Print JSON, one array.")
        var json = false

        func run() async throws {
            try await DatabaseCommand.run(options) { settings, pools, clock, _ in
                let names = UnmatchedNames(pool: pools.readers, policy: settings.policy, clock: clock)
                var position: UnmatchedNames.Position? = UnmatchedNames.Position()
                var isFirst = true
                while let after = position {
                    let page = try await names.page(source: source, after: after, limit: UnmatchedNames.pageLimit)
                    for name in page.names {
                        if json {
                            Terminal.say((isFirst ? "[" : ",") + name.json)
                        } else {
                            Terminal.say(name.line)
                        }
                        isFirst = false
                    }
                    position = page.next
                }
                if json { Terminal.say(isFirst ? "[]" : "]") }
            }
        }
    }
}

extension AliasSpec {
    /// - Throws: `ValidationError` for an external id that cannot be one.
    fileprivate func check() throws {
        let isPlain = !externalID.unicodeScalars.contains(where: \.isControl)
        guard (1...200).contains(externalID.unicodeScalars.count), isPlain else {
            throw ValidationError("EXTERNAL_ID: 1 to 200 characters, and no control characters")
        }
    }
}

extension AliasMapping {
    fileprivate func json(_ before: AgentStanding, _ after: AgentStanding) -> String {
        var buffer = ByteBuffer()
        write(before: before, after: after, to: &buffer)
        return String(buffer: buffer)
    }
}

extension UnmatchedName {
    fileprivate var json: String {
        var buffer = ByteBuffer()
        write(to: &buffer)
        return String(buffer: buffer)
    }

    /// The name as a line of a table.
    fileprivate var line: String {
        let whom =
            agentID.map { "left out by \($0)" }
            ?? (suggestions.isEmpty ? "-" : "perhaps " + suggestions.map(\.agentID).joined(separator: ", "))
        return [
            source, externalID, "\(events)", firstOccurredAt.rfc3339, lastOccurredAt.rfc3339,
            kinds.map(\.rawValue).joined(separator: ","), startsNow ? "would start" : "starts nothing", whom,
        ].joined(separator: "  ")
    }
}
