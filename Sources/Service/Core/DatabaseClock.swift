package import Domain
package import LibPQ
import Synchronization

/// The database's clock, as this process knows it.
///
/// Leases, due times and the order of events use PostgreSQL's clock, so that replicas need not agree
/// among themselves. Between measurements the process counts on with its own monotonic clock, which no
/// step of the wall clock can move.
package final class DatabaseClock: Sendable {
    /// What to add to the monotonic clock, in microseconds; 0 until the first measurement.
    private let offset = Atomic<Int64>(0)
    /// How far ``offset`` may be from the truth, in microseconds.
    private let error = Atomic<Int64>(.max)
    /// How far ahead of the database this clock was put, in microseconds.
    private let displacement = Atomic<Int64>(0)
    private let process: any ProcessClock

    package init(process: any ProcessClock = SystemProcessClock()) {
        self.process = process
    }

    /// The instant by the database's clock.
    package func now() -> Timestamp { now(at: monotonic()) }

    /// The instant by the database's clock at a reading of ``monotonic()``.
    func now(at monotonic: Int64) -> Timestamp {
        Timestamp(
            microseconds: monotonic + offset.load(ordering: .relaxed) + displacement.load(ordering: .relaxed)
        )
    }

    /// Puts the clock to a time of its own, from which it runs on: for deliveries that were signed on another day.
    ///
    /// Nothing that serves does this.
    package func put(to instant: Timestamp) {
        displacement.store(
            instant.microseconds - monotonic() - offset.load(ordering: .relaxed),
            ordering: .relaxed
        )
    }

    /// Asks the database what time it is.
    ///
    /// Called once before anything is served; every heartbeat measures again. As there is nothing to compare the first answer with,
    /// one that tells little is not the last: the process may have stood still for as long.
    package func measure(_ pool: PQPool) async throws(PQError) {
        try await measure { () async throws(PQError) in
            let result = try await pool.query("SELECT clock_timestamp() AS now")
            return try result[0].column("now", as: Timestamp.self)
        }
    }

    /// The same with any way to ask.
    func measure(_ ask: () async throws(PQError) -> Timestamp) async throws(PQError) {
        for _ in 0..<Self.firstMeasurements {
            let sent = monotonic()
            let answer = try await ask()
            measured(answer, between: sent, and: monotonic())
            if error.load(ordering: .relaxed) <= Self.sureWithin { return }
        }
    }

    /// How often the database is asked at the beginning, at most.
    private static let firstMeasurements = 5
    /// A clock that may be off by no more than so many microseconds is good enough to begin with.
    private static let sureWithin: Int64 = 100_000

    /// Takes in a measurement: the database said `databaseTime` between two readings of ``monotonic()``.
    ///
    /// One that took long tells little, and one that agrees with what is known as far as it can tell changes nothing: the clock
    /// must not jump, for distances between two instants are measured by it. One that contradicts what is known and tells less
    /// moves the clock only as far as it has to: an answer that lay around while the process stood still has its middle far from
    /// the truth. What was known is then less sure by as much and no more, so that the next such answer does not count as the
    /// better one. Measured one at a time.
    package func measured(_ databaseTime: Timestamp, between sent: Int64, and received: Int64) {
        let measured = databaseTime.microseconds - (sent + received) / 2
        let uncertainty = (received - sent + 1) / 2
        let known = offset.load(ordering: .relaxed)
        let knownError = error.load(ordering: .relaxed)
        if uncertainty < knownError {
            offset.store(measured, ordering: .relaxed)
            error.store(uncertainty, ordering: .relaxed)
        } else if abs(measured - known) > uncertainty {
            let nearest = min(max(known, measured - uncertainty), measured + uncertainty)
            offset.store(nearest, ordering: .relaxed)
            error.store(knownError + abs(nearest - known), ordering: .relaxed)
        }
    }

    /// Microseconds of the clock that only runs forward.
    package func monotonic() -> Int64 { process.monotonic() }

    /// Waits; throws `CancellationError` as soon as the task is cancelled.
    package func sleep(for duration: Duration) async throws { try await process.sleep(for: duration) }

    /// Waits until ``monotonic()`` has reached an instant; throws as ``sleep(for:)``.
    package func sleep(until instant: Int64) async throws { try await process.sleep(until: instant) }
}
