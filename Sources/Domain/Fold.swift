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
    fold(punches, at: CollectionOfOne(now)).first ?? ShiftState()
}

/// What ``fold(_:now:)`` gives at each of several instants, in one walk: how the agent stood then by what is known now.
///
/// - Parameters:
///   - punches: as for ``fold(_:now:)``.
///   - instants: in their order.
/// - Returns: a state for each of the instants.
package func fold(
    _ punches: some Sequence<LedgerPunch>,
    at instants: some Collection<Timestamp>
) -> [ShiftState] {
    let standing = standingPunches(Array(punches)).sorted(by: isBefore)
    var state = ShiftState(hasRecords: standing.contains { $0.record != nil })
    var walk = Walk()
    var rest = standing[...]
    return instants.map { now in
        let due = rest.prefix { $0.effectiveAt <= now }
        rest = rest.dropFirst(due.count)
        walk.take(due, into: &state, now: now)
        state.nextPunchAt = rest.first?.effectiveAt
        return state
    }
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
