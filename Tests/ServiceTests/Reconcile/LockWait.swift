import LibPQ
import Synchronization
import Testing

/// Who waits for locks that a transaction of the test holds.
final class LockWait: Sendable {
    private let isOver = Atomic(false)

    /// Whether what should have waited is done.
    var isDone: Bool { isOver.load(ordering: .relaxed) }

    /// Does something that should wait, and notes when it is done.
    func task<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) -> Task<Value, any Error> {
        Task {
            defer { isOver.store(true, ordering: .relaxed) }
            return try await body()
        }
    }

    /// Waits until so many wait for a lock in this database, or somebody is done who should have waited.
    ///
    /// `transaction`: the test's, which holds the lock.
    func until(_ count: Int, in transaction: PQTransaction) async throws {
        let deadline = ContinuousClock.now + .seconds(20)
        while !isDone {
            let results = try await transaction.run([
                // A transaction goes on seeing who was connected when it first looked.
                "SELECT pg_stat_clear_snapshot()",
                """
                SELECT DISTINCT l.pid
                FROM pg_locks l
                JOIN pg_stat_activity a ON a.pid = l.pid
                WHERE NOT l.granted
                  AND a.datname = current_database()
                """,
            ])
            let waiting = results[1].rowCount
            if waiting == count { return }
            try #require(ContinuousClock.now < deadline, "\(waiting) wait")
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}
