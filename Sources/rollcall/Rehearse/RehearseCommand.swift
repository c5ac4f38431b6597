package import ArgumentParser
import AsyncHTTPClient
import FoundationEssentials

/// `rollcall rehearse`: what a shift change does to a running Rollcall, before the real one comes.
package struct RehearseCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "rehearse",
        abstract: "Put load on a running Rollcall and print percentiles.",
        discussion: """
            Works on agents of its own (team rehearsal: rehearse-1, rehearse-2 …), which it makes first. Latency counts \
            from the moment a call was due, so a stall is charged for everybody it kept waiting. An admin key is \
            taken from the variable REHEARSE_KEY.
            """,
        subcommands: [Append.self, Act.self, Burst.self, Sweep.self]
    )

    package init() {}
}

/// What every rehearsal is told.
struct RehearsalOptions: ParsableArguments {
    @Option(help: "Where Rollcall is.")
    var url = "http://127.0.0.1:8080"

    @Option(help: "Where the engine simulator is that the account talks to.")
    var simulator: String?

    @Option(help: "The engine account that the simulator stands behind.")
    var account = "main"

    @Option(help: "How many agents take part.")
    var agents = 1_000

    @Option(help: "The most calls at a time.")
    var connections = 64

    @Option(help: "The longest wait for sessions to get where they should be, in seconds.")
    var patience = 120

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        guard (1...1_000_000).contains(agents) else { throw ValidationError("--agents: 1 to 1000000") }
        guard (1...4_096).contains(connections) else { throw ValidationError("--connections: 1 to 4096") }
        guard (1...3_600).contains(patience) else { throw ValidationError("--patience: 1 to 3600") }
    }

    /// The admin key.
    ///
    /// - Throws: `ExitCode` 2 without one.
    static func key() throws(ExitCode) -> String {
        if let key = ProcessInfo.processInfo.environment["REHEARSE_KEY"], !key.isEmpty { return key }
        Terminal.complain("set REHEARSE_KEY to an admin key")
        throw ExitCode(2)
    }

    /// Prepares the fleet, rehearses, prints the figures.
    ///
    /// - Throws: `ExitCode` 1 when something asked for did not happen, 2 without a key, 3 when something is not there.
    func perform(_ body: @Sendable (Rehearsal) async throws -> [RehearsalReport.Line]) async throws {
        let key = try Self.key()
        let client = RemoteService.makeClient(connections: connections)
        let report: RehearsalReport
        do {
            let fleet = RehearsalFleet(
                rollcall: RemoteService(url, key: key, client: client),
                simulator: simulator.map { RemoteService($0, client: client) },
                account: account,
                size: agents
            )
            try await fleet.prepare(connections: min(connections, 16))
            let rehearsal = Rehearsal(
                fleet: fleet,
                connections: connections,
                run: UUID().uuidString,
                patience: .seconds(patience)
            )
            report = RehearsalReport(lines: try await body(rehearsal))
        } catch {
            // What is left of the connections ends with the process.
            try? await client.shutdown()
            Terminal.complain("\(error)")
            throw ExitCode(3)
        }
        try await client.shutdown()
        Terminal.say(json ? try report.json() : report.table)
        if !report.isComplete { throw ExitCode(1) }
    }
}

extension RehearseCommand {
    /// `rehearse append`.
    struct Append: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Events at a steady rate: how fast are they stored and answered?",
            discussion: "Everybody clocks out first, and nothing happens for 5 seconds."
        )
        @OptionGroup var options: RehearsalOptions
        @Option(help: "Events a second.") var rate = 500.0
        @Option(help: "For how many seconds.") var seconds = 10
        @Option(help: "Pages that are open meanwhile; it is measured when each hears of each event.") var viewers = 0

        func validate() throws {
            guard rate > 0, rate <= 1_000_000 else { throw ValidationError("--rate: above 0, at most 1000000") }
            guard (1...86_400).contains(seconds) else { throw ValidationError("--seconds: 1 to 86400") }
            guard (0...1_000).contains(viewers) else { throw ValidationError("--viewers: 0 to 1000") }
        }

        func run() async throws {
            let schedule = LoadSchedule.steady(rate: rate, for: .seconds(seconds))
            guard viewers > 0 else { return try await options.perform { try await $0.append(schedule) } }
            let client = RemoteService.makeClient(connections: viewers)
            let ending: Result<Void, any Error>
            do {
                try await options.perform { rehearsal in
                    let service = RemoteService(options.url, key: try RehearsalOptions.key(), client: client)
                    return try await rehearsal.append(schedule, seenBy: Viewers(service, count: viewers))
                }
                ending = .success(())
            } catch {
                ending = .failure(error)
            }
            // What is left of the streams ends with the process.
            try? await client.shutdown()
            try ending.get()
        }
    }

    /// `rehearse act`.
    struct Act: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Clock-ins at a steady rate: when does the engine hear of each?"
        )
        @OptionGroup var options: RehearsalOptions
        @Option(help: "Clock-ins a second.") var rate = 50.0

        func validate() throws {
            guard rate > 0, rate <= 1_000_000 else { throw ValidationError("--rate: above 0, at most 1000000") }
        }

        func run() async throws {
            let schedule = LoadSchedule(count: options.agents, rate: rate)
            try await options.perform { try await $0.act(schedule) }
        }
    }

    /// `rehearse burst`.
    struct Burst: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Everybody clocks in at once: when has the engine heard of the last?"
        )
        @OptionGroup var options: RehearsalOptions
        @Argument(help: "How many agents, in place of --agents.") var count: Int?

        func run() async throws {
            var options = options
            options.agents = count ?? options.agents
            try options.validate()
            let schedule = LoadSchedule.burst(options.agents)
            try await options.perform { try await $0.act(schedule) }
        }
    }

    /// `rehearse sweep`.
    struct Sweep: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Sessions stop by themselves: when does a sweep have them back?"
        )
        @OptionGroup var options: RehearsalOptions
        @Option(help: "How many sessions stop.") var drift = 10

        func run() async throws {
            let drift = min(max(1, drift), options.agents)
            try await options.perform { try await $0.sweep(drift: drift) }
        }
    }
}
