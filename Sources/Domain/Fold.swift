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
    for punch in standing.sorted(by: isBefore) {
        if punch.effectiveAt > now {
            state.nextPunchAt = punch.effectiveAt
            break
        }
        walk.take(punch)
        if walk.shift != state.shift {
            state.shift = walk.shift
            state.since = punch.effectiveAt
        }
        state.last = punch.order
    }
    return state
}

/// Moves on by one punch where the state alone is enough: nothing of the agent belongs to a record, and the punch has no
/// version and is not older than the latest one.
///
/// - Returns: what ``fold(_:now:)`` over all punches would give; `nil` when only that can tell.
package func step(_ state: ShiftState, _ punch: LedgerPunch, now: Timestamp) -> ShiftState? {
    guard punch.record == nil, punch.version == nil, !state.hasRecords else { return nil }
    var next = state
    if punch.effectiveAt > now {
        next.nextPunchAt = min(punch.effectiveAt, state.nextPunchAt ?? punch.effectiveAt)
        return next
    }
    if let last = state.last, punch.order < last { return nil }
    if let parked = state.nextPunchAt, parked <= now { return nil }
    var walk = Walk(resuming: state.shift)
    walk.take(punch)
    next.last = punch.order
    if walk.shift != state.shift {
        next.shift = walk.shift
        next.since = punch.effectiveAt
    }
    return next
}

/// The order of the walk: by instant; at the same instant clock-outs first, since they close only what began before
/// them; then punches without a record, by their kind; then records, each in its own order.
///
/// What ends and what begins at one instant are thus told apart, whatever the records are called.
private func isBefore(_ left: LedgerPunch, _ right: LedgerPunch) -> Bool {
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
private func standingPunches(_ punches: [LedgerPunch]) -> [LedgerPunch] {
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

/// The state while walking through punches in their order.
private struct Walk {
    /// Open records; the value says whether the record is in a break of its own.
    private var openRecords: [RecordKey: Bool] = [:]
    private var isOpen = false
    private var isOnBreak = false

    init() {}

    /// Goes on from a state that no record contributed to.
    init(resuming shift: Shift) {
        isOpen = shift != .out
        isOnBreak = shift == .onBreak
    }

    var shift: Shift {
        guard isOpen || !openRecords.isEmpty else { return .out }
        if isOnBreak { return .onBreak }
        return isOpen || openRecords.values.contains(false) ? .in : .onBreak
    }

    mutating func take(_ punch: LedgerPunch) {
        guard let record = punch.record else { return take(punch.kind) }
        switch punch.kind {
        case .clockIn:
            openRecords[record] = false
            isOnBreak = false
        case .clockOut: openRecords[record] = nil
        case .breakStart: if openRecords[record] != nil { openRecords[record] = true }
        case .breakEnd: if openRecords[record] != nil { openRecords[record] = false }
        case .void: break
        }
        if openRecords.isEmpty, !isOpen { isOnBreak = false }
    }

    private mutating func take(_ kind: PunchKind) {
        switch kind {
        case .clockIn:
            isOpen = true
            isOnBreak = false
        case .clockOut:
            isOpen = false
            isOnBreak = false
            openRecords = [:]
        case .breakStart:
            if isOpen || !openRecords.isEmpty { isOnBreak = true }
        case .breakEnd:
            isOnBreak = false
        case .void:
            break
        }
    }
}
