/// Folds an agent's punches into where the agent stands at `now`.
///
/// Works on intervals. A record gives one interval, from its start to its end or open, with its breaks;
/// its end closes that record only. Punches without a record open and close one interval of their own;
/// a clock-out without a record closes everything that began before it. A record without a start is no interval
/// but one thing that happened (Frappe's checkins, Personio's breaks): it can be corrected and withdrawn, and counts
/// as if it had no record. The agent is in while some
/// interval is open, and on break while a break without a record lasts or every open interval is in a
/// break of its own. Every clock-in, a record's start too, ends a break without a record. The order of the arguments does
/// not matter, nor do repetitions.
///
/// - Parameters:
///   - punches: all punches of one agent, in any order; those after `now` are parked.
///   - now: the database's clock.
/// - Returns: the state at `now`, and when the next parked punch takes effect.
package func fold(_ punches: some Sequence<LedgerPunch>, now: Timestamp) -> ShiftState {
    let standing = standingPunches(Array(punches))
    var state = ShiftState(hasRecords: standing.contains { $0.record != nil })
    var walk = Walk()
    walk.take(standing.sorted(by: isBefore), into: &state, now: now)
    return state
}

/// The order of the walk: by instant; at the same instant clock-outs first, since they close only what began before
/// them; then punches without a record, by their kind; then records, each in its own order.
///
/// What ends and what begins at one instant are thus told apart, whatever the records are called.
func isBefore(_ left: LedgerPunch, _ right: LedgerPunch) -> Bool {
    if left.effectiveAt != right.effectiveAt { return left.effectiveAt < right.effectiveAt }
    if (left.kind == .clockOut) != (right.kind == .clockOut) { return left.kind == .clockOut }
    switch (left.record, right.record) {
    case (nil, nil): return (left.kind.rank, left.sequence) < (right.kind.rank, right.sequence)
    case (nil, _): return true
    case (_, nil): return false
    case (let one?, let other?):
        return one == other
            ? (left.ordinal, left.sequence) < (right.ordinal, right.sequence)
            : (one.source, one.id) < (other.source, other.id)
    }
}

/// The punches that count: those without a record, and of each record its standing report (``standingReport(_:)``).
///
/// A record that was withdrawn at any time does not count, nor one that ends before or when it starts, nor one that is
/// another agent's by now. Punches of a record that has no start lose their record.
func standingPunches(_ punches: [LedgerPunch]) -> [LedgerPunch] {
    guard punches.contains(where: { $0.record != nil || $0.version != nil }) else { return punches }
    var reports: [RecordKey: [RecordReport]] = [:]
    var withdrawn: Set<RecordKey> = []
    for punch in punches {
        guard let record = punch.record else { continue }
        if punch.kind == .void { withdrawn.insert(record) } else { reports[record, default: []].append(punch.report) }
    }
    let standingReports = reports.mapValues(standingReport)
    let overtaken = overtakenVersions(punches)
    let standing = punches.filter { punch in
        guard let record = punch.record else { return !overtaken.contains(punch.sequence) }
        return punch.kind != .void && !punch.isOfAnother && !withdrawn.contains(record)
            && standingReports[record] == punch.report
    }
    var starts: [RecordKey: Timestamp] = [:]
    for punch in standing where punch.kind == .clockIn {
        if let record = punch.record { starts[record] = punch.effectiveAt }
    }
    var empty: Set<RecordKey> = []
    for punch in standing where punch.kind == .clockOut {
        guard let record = punch.record, let start = starts[record], punch.effectiveAt <= start else { continue }
        empty.insert(record)
    }
    return standing.filter { $0.record.map { !empty.contains($0) } ?? true }.map { punch in
        var punch = punch
        if let record = punch.record, starts[record] == nil { punch.record = nil }
        return punch
    }
}

/// The punches without a record that a higher version of the same source contradicts: it happened no later.
///
/// Such a version orders what the source says of the agent, and wins over the sender's clock.
///
/// - Returns: their sequences.
private func overtakenVersions(_ punches: [LedgerPunch]) -> Set<Int64> {
    let numbered = punches.filter { $0.record == nil && $0.version != nil }
    var overtaken: Set<Int64> = []
    for (_, punches) in Dictionary(grouping: numbered, by: \.source) {
        let byVersion = Dictionary(grouping: punches) { $0.version ?? .min }.sorted { $0.key > $1.key }
        var earliestAbove: Timestamp?
        for (_, punches) in byVersion {
            if let earliestAbove {
                overtaken.formUnion(punches.filter { $0.effectiveAt >= earliestAbove }.map(\.sequence))
            }
            let earliest = punches.map(\.effectiveAt).min()
            earliestAbove = [earliestAbove, earliest].compactMap { $0 }.min()
        }
    }
    return overtaken
}
