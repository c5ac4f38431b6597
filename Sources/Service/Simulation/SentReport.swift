import ClockSources
import Domain

/// What a sender puts into a request.
enum SentReport: Sendable {
    /// A clock event in our own format.
    case event(SentEvent)
    /// What a vendor's delivery says of a record.
    case record(DeliveryReading)

    /// The source of events in our own format.
    static let eventSource: Int32 = 1
    /// The source of records.
    static let recordSource: Int32 = 2

    /// All that it says, one by one.
    var said: [Said] {
        switch self {
        case .event(let event): [Said(event)]
        case .record(let reading): reading.punches.map { Said($0) }
        }
    }
}

/// A clock event in our own format, as its sender has it.
struct SentEvent: Sendable {
    var id: String
    var agent: String
    var kind: PunchKind
    /// When it happened; `nil` where the sender leaves that to whoever receives it.
    var at: Timestamp?

    /// The request's body.
    var body: [UInt8] {
        let time = at.map { ",\"occurred_at\":\"\($0.rfc3339)\"" } ?? ""
        return Array("{\"event_id\":\"\(id)\",\"agent_id\":\"\(agent)\",\"kind\":\"\(kind.rawValue)\"\(time)}".utf8)
    }
}

/// One thing that a sender said, in the sender's own words.
struct Said: Sendable, Hashable {
    /// What makes it one and the same, however often and through whomever it is told.
    enum Key: Sendable, Hashable {
        case event(String)
        case punch(record: String, version: Int64?, kind: PunchKind, ordinal: Int16)
        /// A record is withdrawn once, however often and in whatever words.
        case withdrawal(record: String)
    }

    var key: Key
    var source: Int32
    /// Who; `nil` only in the withdrawal of a record.
    var agent: String?
    var kind: PunchKind
    /// When it happened; `nil` where that is for whoever receives it to say.
    var at: Timestamp?

    init(_ event: SentEvent) {
        key = .event(event.id)
        source = SentReport.eventSource
        agent = event.agent
        kind = event.kind
        at = event.at
    }

    init(_ punch: SourcePunch) {
        let (record, isVoid) = (punch.record ?? "", punch.kind == .void)
        key =
            isVoid
            ? .withdrawal(record: record)
            : .punch(record: record, version: punch.version, kind: punch.kind, ordinal: punch.ordinal)
        source = SentReport.recordSource
        agent = punch.externalAgent
        kind = punch.kind
        at = punch.occurredAt
    }

    /// Whether a row of the ledger says so: who, what, when, and from when on it counts.
    func isSaid(by row: IncomingEvent) -> Bool {
        let at = at ?? row.receivedAt
        let isSlightlyAhead = at > row.receivedAt && at - row.receivedAt <= Scenario.skew
        return key == Key(row) && row.sourceID == source && row.externalID == agent && row.kind == kind
            && row.occurredAt == at && row.effectiveAt == (isSlightlyAhead ? row.receivedAt : at)
    }
}

extension Said.Key {
    /// Of what a row of the ledger says.
    init(_ row: IncomingEvent) {
        switch (row.record, row.kind) {
        case (nil, _): self = .event(row.eventID)
        case (let record?, .void): self = .withdrawal(record: record)
        case (let record?, let kind):
            self = .punch(record: record, version: row.version, kind: kind, ordinal: row.ordinal)
        }
    }

    /// For whoever reads the history.
    var text: String {
        switch self {
        case .event(let id): id
        case .punch(let record, let version, let kind, _): "\(record)v\(version ?? 0) \(kind.rawValue)"
        case .withdrawal(let record): "the withdrawal of \(record)"
        }
    }
}
