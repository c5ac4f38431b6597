import ArgumentParser
import Domain
import Foundation
import NIOCore
import Service

/// `rollcall guard`: changes that would affect many sessions, and wait for somebody.
struct GuardCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "guard",
        abstract: "List, approve and refuse changes that wait because they would affect many sessions.",
        subcommands: [List.self, Show.self, Approve.self, Refuse.self]
    )

    /// `rollcall guard list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "What waits, and what was decided within a week.")

        @OptionGroup var options: SettingsOptions

        @Flag(help: "Print JSON.")
        var json = false

        func run() async throws {
            try await DatabaseCommand.run(options) { _, pools, _, _ in
                let changes = try await GuardReads(pool: pools.readers).changes(for: .commandLine)
                if json {
                    Terminal.say("[" + changes.map(\.json).joined(separator: ",") + "]")
                } else {
                    for change in changes { Terminal.say(change.line) }
                }
            }
        }
    }

    /// `rollcall guard show CHANGE`.
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "One change, agent by agent.")

        @OptionGroup var options: SettingsOptions

        @Argument(help: "The change's number, as guard list shows it.")
        var change: Int64

        @Flag(help: "Print JSON.")
        var json = false

        func run() async throws {
            try await DatabaseCommand.run(options) { _, pools, _, _ in
                let reads = GuardReads(pool: pools.readers)
                guard let found = try await reads.change(change, for: .commandLine) else {
                    Terminal.complain("there is no change \(change)")
                    throw Ending.foundWrong
                }
                let parts = try await reads.parts(of: found, for: .commandLine)
                if json {
                    Terminal.say("{\"change\":\(found.json),\"parts\":[\(parts.map(\.json).joined(separator: ","))]}")
                    return
                }
                Terminal.say(found.line)
                Terminal.say(found.reason.sentence)
                for part in parts { Terminal.say("  " + part.line) }
            }
        }
    }

    /// What both decisions are told.
    struct DecisionOptions: ParsableArguments {
        @OptionGroup var settings: SettingsOptions

        @Argument(help: "The change's number, as guard list shows it.")
        var change: Int64

        @Option(help: "Who decides; goes into the audit.")
        var by: String

        @Option(help: "Only this agent's part; may be given several times.")
        var agent: [String] = []

        func validate() throws {
            let name = by.trimmingCharacters(in: .whitespaces)
            guard !name.isEmpty, name.count <= 200 else { throw ValidationError("--by: the name of a person") }
        }

        func run(_ decision: GuardDecision) async throws {
            try await DatabaseCommand.run(settings) { settings, pools, clock, logger in
                let desk = GuardDesk(
                    try await settings.directory(pools, clock),
                    freshness: settings.freshness(pools),
                    logger: logger
                )
                do {
                    let count = try await desk.decide(
                        decision,
                        change: change,
                        agentIDs: agent.isEmpty ? nil : agent,
                        by: .commandLine(by)
                    )
                    Terminal.say("\(decision == .approve ? "approved" : "refused"): \(count)")
                } catch let problem as Problem {
                    Terminal.complain("\(problem.code.title) \(problem.code.hint)")
                    throw Ending.foundWrong
                }
            }
        }
    }

    /// `rollcall guard approve CHANGE --by NAME`.
    struct Approve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Let a change happen, or the part of some agents.")

        @OptionGroup var options: DecisionOptions

        func run() async throws { try await options.run(.approve) }
    }

    /// `rollcall guard refuse CHANGE --by NAME`.
    struct Refuse: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Drop a change, or the part of some agents; a list and a setting as a whole."
        )

        @OptionGroup var options: DecisionOptions

        func run() async throws { try await options.run(.refuse) }
    }
}

extension Caller {
    /// Whoever works at the machine: sees and may do everything.
    fileprivate static var commandLine: Caller { commandLine("command line") }

    fileprivate static func commandLine(_ name: String) -> Caller {
        Caller(keyID: UUID(), name: name, role: .admin, sourceID: 0)
    }
}

extension HeldChange {
    fileprivate var json: String {
        var buffer = ByteBuffer()
        write(to: &buffer)
        return String(buffer: buffer)
    }

    fileprivate var line: String {
        "\(change)  \(state.rawValue)  \(kind.rawValue)  \(waiting) of \(agents) wait  asked by \(askedBy) at \(askedAt.rfc3339)"
            + (decidedBy.map { "  decided by \($0)" } ?? "")
    }
}

extension WaitingPart {
    fileprivate var json: String {
        var buffer = ByteBuffer()
        write(to: &buffer)
        return String(buffer: buffer)
    }

    fileprivate var line: String {
        "\(agentID)  \(kind)\(instance.map { " \($0)" } ?? "")\(holdWords)\(erases ? " and erasure" : "")  \(before.rawValue) -> \(after.rawValue)  \(state.rawValue)"
            + (outcome.map { " (\($0))" } ?? "")
    }
}
