import Domain
import Synchronization

/// Notes what comes of sources' requests, for the price of a lock and an increment each; ``SourceWatch`` writes it down.
package final class SourceJournal: Sendable {
    private let tally = Mutex(SourceTally())

    package init() {}

    /// Counts requests or native events that were answered.
    func count(_ outcome: SourceOutcome, of source: Int32, at now: Timestamp, times: Int64 = 1) {
        guard times > 0 else { return }
        tally.withLock { $0.count(outcome, of: source, at: now, times: times) }
    }

    /// Counts native events by what became of each.
    func count(_ outcomes: [AppendOutcome], of source: Int32, at now: Timestamp) {
        var (news, repetitions, conflicts, strangers) = (0, 0, 0, 0)
        for outcome in outcomes {
            switch outcome {
            case .receipt(let receipt): if receipt.isReplay { repetitions += 1 } else { news += 1 }
            case .conflict: conflicts += 1
            case .outsideTeam: strangers += 1
            case .refused: break
            }
        }
        tally.withLock { tally in
            if news > 0 { tally.count(.accepted, of: source, at: now, times: Int64(news)) }
            if repetitions > 0 { tally.count(.repeated, of: source, at: now, times: Int64(repetitions)) }
            if conflicts > 0 { tally.count(.conflict, of: source, at: now, times: Int64(conflicts)) }
            if strangers > 0 { tally.count(.malformed, of: source, at: now, times: Int64(strangers)) }
        }
    }

    /// Counts a refusal, and notes what it was where there is room for it.
    ///
    /// `isProved`: as ``SourceTally`` counts.
    /// `note`: made only then, since a flood of refusals must cost nothing.
    func refuse(
        _ outcome: SourceOutcome,
        of source: Int32,
        isProved: Bool,
        at now: Timestamp,
        _ note: () -> SourceRefusalNote
    ) {
        let hasRoom = tally.withLock { tally in
            tally.count(outcome, of: source, at: now, isProved: isProved)
            return tally.hasRoomForRefusal(of: source)
        }
        guard hasRoom else { return }
        let note = note()
        tally.withLock { $0.note(note, of: source) }
    }

    /// Takes out all that was noted.
    func take() -> SourceTally {
        tally.withLock { tally in
            defer { tally = SourceTally() }
            return tally
        }
    }

    /// Puts back what could not be written.
    func putBack(_ earlier: SourceTally) {
        tally.withLock { $0.putBack(earlier) }
    }
}
