import LibPQ
import Synchronization

/// How many names are nobody's, by source: counted when somebody looks, about once in ``lifetime`` per replica.
///
/// What "unmatched" counts on the pages and in the API, all of it is counted here.
final class UnmatchedCount: Sendable {
    /// How long a count is shown.
    static let lifetime = Duration.seconds(5)

    private let pool: PQPool
    private let state = Mutex<(counts: [Int32: Int64], countedAt: ContinuousClock.Instant)?>(nil)

    init(pool: PQPool) {
        self.pool = pool
    }

    /// Of all sources, up to 1,000 names; one more stands for more.
    ///
    /// To a key that is bound to teams there are none.
    func count(for caller: Caller) async throws(PQError) -> Int {
        guard caller.teams == nil else { return 0 }
        let sum = try await bySource().values.reduce(0, +)
        return Int(min(sum, UnmatchedNameStatements.countLimit + 1))
    }

    /// By source, each up to 1,000 names; one more stands for more, and a source that is missing has none.
    func bySource() async throws(PQError) -> [Int32: Int64] {
        let now = ContinuousClock.now
        if let known = state.withLock({ $0 }), now - known.countedAt < Self.lifetime { return known.counts }
        var counts: [Int32: Int64] = [:]
        for row in try await pool.query(UnmatchedNameStatements.counts) {
            counts[try row.column("source_id", as: Int32.self)] = try row.column("count", as: Int64.self)
        }
        let counted = counts
        state.withLock { $0 = (counted, now) }
        return counted
    }
}
