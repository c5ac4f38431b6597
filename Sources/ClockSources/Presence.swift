import Domain

/// What a change from one named state of presence to another says.
///
/// - Parameters:
///   - word: the new state in the sender's word.
///   - previous: the state before, if the sender tells it.
///   - map: what the words mean: `clock_in` for at work, `break_start` or `clock_out`.
/// - Returns: the punches' kinds in their order; `nil` when the map does not know the new state.
///
/// Who comes from off, or from a state that says nothing, straight into a break has come to work as well: without
/// that, the end of the break would be the end of nothing.
func presenceKinds(to word: String, from previous: String?, map: [String: PunchKind]) -> [PunchKind]? {
    let before = previous.flatMap { map[$0] }
    switch map[word] {
    case .clockIn: return before == .breakStart ? [.breakEnd] : [.clockIn]
    case .breakStart: return before == .clockIn || before == .breakStart ? [.breakStart] : [.clockIn, .breakStart]
    case .clockOut: return [.clockOut]
    case .breakEnd: return [.breakEnd]
    case .void, nil: return nil
    }
}

/// The punches of one change of presence.
///
/// The last one bears the sender's id of the change; each lies a microsecond after the one before, which keeps their
/// order.
func presencePunches(
    _ kinds: [PunchKind],
    agent: String,
    at instant: Timestamp,
    version: Int64? = nil,
    eventID: String?
) -> [SourcePunch] {
    kinds.enumerated().map { position, kind in
        SourcePunch(
            externalAgent: agent,
            kind: kind,
            occurredAt: instant + .microseconds(position),
            version: version,
            ordinal: Int16(clamping: position),
            eventID: position == kinds.count - 1 ? eventID : eventID.map { "\($0)/\(kind.rawValue)" }
        )
    }
}
