/// The state while walking through punches in their order (``isBefore(_:_:)``).
struct Walk {
    /// Open records; the value says whether the record is in a break of its own.
    private var openRecords: [RecordKey: Bool] = [:]
    private var isOpen = false
    private var isOnBreak = false
    /// The record that began while nothing was open, and when, as long as nothing but its own punches came since.
    private var alone: (record: RecordKey, since: Timestamp)?
    /// When the latest punch was.
    private var lastAt: Timestamp?

    init() {}

    /// Goes on from a state that says all that the walk to it knew.
    ///
    /// - Returns: `nil` when only the punches before it can tell.
    init?(resuming state: ShiftState) {
        lastAt = state.last?.effectiveAt
        guard state.hasRecords else {
            isOpen = state.shift != .out
            isOnBreak = state.shift == .onBreak
            return
        }
        guard let tail = state.tail else { return nil }
        if let record = tail.record, let since = tail.aloneSince { alone = (record, since) }
        if tail.isRecordOpen, let record = tail.record {
            openRecords[record] = state.shift == .onBreak
        } else {
            isOpen = state.shift != .out
            isOnBreak = state.shift == .onBreak
        }
    }

    var shift: Shift {
        guard isOpen || !openRecords.isEmpty else { return .out }
        if isOnBreak { return .onBreak }
        return isOpen || openRecords.values.contains(false) ? .in : .onBreak
    }

    /// What a later walk needs to know to go on from here; `nil` when a state cannot say it.
    private var tail: FoldTail? {
        guard let open = openRecords.keys.first else {
            return FoldTail(record: alone?.record, isRecordOpen: false, aloneSince: alone?.since)
        }
        guard openRecords.count == 1, !isOpen, !isOnBreak else { return nil }
        return FoldTail(record: open, isRecordOpen: true, aloneSince: alone?.since)
    }

    /// Takes punches that stand, in their order, up to `now`; the first one after it is parked.
    ///
    /// - Parameters:
    ///   - punches: none before what was taken so far.
    ///   - state: becomes that after the punches; whether there are records is the caller's to say.
    ///   - now: the database's clock.
    mutating func take(_ punches: some Sequence<LedgerPunch>, into state: inout ShiftState, now: Timestamp) {
        for punch in punches {
            if punch.effectiveAt > now {
                state.nextPunchAt = min(punch.effectiveAt, state.nextPunchAt ?? punch.effectiveAt)
                break
            }
            take(punch)
            if shift != state.shift {
                state.shift = shift
                state.since = punch.effectiveAt
            }
            state.last = punch.order
        }
        state.tail = state.hasRecords ? tail : nil
    }

    private mutating func take(_ punch: LedgerPunch) {
        noteWhoIsAlone(punch)
        lastAt = punch.effectiveAt
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

    private mutating func noteWhoIsAlone(_ punch: LedgerPunch) {
        if let record = punch.record, punch.kind == .clockIn, shift == .out,
            lastAt.map({ $0 < punch.effectiveAt }) ?? true
        {
            alone = (record, punch.effectiveAt)
        } else if alone?.record != punch.record {
            alone = nil
        }
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
