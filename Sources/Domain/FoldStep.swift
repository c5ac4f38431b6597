/// Moves on by one punch without a record where the state is enough: the punch has no version and is not older than the
/// latest one.
///
/// - Returns: what ``fold(_:now:)`` over all punches would give; `nil` when only that can tell.
package func step(_ state: ShiftState, _ punch: LedgerPunch, now: Timestamp) -> ShiftState? {
    guard punch.record == nil, punch.version == nil, punch.kind != .void else { return nil }
    if let parked = state.nextPunchAt, parked <= now { return nil }
    if punch.effectiveAt <= now, let last = state.last, punch.order < last { return nil }
    // At the instant of a record's punch their order is not the punches' own.
    if state.hasRecords, let last = state.last, punch.effectiveAt <= last.effectiveAt { return nil }
    guard var walk = Walk(resuming: state) else { return nil }
    var next = state
    walk.take(CollectionOfOne(punch), into: &next, now: now)
    return next
}

/// What the ledger held of a record before a new report of it.
package struct KnownReports: Sendable, Hashable {
    /// Whether all that was said of it is about the same agent, either numbered or not throughout, and it was not withdrawn.
    package var areOrdinary: Bool
    /// The highest version; `nil` where its reports are not numbered.
    package var version: Int64?
    /// When the latest of them was received.
    package var reportedAt: Timestamp

    package init(areOrdinary: Bool, version: Int64?, reportedAt: Timestamp) {
        self.areOrdinary = areOrdinary
        self.version = version
        self.reportedAt = reportedAt
    }

    /// Whether a report would stand in their place (``standingReport(_:)``).
    fileprivate func areSuperseded(by report: RecordReport) -> Bool {
        switch (version, report.version) {
        case (let highest?, let version?): areOrdinary && version > highest
        case (nil, nil): areOrdinary && report.reportedAt > reportedAt
        default: false
        }
    }
}

/// Moves on by one report of a record where the state is enough.
///
/// It is for a record that nothing was said of, when it began after everything else; and for a newer report of the latest
/// record, when nothing else happened since that began and it began at the same time.
///
/// - Parameters:
///   - state: as folded so far.
///   - report: all punches of the report, in any order.
///   - known: what was said of the record before; `nil` for nothing.
///   - now: the database's clock.
/// - Returns: what ``fold(_:now:)`` over all punches would give; `nil` when only that can tell.
package func step(
    _ state: ShiftState,
    report: [LedgerPunch],
    known: KnownReports?,
    now: Timestamp
) -> ShiftState? {
    guard let first = report.first, let record = first.record,
        report.allSatisfy({ $0.record == record && $0.report == first.report && $0.kind != .void })
    else { return nil }
    if let parked = state.nextPunchAt, parked <= now { return nil }
    let standing = standingPunches(report).sorted(by: isBefore)
    guard let known else { return step(state, standing, now: now) }
    guard known.areSuperseded(by: first.report), state.nextPunchAt == nil,
        let tail = state.tail, tail.record == record, let since = tail.aloneSince,
        let start = standing.first, start.record == record, start.kind == .clockIn, start.effectiveAt == since,
        since <= now
    else { return nil }
    // Its punches take the place of those before, all of which were the record's own.
    var walk = Walk()
    var next = ShiftState(hasRecords: true)
    walk.take(standing, into: &next, now: now)
    return next
}

/// Moves on by the standing punches of a record that is new.
private func step(_ state: ShiftState, _ standing: [LedgerPunch], now: Timestamp) -> ShiftState? {
    guard let first = standing.first else { return state }
    if let last = state.last, first.effectiveAt <= last.effectiveAt { return nil }
    guard var walk = Walk(resuming: state) else { return nil }
    var next = state
    next.hasRecords = state.hasRecords || standing.contains { $0.record != nil }
    walk.take(standing, into: &next, now: now)
    return next
}
