import Domain

@testable import ClockSources

/// The least that a ledger must do with readings, so that the cases' "new facts" can be checked here.
///
/// Keeps the highest version of every record, says what each reading adds to what was known, and folds what stands
/// with the fold that the service uses.
struct ReferenceLedger {
    /// The sender's id to our agent id.
    var agents: [String: String]
    private var records: [String: (version: Int64, punches: [SourcePunch])] = [:]
    private var deleted: Set<String> = []
    private var deliveries: Set<String> = []
    private var lone: Set<String> = []
    private var newestOfAgent: [String: Int64] = [:]
    private var ledger: [String: [LedgerPunch]] = [:]

    /// How far ahead an event still counts as now.
    private static let skew = Duration.seconds(2)

    init(agents: [String: String]) {
        self.agents = agents
    }

    /// Something not known before.
    struct Fact: Hashable {
        var agent: String?
        var kind: PunchKind
        /// Whole seconds since 1970.
        var second: Int64
        var record: String?
        var supersedes = false
    }

    /// What became of a reading.
    struct Effect {
        var facts: [Fact] = []
        /// Why there are none, in the words of the cases.
        var reason: String?
    }

    mutating func take(_ reading: DeliveryReading, receivedAt: Timestamp) -> Effect {
        if let ignored = reading.ignored { return Effect(reason: ignored) }
        if let id = reading.deliveryID, !deliveries.insert(id).inserted { return Effect(reason: "duplicate") }
        var effect = Effect()
        for group in groups(reading.punches) {
            let one = take(group, receivedAt: receivedAt)
            effect.facts += one.facts
            effect.reason = effect.reason ?? one.reason
        }
        if !effect.facts.isEmpty { effect.reason = nil }
        return effect
    }

    /// The punches of each record together, and every other one alone.
    private func groups(_ punches: [SourcePunch]) -> [[SourcePunch]] {
        punches.reduce(into: []) { groups, punch in
            if punch.record != nil, groups.last?.last?.record == punch.record {
                groups[groups.count - 1].append(punch)
            } else {
                groups.append([punch])
            }
        }
    }

    private mutating func take(_ group: [SourcePunch], receivedAt: Timestamp) -> Effect {
        guard let first = group.first else { return Effect() }
        if first.kind != .void, first.externalAgent.flatMap({ agents[$0] }) == nil {
            return Effect(reason: "unknown-agent")
        }
        guard let record = first.record else { return takeLone(first, receivedAt: receivedAt) }
        if first.kind == .void { return withdraw(record, first, receivedAt: receivedAt) }
        return take(group, of: record, receivedAt: receivedAt)
    }

    private mutating func takeLone(_ punch: SourcePunch, receivedAt: Timestamp) -> Effect {
        let fact = fact(punch)
        let identity = punch.eventID ?? "\(fact.agent ?? "") \(punch.kind) \(fact.second)"
        guard lone.insert(identity).inserted else { return Effect(reason: "duplicate") }
        store(punch, version: punch.version, receivedAt: receivedAt)
        if punch.occurredAt > receivedAt + Self.skew { return Effect(reason: "future") }
        if let version = punch.version, let agent = fact.agent {
            let newest = newestOfAgent[agent] ?? .min
            guard version >= newest else { return Effect(reason: "older-version") }
            newestOfAgent[agent] = version
        }
        return Effect(facts: [fact])
    }

    private mutating func withdraw(_ record: String, _ punch: SourcePunch, receivedAt: Timestamp) -> Effect {
        deleted.insert(record)
        guard let known = records.removeValue(forKey: record) else { return Effect(reason: "unknown-record") }
        var punch = punch
        punch.externalAgent = known.punches.first?.externalAgent
        store(punch, version: known.version, receivedAt: receivedAt)
        return Effect(facts: [fact(punch)])
    }

    private mutating func take(_ punches: [SourcePunch], of record: String, receivedAt: Timestamp) -> Effect {
        guard !deleted.contains(record) else { return Effect(reason: "deleted-record") }
        let known = records[record]
        let before = known?.punches ?? []
        let stated = punches.first?.version
        if stated == nil, before == punches { return Effect(reason: "duplicate") }
        // A sender that numbers nothing says what is newest.
        let version = stated ?? (known?.version ?? 0) + 1
        if let known, known.version > version { return Effect(reason: "older-version") }
        if let known, known.version == version { return Effect(reason: "no-change") }
        records[record] = (version, punches)
        for punch in punches { store(punch, version: version, receivedAt: receivedAt) }
        let facts = punches.compactMap { punch -> Fact? in
            var fact = fact(punch)
            let same = before.first { $0.kind == punch.kind && $0.ordinal == punch.ordinal }
            if same?.occurredAt == punch.occurredAt { return nil }
            fact.supersedes = same != nil
            return fact
        }
        return Effect(facts: facts, reason: facts.isEmpty ? "no-change" : nil)
    }

    private func fact(_ punch: SourcePunch) -> Fact {
        Fact(
            agent: punch.externalAgent.flatMap { agents[$0] },
            kind: punch.kind,
            second: punch.occurredAt.microseconds / 1_000_000,
            record: punch.record
        )
    }

    private mutating func store(_ punch: SourcePunch, version: Int64?, receivedAt: Timestamp) {
        guard let agent = punch.externalAgent.flatMap({ agents[$0] }) else { return }
        let isAhead = punch.occurredAt > receivedAt && punch.occurredAt <= receivedAt + Self.skew
        ledger[agent, default: []].append(
            LedgerPunch(
                sequence: Int64(ledger[agent]?.count ?? 0),
                kind: punch.kind,
                effectiveAt: isAhead ? receivedAt : punch.occurredAt,
                record: punch.record.map { RecordKey(source: 1, id: $0) },
                ordinal: punch.ordinal,
                version: version
            )
        )
    }

    /// `on`, `off` or `break`, as the fold says.
    func state(of agent: String, at now: Timestamp) -> String {
        switch fold(ledger[agent] ?? [], now: now).shift {
        case .in: "on"
        case .onBreak: "break"
        case .out: "off"
        }
    }
}
