import Domain
import LibPQ

// Agents whose state is not enough to go on from: all of their punches are read and folded.
extension AppendTransaction {
    /// Reads and folds the whole ledgers of a batch's agents, in portions: between two the thread serves others, and no statement
    /// has to read more than a portion in its time.
    ///
    /// Nothing of it can change meanwhile, since the agents are locked and the map stands still. No portion begins later than
    /// ``timeout`` after the first.
    ///
    /// `late`: of ``AppendBatch/foldWhatIsEnough(now:)``.
    /// Returns what has to be written besides the states; throws `timedOut` when it takes too long.
    func refold(
        _ late: [Int64],
        of batch: inout AppendBatch,
        now: Timestamp,
        in transaction: PQTransaction
    ) async throws -> [PQStatement] {
        let end = ContinuousClock.now + timeout
        var portion = RefoldPortion()
        var taken: [Int64: [Int64]] = [:]
        var rest = late[...]
        while !rest.isEmpty {
            guard ContinuousClock.now < end else { throw PQError(.timedOut, "too many agents to fold again") }
            let agents = Array(rest.prefix(portion.size))
            rest = rest.dropFirst(agents.count)
            let waiting = batch.waiting(agents)
            let read = try await transaction.run(
                [LedgerStatements.punches(of: agents)]
                    + (waiting.isEmpty ? [] : [UnmatchedStatements.candidates(of: waiting)]),
                timeout: timeout
            )
            let settlement = try Settlement(
                punches: read[0],
                candidates: waiting.isEmpty ? nil : read[1],
                policy: policy,
                now: now
            )
            taken.merge(settlement.taken) { first, _ in first }
            portion.read(rows: read[0].rowCount)
            for agent in agents {
                if portion.isTooLarge { await Task.yield() }
                batch.refold(settlement.punches, agents: [agent], now: now)
            }
        }
        let waiting = batch.waiting(late)
        return UnmatchedStatements.take(taken) + (waiting.isEmpty ? [] : [UnmatchedStatements.forget(waiting)])
    }
}

/// How many agents of a batch are folded again at a time, so that the thread is held for some ten milliseconds at most, but for
/// one agent alone who has more punches than that.
///
/// Pure.
struct RefoldPortion: Sendable, Hashable {
    static let first = 4
    static let most = 128
    /// Punches that are decoded and folded in such a time.
    static let rows = 4096

    private(set) var size = Self.first
    /// Whether what was read last was more than is to be folded at a time.
    private(set) var isTooLarge = false

    /// A portion was read; the next one is larger or smaller.
    mutating func read(rows: Int) {
        isTooLarge = rows > Self.rows
        if isTooLarge {
            size = max(1, size / 2)
        } else if rows <= Self.rows / 2 {
            size = min(Self.most, size * 2)
        }
    }
}
