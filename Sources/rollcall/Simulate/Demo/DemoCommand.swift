package import ArgumentParser
import AsyncHTTPClient
import FoundationEssentials

/// `rollcall demo`: a sample team's working day against a running Rollcall and simulator.
package struct DemoCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Play a compressed working day with drift in it.",
        discussion: "`scripts/demo` starts everything it needs. An admin key is taken from the variable DEMO_ADMIN_KEY."
    )

    @Option(help: "Where Rollcall is.")
    var url = "http://127.0.0.1:8080"

    @Option(help: "Where the engine simulator is.")
    var simulator = "http://127.0.0.1:8091"

    @Option(help: "The page's address as a browser here knows it; that of --url unless given.")
    var page: String?

    @Option(help: "The engine account that the simulator stands behind.")
    var account = "main"

    @Flag(help: "Play one day, check that everybody ended right, print a summary.")
    var once = false

    /// The longest that Rollcall may take to get ready, and sessions to get where the day leads.
    private static let readyLimit = Duration.seconds(60)
    private static let settleLimit = Duration.seconds(90)
    /// Between two days, for people who watch.
    private static let night = Duration.seconds(10)

    package init() {}

    package func run() async throws {
        guard let key = ProcessInfo.processInfo.environment["DEMO_ADMIN_KEY"], !key.isEmpty else {
            Terminal.complain("set DEMO_ADMIN_KEY to an admin key of the Rollcall at \(url)")
            throw ExitCode(2)
        }
        let client = RemoteService.makeClient(connections: 8)
        let demo = DemoRun(
            rollcall: RemoteService(url, key: key, client: client),
            simulator: RemoteService(simulator, client: client),
            account: account,
            day: .standard,
            say: { Terminal.say("  \($0)") }
        )
        let problems: [String]
        do {
            problems = try await play(demo, adminKey: key)
        } catch {
            // What is left of the connections ends with the process.
            try? await client.shutdown()
            Terminal.complain("\(error)")
            throw ExitCode(3)
        }
        try await client.shutdown()
        if !problems.isEmpty { throw ExitCode(1) }
    }

    /// - Returns: what was wrong in the end.
    private func play(_ demo: DemoRun, adminKey: String) async throws -> [String] {
        try await demo.waitUntilReady(within: Self.readyLimit)
        try await demo.prepare()
        Terminal.say("page: \(page ?? url)/")
        Terminal.say("a manager's key: \(try await demo.makeManagerKey())")
        if !once {
            Terminal.say("to post events yourself:")
            Terminal.say("export ADMIN_KEY=\(adminKey)")
        }
        let first = try await demo.nextCall()
        _ = try await demo.goHome(within: Self.settleLimit)
        repeat {
            Terminal.say("a working day begins")
            try await demo.play("demo-\(UUID().uuidString)")
            var problems = try await demo.settle(to: demo.day.endings, within: Self.settleLimit)
            problems += try await demo.faults(since: first)
            summarize(problems)
            if once { return problems }
            try await Task.sleep(for: Self.night)
            Terminal.say("everybody goes home")
            // The next day begins like the first: everybody out, every telephone linked.
            for problem in try await demo.goHome(within: Self.settleLimit) { Terminal.say("  \(problem)") }
        } while true
    }

    private func summarize(_ problems: [String]) {
        if problems.isEmpty {
            let ends = Dictionary(grouping: DemoDay.standard.endings.values, by: \.status)
            let counts = ends.map { "\($0.value.count) \($0.key)" }.sorted().joined(separator: ", ")
            Terminal.say("the day ended right for all \(DemoPerson.all.count) agents: \(counts)")
        } else {
            Terminal.say("the day ended wrong:")
            for problem in problems { Terminal.say("  \(problem)") }
        }
    }
}
