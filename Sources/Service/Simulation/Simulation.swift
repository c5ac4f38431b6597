import Domain

/// One run: a deployment under stress, from one seed.
package struct Simulation: Sendable {
    /// What came of a run.
    package struct Outcome: Sendable {
        package var seed: UInt64
        package var violations: [Violation]
        /// Follows from everything that happened, in its order.
        package var hash: UInt64
        /// Line by line what happened, when that was asked for.
        package var history: [String]
        /// Microseconds of simulated time.
        package var duration: Int64
        /// Microseconds from the last fault until all was as it should be.
        package var convergedIn: Int64?
        package var jobs: Int
        package var calls: Int
        package var commands: Int
        package var events: Int
        /// Commands of processes that stood still between the check of their lease and the first byte.
        package var lateCommands: Int
        /// Whether every task of the run came to its end.
        package var isClean: Bool
    }

    /// Runs a seed to its end, or to the first invariant that does not hold.
    ///
    /// - Parameters:
    ///   - seed: decides everything.
    ///   - engineAway: whether the engine is away for a day instead of everything breaking for a while.
    ///   - planted: a mistake to find; the run then goes on until the invariant that has to find it does.
    ///   - keepsHistory: whether to write down what happens.
    /// - Returns: the same for the same arguments, on whatever machine.
    package static func run(
        seed: UInt64,
        engineAway: Bool = false,
        planted: PlantedBug? = nil,
        keepsHistory: Bool = false
    ) -> Outcome {
        let scenario = engineAway ? Scenario.engineAway(seed: seed) : Scenario(seed: seed)
        let world = SimulatedWorld(scenario, planted: planted, keepsHistory: keepsHistory)
        world.begin()
        world.scheduler.run(until: .max / 8) { world.isOver }
        let duration = world.scheduler.now
        let hash = world.scheduler.hash
        let jobs = world.scheduler.jobCount
        var outcome = Outcome(
            seed: seed,
            violations: world.witness.violations,
            hash: hash,
            history: world.witness.history,
            duration: duration,
            convergedIn: world.withState { $0.convergedIn },
            jobs: jobs,
            calls: world.witness.callCount,
            commands: world.witness.commandCount,
            events: world.database.withTables { tables, _ in tables.events.count },
            lateCommands: world.witness.lateCommands,
            isClean: false
        )
        // What happens while it is cleared up is no part of the run.
        outcome.isClean = world.clearUp()
        return outcome
    }
}
