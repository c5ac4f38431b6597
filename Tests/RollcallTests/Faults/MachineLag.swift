import Domain
import LibPQ
import Synchronization

/// How late this machine is while a test measures a time.
///
/// All the while it lets a moment pass and asks the database for nothing. What that takes beyond the moment is what one step of
/// anything takes that waits for its turn at the processors and for an answer, and no work of whoever is measured.
final class MachineLag: Sendable {
    private static let moment: Duration = .milliseconds(10)

    /// One measured time.
    struct Round: CustomStringConvertible {
        /// Steps that follow each other where a lease changes hands: the news of it, the heartbeat, the lease, what is in line,
        /// the look's departure, its arrival.
        private static let steps: Int64 = 6

        /// Microseconds.
        var time: Int64
        /// The longest lag of a step meanwhile, in microseconds.
        var lag: Int64

        /// What is left of the time when each step was as late as the latest, in microseconds.
        var withoutLag: Int64 { time - Self.steps * lag }

        var description: String { "\(time) us (lag \(lag))" }
    }

    private struct Sample {
        var from: Int64
        var to: Int64
        var lag: Int64
    }

    private let samples = Mutex<[Sample]>([])

    /// Measures until the task is cancelled.
    func measure(_ pool: PQPool) async {
        while !Task.isCancelled {
            let from = FaultLoad.now()
            try? await Task.sleep(for: Self.moment)  // Cancelled: the loop ends.
            _ = try? await pool.query("SELECT 1")  // As above; and without an answer it is late all the same.
            let to = FaultLoad.now()
            samples.withLock { samples in
                samples.append(Sample(from: from, to: to, lag: max(0, to - from - Self.moment.microseconds)))
            }
        }
    }

    /// What passed between two instants of the wall clock, in microseconds.
    func round(from: Int64, to: Int64) -> Round {
        let lags = samples.withLock { samples in
            samples.filter { $0.to >= from && $0.from <= to }.map(\.lag)
        }
        return Round(time: to - from, lag: lags.max() ?? 0)
    }
}
