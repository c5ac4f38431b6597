import ArgumentParser
import Domain
import NIOCore
import Service

extension AgentsCommand {
    /// `rollcall agents list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List agents with shift, session and condition.")

        @OptionGroup var options: SettingsOptions

        @Option(help: "Only this team; may be given several times.")
        var team: [String] = []

        @Option(help: "Only this condition, as converged or needs_attention.")
        var condition: String?

        @Option(help: "Only those whose shift and session agree so, as fine or must_scan.")
        var agreement: String?

        @Option(help: "Part of an agent's id, name, instance or session.")
        var search: String?

        @Flag(help: "Print JSON, one array.")
        var json = false

        /// Agents read at a time.
        private static let pageSize = 500

        func run() async throws {
            let filter = AgentFilter(
                teams: team.isEmpty ? nil : team,
                condition: try condition.map { try Self.word($0, of: "--condition") },
                agreement: try agreement.map { try Self.word($0, of: "--agreement") },
                search: search
            )
            try await DatabaseCommand.run(options) { settings, pools, clock, _ in
                let reads = settings.reads(pools, clock)
                var cursor: String?
                var isFirst = true
                repeat {
                    let page = try await reads.page(filter, cursor: cursor, limit: Self.pageSize)
                    for (agent, standing) in zip(page.agents, try await reads.standings(page.agents)) {
                        if json {
                            Terminal.say((isFirst ? "[" : ",") + agent.json(standing))
                        } else {
                            Terminal.say(agent.line(standing))
                        }
                        isFirst = false
                    }
                    cursor = page.nextCursor
                } while cursor != nil
                if json { Terminal.say(isFirst ? "[]" : "]") }
            }
        }

        private static func word<Word: RawRepresentable<String> & CaseIterable>(
            _ text: String,
            of option: String
        ) throws -> Word {
            guard let word = Word(rawValue: text) else {
                throw ValidationError("\(option): one of \(Word.allCases.map(\.rawValue))")
            }
            return word
        }
    }

    /// `rollcall agents show AGENT`.
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show one agent as the list does; explain says more.")

        @OptionGroup var options: SettingsOptions

        @Argument(help: "The agent's id.")
        var agent: String

        @Flag(help: "Print JSON.")
        var json = false

        func run() async throws {
            try await DatabaseCommand.run(options) { settings, pools, clock, _ in
                let reads = settings.reads(pools, clock)
                guard let details = try await reads.agent(agent, for: nil),
                    let standing = try await reads.standings([details]).first
                else {
                    Terminal.complain("there is no agent \(agent)")
                    throw Ending.foundWrong
                }
                Terminal.say(json ? details.json(standing) : details.line(standing))
                if !json { Terminal.say(standing.reason.sentence) }
            }
        }
    }
}

extension Settings {
    /// Reads of agents, as the API makes them.
    func reads(_ pools: Pools, _ clock: DatabaseClock) -> AgentReads {
        AgentReads(
            pool: pools.readers,
            freshness: freshness(pools),
            breakAction: policy.breakAction,
            clock: clock
        )
    }

    /// How fresh looks must be, as the API has it.
    func freshness(_ pools: Pools) -> FreshnessBook {
        FreshnessBook(
            pool: pools.readers,
            sweep: SweepPolicy(onShift: sweepInterval, offShift: offShiftSweepInterval),
            callsPerSecond: Dictionary(engines.map { ($0.name, $0.callsPerSecond) }) { first, _ in first }
        )
    }
}

extension AgentDetails {
    /// The agent as in the API's list.
    fileprivate func json(_ standing: AgentStanding) -> String {
        var buffer = ByteBuffer()
        write(standing, to: &buffer)
        return String(buffer: buffer)
    }

    /// The agent as a line of a table.
    fileprivate func line(_ standing: AgentStanding) -> String {
        [
            agentID, team, state.shift.rawValue, standing.desired.run.rawValue, reading ?? "-",
            standing.condition.rawValue, standing.reason.rawValue,
        ].joined(separator: "  ")
    }
}
