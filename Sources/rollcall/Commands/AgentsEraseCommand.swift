import ArgumentParser
import Foundation
import Service

extension AgentsCommand {
    /// `rollcall agents erase AGENT`, or `--source S --external-id X`.
    struct Erase: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Erase a person: an agent, somebody who was one, or a name that a source uses.",
            discussion: "The ledger keeps its rows, without names. Raw bodies that mention the person are deleted."
        )

        @OptionGroup var options: SettingsOptions

        @Argument(help: "The agent's id, also of one that is gone.")
        var agent: String?

        @Option(help: "The clock source whose name is erased.")
        var source: String?

        @Option(help: "What the source calls the person.")
        var externalID: String?

        @Flag(help: "Stop the session first; a running serve does it, and erases once that is proved.")
        var stop = false

        @Flag(help: "Print JSON.")
        var json = false

        /// How long to search for what is left; afterwards a running `serve` goes on.
        private static let limit: Duration = .seconds(3_600)

        func validate() throws {
            let isName = source != nil && externalID != nil
            guard (agent != nil) != isName, isName || (source == nil && externalID == nil), !(isName && stop) else {
                throw ValidationError("give AGENT with or without --stop, or both --source and --external-id")
            }
        }

        func run() async throws {
            try await DatabaseCommand.run(options) { settings, pools, clock, _ in
                let erasures = PersonErasure(
                    pool: pools.writers,
                    policy: settings.policy,
                    rules: settings.matchingRules,
                    clock: clock,
                    wakes: SilentBell(),
                    freshness: settings.freshness(pools)
                )
                let caller = Caller(keyID: UUID(), name: "command line", role: .admin, sourceID: 0)
                do {
                    if let agent {
                        say(try await erasures.erase(agentID: agent, stop: stop, limit: Self.limit, by: caller))
                    } else if let source, let externalID {
                        say(try await erasures.erase(externalID, source: source, limit: Self.limit, by: caller))
                    }
                } catch let problem as Problem {
                    Terminal.complain("\(problem.code.title) \(problem.code.hint)")
                    throw Ending.foundWrong
                }
            }
        }

        private func say(_ outcome: PersonErasure.Outcome) {
            if json { return Terminal.say("{\"status\":\"\(outcome.rawValue)\"}") }
            switch outcome {
            case .erased: Terminal.say("erased")
            case .erasing: Terminal.say("no agent any more; what is left is still being removed by serve")
            case .held: Terminal.say("it waits for somebody's approval, see rollcall guard list")
            case .stopping: Terminal.say("the session is being stopped; the person is erased once that is proved")
            }
        }
    }
}
