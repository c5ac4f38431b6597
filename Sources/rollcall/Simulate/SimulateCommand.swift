import ArgumentParser
import Service

/// `rollcall simulate`: runs whole deployments in memory, one per seed, and checks every invariant, at every step
/// or once a second where time alone can break it.
struct SimulateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Run simulated deployments and check that every invariant holds.",
        discussion: """
            Each seed is one deployment: several replicas of the real reconciler on a simulated database, engine, network and \
            clock, all of which break. It needs no database and no settings. The same seed does the same on every machine. \
            Exit 1 when an invariant does not hold: the seed, the invariant and the end of its history are printed. See \
            docs/reliability.md.
            """
    )

    @Option(help: "How many seeds.")
    var seeds = 1000

    @Option(help: "The first seed; the others follow it.")
    var seed: UInt64 = 1

    @Flag(help: "Take the engine away for a day in each, instead of breaking everything for a while.")
    var engineAway = false

    @Option(help: "Plant this bug; exit 1 then means that it was found.")
    var planted: String?

    @Option(help: "Runs at a time; one for each processor by default.")
    var workers = 0

    @Option(help: "Lines of history to print of a seed that fails.")
    var history = 60

    @Flag(help: "List the invariants and the bugs that can be planted.")
    var list = false

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        guard (1...100_000_000).contains(seeds) else { throw ValidationError("--seeds: 1 to 100000000") }
        guard (0...1024).contains(workers) else { throw ValidationError("--workers: 0 to 1024") }
        guard (0...100_000).contains(history) else { throw ValidationError("--history: 0 to 100000") }
        if let planted, PlantedBug(rawValue: planted) == nil {
            throw ValidationError("--planted: no bug of that name; see --list")
        }
    }

    func run() async throws {
        if list { return printList() }
        let bug = planted.flatMap(PlantedBug.init(rawValue:))
        let began = ContinuousClock.now
        let report = await SimulationRuns.run(
            seeds: seeds,
            from: seed,
            engineAway: engineAway,
            planted: bug,
            workers: workers
        )
        let time = ContinuousClock.now - began
        Terminal.say(json ? report.json(time: time) : report.text(time: time))
        guard let failure = report.failure else { return }
        if !json { explain(failure, bug) }
        throw Ending.foundWrong
    }

    private func printList() {
        for invariant in Invariant.allCases {
            Terminal.say("invariant  \(invariant.rawValue)  \(invariant.summary)")
        }
        for bug in PlantedBug.allCases {
            Terminal.say("planted    \(bug.rawValue)  \(bug.summary)  Caught by \(bug.caughtBy.rawValue).")
        }
    }

    /// Runs the seed once more, which does the same, and shows how it came to that.
    private func explain(_ failure: Simulation.Outcome, _ bug: PlantedBug?) {
        let again = Simulation.run(seed: failure.seed, engineAway: engineAway, planted: bug, keepsHistory: true)
        Terminal.say("seed \(failure.seed):")
        for line in again.history.suffix(history) { Terminal.say("  \(line)") }
        for violation in again.violations {
            Terminal.say("\(violation.invariant.rawValue): \(violation.detail)")
            Terminal.say("  \(violation.invariant.summary)")
        }
        if again.hash != failure.hash { Terminal.complain("the seed did something else when it was run again") }
        let option = (engineAway ? " --engine-away" : "") + (bug.map { " --planted \($0.rawValue)" } ?? "")
        Terminal.say("again: rollcall simulate --seeds 1 --seed \(failure.seed)\(option)")
    }
}
