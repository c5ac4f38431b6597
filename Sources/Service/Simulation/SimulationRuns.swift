import Domain
import Synchronization

/// Many runs, several at a time, each of them on one thread.
package enum SimulationRuns {
    /// What came of them.
    package struct Report: Sendable {
        package var seeds = 0
        /// The lowest seed that failed.
        package var failure: Simulation.Outcome?
        /// Of all runs, whatever their order.
        package var hash: UInt64 = 0
        package var jobs = 0
        package var calls = 0
        package var commands = 0
        package var events = 0
        package var lateCommands = 0
        /// Microseconds of simulated time.
        package var duration: Int64 = 0
        /// The longest from the last fault until all was as it should be, in microseconds.
        package var slowest: Int64 = 0

        /// `planted`: only the invariant that has to catch it counts.
        mutating func add(_ outcome: Simulation.Outcome, planted: PlantedBug?) {
            seeds += 1
            hash ^= outcome.hash
            jobs += outcome.jobs
            calls += outcome.calls
            commands += outcome.commands
            events += outcome.events
            lateCommands += outcome.lateCommands
            duration += outcome.duration
            slowest = max(slowest, outcome.convergedIn ?? 0)
            let isFound = planted.map { bug in outcome.violations.contains { $0.invariant == bug.caughtBy } }
            guard isFound ?? !outcome.violations.isEmpty || !outcome.isClean else { return }
            if failure.map({ outcome.seed < $0.seed }) ?? true { failure = outcome }
        }
    }

    /// Runs seeds in their order until one fails or all are done.
    ///
    /// - Parameters:
    ///   - count: how many.
    ///   - first: the lowest.
    ///   - engineAway: as of ``Simulation/run(seed:engineAway:planted:keepsHistory:)``.
    ///   - planted: a mistake to find.
    ///   - workers: how many at a time; 0 for one per processor.
    /// - Returns: what came of those that were run.
    package static func run(
        seeds count: Int,
        from first: UInt64,
        engineAway: Bool = false,
        planted: PlantedBug? = nil,
        workers: Int = 0
    ) async -> Report {
        let shared = Shared()
        await withDiscardingTaskGroup { group in
            for _ in 0..<(workers > 0 ? workers : availableProcessors()) {
                group.addTask {
                    while let number = shared.take(), number < count {
                        let seed = first &+ UInt64(number)
                        let outcome = Simulation.run(seed: seed, engineAway: engineAway, planted: planted)
                        shared.add(outcome, planted: planted)
                    }
                }
            }
        }
        return shared.report
    }

    /// What the workers share: the next seed, and what came of those before.
    private final class Shared: Sendable {
        private let state = Mutex((next: 0, report: Report()))

        var report: Report { state.withLock { $0.report } }

        /// The place of the next seed; `nil` once one has failed.
        func take() -> Int? {
            state.withLock { state in
                guard state.report.failure == nil else { return nil }
                defer { state.next += 1 }
                return state.next
            }
        }

        func add(_ outcome: Simulation.Outcome, planted: PlantedBug?) {
            state.withLock { $0.report.add(outcome, planted: planted) }
        }
    }
}

extension SimulationRuns.Report {
    /// For a person.
    ///
    /// - Parameter time: how long it took.
    /// - Returns: two lines.
    package func text(time: Duration) -> String {
        let rate = Double(seeds) / max(time.inSeconds, 0.001)
        return """
            \(seeds) seeds in \(oneDigit(time.inSeconds)) s, \(oneDigit(rate)) seeds/s: \
            \(failure == nil ? "every invariant held" : "seed \(failure?.seed ?? 0) failed")
            \(duration / 3_600_000_000) simulated hours, \(events) events, \(calls) calls, \(commands) commands \
            (\(lateCommands) of them late by a freeze), \(jobs) steps; converged at the latest \
            \(oneDigit(Double(slowest) / 1_000_000)) s after the last fault
            """
    }

    /// For a program.
    ///
    /// - Parameter time: how long it took.
    /// - Returns: one object.
    package func json(time: Duration) -> String {
        let found = failure.map { failure in
            let names = failure.violations.map { "\"\($0.invariant.rawValue)\"" }.joined(separator: ",")
            return "{\"seed\":\(failure.seed),\"invariants\":[\(names)],\"clean\":\(failure.isClean)}"
        }
        return
            "{\"seeds\":\(seeds),\"seconds\":\(time.inSeconds),\"hash\":\"\(String(hash, radix: 16))\",\"events\":\(events),\"calls\":\(calls),"
            + "\"commands\":\(commands),\"late_commands\":\(lateCommands),\"steps\":\(jobs),"
            + "\"simulated_seconds\":\(duration / 1_000_000),\"slowest_convergence_seconds\":\(slowest / 1_000_000),"
            + "\"failure\":\(found ?? "null")}"
    }

    private func oneDigit(_ number: Double) -> String { "\((number * 10).rounded() / 10)" }
}
