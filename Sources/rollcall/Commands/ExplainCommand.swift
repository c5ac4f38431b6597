import ArgumentParser
import Domain
import NIOCore
import Service

/// `rollcall explain AGENT`: why an agent's session is as it is.
struct ExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Why an agent's session is as it is: rules, event, commands, what would change it, next look.",
        discussion: "Exit 1 when there is no such agent."
    )

    @OptionGroup var options: SettingsOptions

    @Argument(help: "The agent's id.")
    var agent: String

    @Flag(help: "Print JSON, as GET /v1/agents/{agent}/explain answers.")
    var json = false

    func run() async throws {
        try await DatabaseCommand.run(options) { settings, pools, clock, _ in
            guard let details = try await settings.reads(pools, clock).agent(agent, for: nil) else {
                Terminal.complain("there is no agent \(agent)")
                throw Ending.foundWrong
            }
            let reads = ExplanationReads(
                pool: pools.readers,
                freshness: settings.freshness(pools),
                breakAction: settings.policy.breakAction,
                clock: clock
            )
            let explanation = try await reads.explanation(of: details)
            guard json else { return explanation.lines.forEach(Terminal.say) }
            var buffer = ByteBuffer()
            explanation.write(to: &buffer)
            Terminal.say(String(buffer: buffer))
        }
    }
}
