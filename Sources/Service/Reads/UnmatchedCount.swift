import Domain
import LibPQ
import Synchronization

/// How many names are nobody's, by source: counted when somebody looks, about once in ``lifetime`` per replica.
///
/// What "unmatched" counts on the pages and in the API, all of it is counted here.
final class UnmatchedCount: Sendable {
    /// How long a count is shown.
    static let lifetime = Duration.seconds(5)

    private let pool: PQPool
    private let state = Mutex<(tallies: [Int32: UnmatchedTally], countedAt: ContinuousClock.Instant)?>(nil)

    init(pool: PQPool) {
        self.pool = pool
    }

    /// Of all sources, up to 1,000 names; one more stands for more.
    ///
    /// To a key that is bound to teams there are none.
    func count(for caller: Caller) async throws(PQError) -> UnmatchedTally {
        guard caller.teams == nil else { return UnmatchedTally() }
        let tallies = try await tallies().values
        let names = tallies.reduce(0) { $0 + $1.names }
        return UnmatchedTally(
            names: min(names, UnmatchedNameStatements.countLimit + 1),
            since: tallies.compactMap(\.since).min()
        )
    }

    /// By source, each up to 1,000 names; one more stands for more, and a source that is missing has none.
    func bySource() async throws(PQError) -> [Int32: Int64] { try await tallies().mapValues(\.names) }

    private func tallies() async throws(PQError) -> [Int32: UnmatchedTally] {
        let known = state.withLock { $0 }
        if let known, ContinuousClock.now - known.countedAt < Self.lifetime { return known.tallies }
        return try await recount()
    }

    /// Counts now, for everybody who asks after this.
    func recount() async throws(PQError) -> [Int32: UnmatchedTally] {
        let now = ContinuousClock.now
        var tallies: [Int32: UnmatchedTally] = [:]
        for row in try await pool.query(UnmatchedNameStatements.counts) {
            tallies[try row.column("source_id", as: Int32.self)] = UnmatchedTally(
                names: try row.column("count", as: Int64.self),
                since: try row.column("since", as: Timestamp?.self)
            )
        }
        let counted = tallies
        state.withLock { known in
            // A count that took longer is no newer than one that began later.
            if known.map({ $0.countedAt <= now }) ?? true { known = (counted, now) }
        }
        return counted
    }
}

/// Names that are nobody's.
struct UnmatchedTally: Sendable, Hashable {
    var names: Int64 = 0
    /// When the first event came that waits under one of them; `nil` where none does.
    var since: Timestamp?
}
