import ArgumentParser
import Service

/// `rollcall verify`: proves that agents' states equal the refolded ledger.
struct VerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Refold the ledger and compare; exit 1 when something differs."
    )

    @OptionGroup var options: SettingsOptions

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        try await DatabaseCommand.run(options) { settings, pools, clock, _ in
            let verifier = LedgerVerifier(pool: pools.readers, policy: settings.policy, clock: clock)
            var differences: [LedgerVerifier.Difference] = []
            let count = try await verifier.run { differences.append($0) }
            if json {
                let items = differences.map { difference in
                    let fields = difference.fields.map(JSONText.quoted).joined(separator: ",")
                    return "{\"agent_id\":\(JSONText.quoted(difference.agentID)),\"fields\":[\(fields)]}"
                }
                Terminal.say("{\"agents\":\(count),\"differences\":[\(items.joined(separator: ","))]}")
            } else {
                for difference in differences {
                    Terminal.say("\(difference.agentID): \(difference.fields.joined(separator: ", "))")
                }
                Terminal.say("\(count) agents compared, \(differences.count) differ")
            }
            if !differences.isEmpty { throw Ending.foundWrong }
        }
    }
}

/// `rollcall rebuild`: rewrites agents' states from the ledger.
struct RebuildCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rebuild",
        abstract: "Rewrite agent states from the ledger.",
        discussion: "Where that would start or stop many sessions, it does nothing unless somebody's name is given."
    )

    @OptionGroup var options: SettingsOptions

    @Option(help: "Who stands for starting or stopping many sessions; goes into the audit.")
    var by: String?

    func run() async throws {
        try await DatabaseCommand.run(options) { settings, pools, clock, _ in
            let rebuilder = LedgerRebuilder(pool: pools.writers, policy: settings.policy, clock: clock)
            do {
                Terminal.say("\(try await rebuilder.run(approvedBy: by)) agents folded again")
            } catch let refusal as LedgerRebuilder.NeedsApproval {
                Terminal.complain(
                    "nothing was changed: something else would be desired of \(refusal.changing) sessions, and at most "
                        + "\(refusal.limit) may change within five minutes without somebody's word. `rollcall verify` names "
                        + "the agents; `rollcall rebuild --by NAME` does it."
                )
                throw Ending.foundWrong
            }
        }
    }
}
