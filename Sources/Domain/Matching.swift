/// Why an unmatched event is not given to the agent whom its name belongs to.
package enum LeftOutReason: String, Sendable, Hashable, CaseIterable {
    /// It would start, or go on with, something that began too long ago.
    case tooOldToStart = "too_old_to_start"
}

/// Which unmatched events an agent gets.
package struct Matching: Sendable, Hashable {
    /// The sequences of those it gets, in the order in which they happened.
    package var taken: [Int64]
    /// The others; they stay unmatched, and are asked about again with every later event of the agent that may end one.
    package var leftOut: [Int64: LeftOutReason]
}

/// Decides which events that nobody could match an agent gets, now that somebody said whose they are.
///
/// All of them, but old news starts nothing. Left out is a clock-in that happened longer ago than `maxAge` and whose
/// interval would be open at `now`, since no end of its record's standing report and no later clock-out closes it; with
/// it go all that is said of its record, or its own breaks, and what would count only because it is missing. So goes
/// what else of old news would bring an agent on shift, or back from a break. Once an interval's end is known, its
/// beginning may come too. How old an event is, its effective time tells; one of exactly `maxAge` is not too old.
///
/// Pure. Asked again it takes nothing more. It does not matter which of an agent's names are mapped first, but for old ends
/// of breaks, which are judged by what the agent does at the moment.
///
/// - Parameters:
///   - candidates: unmatched events of all names of the agent, those left out before among them; in any order.
///   - held: what the agent's ledger holds, with what is said about others of these records and of the candidates'.
///   - maxAge: `ROLLCALL_UNMATCHED_MAX_AGE`.
///   - now: the database's clock.
/// - Returns: each candidate, taken or left out.
package func match(
    _ candidates: [LedgerPunch],
    held: [LedgerPunch],
    maxAge: Duration,
    now: Timestamp
) -> Matching {
    let asked = Set(candidates.map(\.sequence))
    let held = held.filter { !asked.contains($0.sequence) }
    var taken: [LedgerPunch] = []
    var rest = candidates
    // What was taken may let in what was left out; so it is asked again until nothing more comes.
    while !rest.isEmpty {
        var choice = MatchChoice(held: held + taken, taken: rest, youngFrom: now - maxAge, now: now)
        choice.leaveOutWhatIsOpen()
        choice.leaveOutWhatRaises()
        let more = Set(choice.taken.map(\.sequence))
        guard !more.isEmpty else { break }
        taken += choice.taken
        rest.removeAll { more.contains($0.sequence) }
    }
    return Matching(
        taken: taken.sorted(by: isBefore).map(\.sequence),
        leftOut: Dictionary(rest.map { ($0.sequence, LeftOutReason.tooOldToStart) }) { first, _ in first }
    )
}

/// A choice among candidates while it is made.
private struct MatchChoice {
    let held: [LedgerPunch]
    var taken: [LedgerPunch]
    /// What happened before is old.
    let youngFrom: Timestamp
    let now: Timestamp

    /// Folds that are spent on finding single events to blame; beyond, no old one is taken.
    private static let foldLimit = 200

    /// Leaves out old beginnings without an end, and what belongs to them, until none is left.
    mutating func leaveOutWhatIsOpen() {
        let counting = Set(standingPunches(held + taken).map(\.sequence))
        let asked = Set(taken.map(\.sequence))
        while true {
            let standing = standingPunches(held + taken).sorted(by: isBefore)
            let candidates = Set(taken.map(\.sequence))
            let open = openBeginnings(standing).filter {
                $0.effectiveAt < youngFrom && candidates.contains($0.sequence)
            }
            var out = Set(open.map(\.sequence))
            out.formUnion(standing.map(\.sequence).filter { candidates.contains($0) && !counting.contains($0) })
            guard !out.isEmpty else { return }
            out.formUnion(ownBreaks(of: out, in: standing.filter { asked.contains($0.sequence) }))
            remove(out)
        }
    }

    /// Leaves out the old events that, beyond what is young, bring the agent on shift or back from a break.
    mutating func leaveOutWhatRaises() {
        let units = oldUnits()
        guard !units.isEmpty else { return }
        let old = Set(units.joined())
        let young = held + taken.filter { !old.contains($0.sequence) }
        let base = activity(young)
        var kept = units
        var folds = 0
        while activity(held + taken) > base {
            // The last one that makes the difference is to blame: all after it change nothing about that.
            var blamed = kept.count - 1
            while blamed > 0, folds < Self.foldLimit {
                let before = Set(kept[..<blamed].joined())
                folds += 1
                if activity(young + taken.filter { before.contains($0.sequence) }) <= base { break }
                blamed -= 1
            }
            guard folds < Self.foldLimit else { return remove(Set(kept.joined())) }
            remove(Set(kept.remove(at: blamed)))
        }
    }

    /// The beginnings of what is open at `now`, given what counts in its order.
    private func openBeginnings(_ standing: [LedgerPunch]) -> [LedgerPunch] {
        var ofRecords: [RecordKey: LedgerPunch] = [:]
        var others: [LedgerPunch] = []
        for punch in standing where punch.effectiveAt <= now {
            switch (punch.kind, punch.record) {
            case (.clockIn, let record?): ofRecords[record] = punch
            case (.clockIn, nil): others.append(punch)
            case (.clockOut, let record?): ofRecords[record] = nil
            case (.clockOut, nil):
                ofRecords = [:]
                others = []
            case (.breakStart, _), (.breakEnd, _), (.void, _): break
            }
        }
        return Array(ofRecords.values) + others
    }

    /// The breaks without an interval of their own that the same source told after one of these beginnings.
    private func ownBreaks(of beginnings: Set<Int64>, in standing: [LedgerPunch]) -> [Int64] {
        var latest: [Int32: Int64] = [:]
        var breaks: [Int64] = []
        for punch in standing {
            switch punch.kind {
            case .clockIn: latest[punch.source] = punch.sequence
            case .breakStart, .breakEnd:
                guard punch.record == nil, let beginning = latest[punch.source], beginnings.contains(beginning) else {
                    continue
                }
                breaks.append(punch.sequence)
            case .clockOut, .void: break
            }
        }
        return breaks
    }

    /// Removes events, each with all that is said of its record.
    private mutating func remove(_ sequences: Set<Int64>) {
        let records = Set(taken.filter { sequences.contains($0.sequence) }.compactMap(\.record))
        taken.removeAll { punch in
            sequences.contains(punch.sequence) || (punch.record.map(records.contains) ?? false)
        }
    }

    /// The old events that count, those of a record together, in the order in which they happened.
    private func oldUnits() -> [[Int64]] {
        let standings = standings(held + taken)
        let old = taken.filter { punch in
            punch.effectiveAt < youngFrom && punch.kind != .void && standings[punch.sequence] == .stands
        }
        let records = Set(old.compactMap(\.record))
        var units: [[Int64]] = []
        var places: [RecordKey: Int] = [:]
        for punch in taken.sorted(by: isBefore) where punch.kind != .void {
            if let record = punch.record {
                guard records.contains(record) else { continue }
                if let place = places[record] {
                    units[place].append(punch.sequence)
                } else {
                    places[record] = units.count
                    units.append([punch.sequence])
                }
            } else if punch.effectiveAt < youngFrom {
                units.append([punch.sequence])
            }
        }
        return units
    }

    /// How much goes on at `now`: nothing, a break, work.
    private func activity(_ punches: [LedgerPunch]) -> Int {
        switch fold(punches, now: now).shift {
        case .out: 0
        case .onBreak: 1
        case .in: 2
        }
    }
}
