import Domain
import LibPQ

/// What agents get of the unmatched events under their names, and what their ledgers then hold.
///
/// Pure but for decoding.
struct Settlement: Sendable {
    /// All punches of each agent, what it gets among them.
    private(set) var punches: [Int64: [LedgerPunch]]
    /// The sequences that each agent gets.
    private(set) var taken: [Int64: [Int64]] = [:]

    /// Decides.
    ///
    /// `punches`: the rows of ``LedgerStatements/punches(of:)``.
    /// `candidates`: those of ``UnmatchedStatements/candidates(of:)``; `nil` where there is nothing to decide.
    init(punches: PQResult, candidates: PQResult?, policy: ReconcilePolicy, now: Timestamp) throws(PQError) {
        try self.init(
            punches: try LedgerStatements.readPunches(punches),
            candidates: candidates,
            policy: policy,
            now: now
        )
    }

    /// The same for punches that are read already.
    init(
        punches: [Int64: [LedgerPunch]],
        candidates: PQResult?,
        policy: ReconcilePolicy,
        now: Timestamp
    ) throws(PQError) {
        let hasCandidates = candidates.map { $0.rowCount > 0 } ?? false
        self.init(
            punches: punches,
            candidates: hasCandidates ? try candidates.map(LedgerStatements.readPunches) ?? [:] : [:],
            policy: policy,
            now: now
        )
    }

    /// The same for candidates that are read already, too.
    init(
        punches: [Int64: [LedgerPunch]],
        candidates: [Int64: [LedgerPunch]],
        policy: ReconcilePolicy,
        now: Timestamp
    ) {
        self.punches = punches
        for (agent, rows) in candidates {
            let own = rows.filter { !$0.isOfAnother }
            let held = (self.punches[agent] ?? []) + rows.filter(\.isOfAnother)
            let matching = match(own, held: held, maxAge: policy.unmatchedMaxAge, now: now)
            guard !matching.taken.isEmpty else { continue }
            let got = Set(matching.taken)
            taken[agent] = matching.taken
            // What was somebody else's until now is not any more.
            self.punches[agent] = held.filter { !got.contains($0.sequence) } + own.filter { got.contains($0.sequence) }
        }
    }

    /// What has to be written down.
    var writes: [PQStatement] { UnmatchedStatements.take(taken) }
}
