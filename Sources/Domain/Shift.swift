/// Where an agent stands, as the ledger tells it.
package enum Shift: String, Sendable, Hashable, CaseIterable {
    case out
    case `in`
    case onBreak = "break"

    /// The number stored in `agent_states.shift`.
    package var code: Int16 {
        switch self {
        case .out: 0
        case .in: 1
        case .onBreak: 2
        }
    }

    /// Reads back what ``code`` wrote.
    package init?(code: Int16) {
        guard let shift = Self.allCases.first(where: { $0.code == code }) else { return nil }
        self = shift
    }
}

/// One punch as the ledger holds it, in the terms the fold needs.
package struct LedgerPunch: Sendable, Hashable {
    /// `clock_events.sequence`; breaks ties between equal instants and kinds.
    package var sequence: Int64
    package var kind: PunchKind
    /// When it counts: `min(occurred_at, received_at)` within the allowed skew.
    package var effectiveAt: Timestamp
    /// The clock source that said it.
    package var source: Int32
    /// What the source calls the agent, where it numbers what it says of that name; `nil` where a record has the numbers, and
    /// where nothing has.
    package var externalID: String?
    /// The record it belongs to, for sources that send records (timecards).
    package var record: RecordKey?
    /// Its place inside the record: the start is 0, breaks and the end follow.
    package var ordinal: Int16
    /// Orders reports of the same record, and without a record what one source says under one name; `nil` where the sender
    /// numbers nothing.
    package var version: Int64?
    /// When the report of the record that this belongs to was received; the same for all of its punches.
    package var reportedAt: Timestamp
    /// Whether it is another agent's: a report that gives the record to somebody else supersedes ours and says nothing of
    /// ours.
    package var isOfAnother: Bool

    /// `source` is that of the record, where there is one; `externalID` is kept only with a version and without a record.
    package init(
        sequence: Int64,
        kind: PunchKind,
        effectiveAt: Timestamp,
        source: Int32 = 0,
        externalID: String? = nil,
        record: RecordKey? = nil,
        ordinal: Int16 = 0,
        version: Int64? = nil,
        reportedAt: Timestamp = Timestamp(microseconds: 0),
        isOfAnother: Bool = false
    ) {
        self.sequence = sequence
        self.kind = kind
        self.effectiveAt = effectiveAt
        self.source = record?.source ?? source
        self.externalID = record == nil && version != nil ? externalID : nil
        self.record = record
        self.ordinal = ordinal
        self.version = version
        self.reportedAt = reportedAt
        self.isOfAnother = isOfAnother
    }

    /// Its place in the order of what happened.
    package var order: PunchOrder {
        PunchOrder(effectiveAt: effectiveAt, rank: kind.rank)
    }
}

/// Names one record of one clock source.
package struct RecordKey: Sendable, Hashable {
    package var source: Int32
    package var id: String

    package init(source: Int32, id: String) {
        self.source = source
        self.id = id
    }
}

/// Orders punches by what happened: by instant, and at the same instant clock-out, break-start,
/// break-end, clock-in, so that the later kind stands.
package struct PunchOrder: Sendable, Hashable, Comparable {
    package var effectiveAt: Timestamp
    package var rank: Int16

    package init(effectiveAt: Timestamp, rank: Int16) {
        self.effectiveAt = effectiveAt
        self.rank = rank
    }

    package static func < (left: PunchOrder, right: PunchOrder) -> Bool {
        (left.effectiveAt, left.rank) < (right.effectiveAt, right.rank)
    }
}

extension PunchKind {
    /// The place among kinds at the same instant.
    package var rank: Int16 {
        switch self {
        case .clockOut: 0
        case .breakStart: 1
        case .breakEnd: 2
        case .clockIn: 3
        case .void: 4
        }
    }
}

/// What the ledger says about one agent: the result of the fold.
package struct ShiftState: Sendable, Hashable {
    package var shift: Shift
    /// Since when; `nil` for an agent who never clocked in.
    package var since: Timestamp?
    /// The latest punch that counts by now; anything before it is late.
    package var last: PunchOrder?
    /// Whether any punch that stands belongs to a record.
    package var hasRecords: Bool
    /// What else a fold needs to go on from here where there are records; `nil` where there are none, and where only all
    /// punches can tell.
    package var tail: FoldTail?
    /// When the earliest punch that lies in the future takes effect.
    package var nextPunchAt: Timestamp?

    package init(
        shift: Shift = .out,
        since: Timestamp? = nil,
        last: PunchOrder? = nil,
        hasRecords: Bool = false,
        tail: FoldTail? = nil,
        nextPunchAt: Timestamp? = nil
    ) {
        self.shift = shift
        self.since = since
        self.last = last
        self.hasRecords = hasRecords
        self.tail = tail
        self.nextPunchAt = nextPunchAt
    }
}

/// What a state with records has to say besides its shift for a fold to go on from it.
package struct FoldTail: Sendable, Hashable {
    /// The record whose interval is open; or, where none is, the latest record while nothing else came after it.
    package var record: RecordKey?
    /// Whether ``record`` is open, on break or not, and nothing else.
    ///
    /// If not, what is open has no record.
    package var isRecordOpen: Bool
    /// When ``record`` began, if nothing was open then and nothing but its own punches came since: another report of it
    /// can take their place.
    package var aloneSince: Timestamp?

    package init(record: RecordKey?, isRecordOpen: Bool, aloneSince: Timestamp?) {
        self.record = record
        self.isRecordOpen = isRecordOpen
        self.aloneSince = aloneSince
    }
}
