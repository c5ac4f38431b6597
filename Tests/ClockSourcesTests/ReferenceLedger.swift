import Domain

@testable import ClockSources

/// The least that a ledger must do with readings, so that the cases' "new facts" can be checked here.
///
/// Keeps the highest version of every record and says what each reading adds to what was known.
struct ReferenceLedger {
    /// The sender's id to our agent id.
    var agents: [String: String]
    private var records: [String: (version: Int64, punches: [SourcePunch])] = [:]
    private var deleted: Set<String> = []
    private var deliveries: Set<String> = []
    private var loose: [SourcePunch] = []

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

    mutating func take(_ reading: DeliveryReading) -> Effect {
        if let ignored = reading.ignored { return Effect(reason: ignored) }
        if let id = reading.deliveryID, !deliveries.insert(id).inserted { return Effect(reason: "duplicate") }
        guard let first = reading.punches.first else { return Effect() }
        if let agent = first.externalAgent, agents[agent] == nil { return Effect(reason: "unknown-agent") }
        guard let record = first.record else {
            loose += reading.punches
            return Effect(facts: reading.punches.map { fact($0) })
        }
        return first.kind == .void ? withdraw(record, first) : take(reading.punches, of: record, first.version ?? 0)
    }

    private mutating func withdraw(_ record: String, _ punch: SourcePunch) -> Effect {
        deleted.insert(record)
        guard let known = records.removeValue(forKey: record) else { return Effect(reason: "unknown-record") }
        var fact = fact(punch)
        fact.agent = known.punches.first?.externalAgent.flatMap { agents[$0] }
        return Effect(facts: [fact])
    }

    private mutating func take(_ punches: [SourcePunch], of record: String, _ version: Int64) -> Effect {
        guard !deleted.contains(record) else { return Effect(reason: "deleted-record") }
        let known = records[record]
        if let known, known.version > version { return Effect(reason: "older-version") }
        if let known, known.version == version { return Effect(reason: "no-change") }
        records[record] = (version, punches)
        let before = known?.punches ?? []
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

    /// `on`, `off` or `break`, by the latest punch that stands.
    func state(of agent: String) -> String {
        let punches = records.values.flatMap(\.punches) + loose
        let own = punches.filter { punch in punch.externalAgent.flatMap { agents[$0] } == agent }
        let last = own.max { ($0.occurredAt, $0.ordinal) < ($1.occurredAt, $1.ordinal) }
        return switch last?.kind {
        case .clockIn, .breakEnd: "on"
        case .breakStart: "break"
        case .clockOut, .void, nil: "off"
        }
    }
}
