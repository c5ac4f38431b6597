import Synchronization

/// Drives calls on a bounded number of connections at the times of a schedule.
struct OpenLoop: Sendable {
    var schedule: LoadSchedule
    /// The most calls at a time.
    var connections: Int

    /// What came of a load.
    struct Outcome: Sendable {
        /// From the due time to the answer, of calls that succeeded.
        var latency = LatencyHistogram()
        var failures = 0
        /// From the begin to the last answer.
        var elapsed = Duration.zero

        /// Successful calls a second.
        var rate: Double {
            let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18
            return seconds > 0 ? Double(latency.count) / seconds : 0
        }
    }

    /// Makes all calls and waits for them.
    ///
    /// - Parameter call: makes call number 0, 1, 2 …; whether it succeeded.
    /// - Returns: latencies and failures of all connections together.
    func run(_ call: @escaping @Sendable (_ number: Int) async -> Bool) async -> Outcome {
        let clock = ContinuousClock()
        let turns = Turns()
        let begin = clock.now
        return await withTaskGroup(of: Outcome.self) { group in
            for _ in 0..<max(1, min(connections, schedule.count)) {
                group.addTask {
                    var outcome = Outcome()
                    while !Task.isCancelled {
                        let number = turns.next()
                        guard number < schedule.count else { break }
                        let due = begin + schedule.due(number)
                        if due > clock.now { try? await clock.sleep(until: due, tolerance: .zero) }
                        if await call(number) {
                            outcome.latency.record(clock.now - due)
                        } else {
                            outcome.failures += 1
                        }
                    }
                    return outcome
                }
            }
            var total = Outcome()
            for await part in group {
                total.latency.add(part.latency)
                total.failures += part.failures
            }
            total.elapsed = clock.now - begin
            return total
        }
    }
}

/// Hands out the numbers of calls, each once.
private final class Turns: Sendable {
    private let count = Atomic<Int>(0)

    func next() -> Int { count.wrappingAdd(1, ordering: .relaxed).oldValue }
}
