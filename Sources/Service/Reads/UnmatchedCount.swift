import LibPQ
import Synchronization

/// How many names are nobody's, for the page: counted when somebody looks, at most once in ``lifetime``.
final class UnmatchedCount: Sendable {
    /// How long a count is shown.
    static let lifetime = Duration.seconds(5)

    private let pool: PQPool
    private let state = Mutex<(count: Int, countedAt: ContinuousClock.Instant)?>(nil)

    init(pool: PQPool) {
        self.pool = pool
    }

    /// Up to 1,000 names; one more stands for more.
    ///
    /// To a key that is bound to teams there are none.
    func count(for caller: Caller) async throws(PQError) -> Int {
        guard caller.teams == nil else { return 0 }
        let now = ContinuousClock.now
        if let known = state.withLock({ $0 }), now - known.countedAt < Self.lifetime { return known.count }
        let result = try await pool.query(UnmatchedNameStatements.count)
        let count = Int(try result[0].column("count", as: Int64.self))
        state.withLock { $0 = (count, now) }
        return count
    }
}
