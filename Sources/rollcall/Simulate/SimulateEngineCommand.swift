package import ArgumentParser
import Domain
import EngineSimulator

/// `rollcall simulate-engine`: an engine to try things on, with faults on demand.
package struct SimulateEngineCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "simulate-engine",
        abstract: "Serve Wawp's and WAHA's contracts from memory, with faults on demand.",
        discussion: "The routes under /_sim/ move its world and ask for no credential: keep it on loopback."
    )

    @Option(help: "The address to listen on.")
    var host = "127.0.0.1"

    @Option(help: "The port to listen on; 0 lets the system choose.")
    var port = 8091

    @Option(help: "A token that is valid; may be given several times.")
    var token: [String] = ["tok_valid_0001"]

    @Option(help: "Simulated seconds per real one; 0 stands still until /_sim/clock moves it.")
    var speed = 1.0

    @Option(help: "Decides boot times and all else drawn by lot.")
    var seed: UInt64 = 1

    @Option(help: "The shortest and the longest boot in simulated milliseconds, as in 2000-8000.")
    var boot = "2000-8000"

    @Option(help: "How many sessions SIM1, SIM2 … exist from the start.")
    var sessions = 0

    @Flag(help: "An unknown instance comes to life when it is first named.")
    var autoCreate = false

    package init() {}

    package func validate() throws {
        guard (0...65_535).contains(port) else { throw ValidationError("--port: 0 to 65535") }
        guard speed >= 0, speed <= 1_000_000 else { throw ValidationError("--speed: 0 to 1000000") }
        guard (0...1_000_000).contains(sessions) else { throw ValidationError("--sessions: 0 to 1000000") }
        guard bootTime != nil else { throw ValidationError("--boot: two numbers of milliseconds, as in 2000-8000") }
    }

    package func run() async throws {
        var configuration = SimulatorConfiguration()
        configuration.host = host
        configuration.port = port
        configuration.tokens = Set(token)
        configuration.speed = speed
        configuration.seed = seed
        configuration.bootTime = bootTime ?? configuration.bootTime
        configuration.behaviour.autoCreate = autoCreate
        configuration.drawsPictures = true
        configuration.sessions = (0..<sessions).map {
            .init(instanceID: "SIM\($0 + 1)", sessionName: "wawp-\($0 + 1)")
        }
        let host = host
        try await EngineSimulator(configuration).run { port in
            Terminal.say("engine simulator at http://\(host):\(port)")
        }
    }

    private var bootTime: ClosedRange<Duration>? {
        let ends = boot.split(separator: "-").map { Int64($0) }
        guard ends.count == 2, let shortest = ends[0], let longest = ends[1], shortest >= 0, shortest <= longest
        else { return nil }
        return .milliseconds(shortest) ... .milliseconds(longest)
    }
}
