import ClockSources
import Domain

/// A sender's record of one span of work, as the sender has it; whoever keeps it changes it again and again.
struct SimulatedRecord: Sendable {
    let id: String
    let agent: String
    private(set) var version: Int64 = 1
    private var start: Timestamp
    private var end: Timestamp?
    private var breakStart: Timestamp?
    private var breakEnd: Timestamp?
    private var isWithdrawn = false

    init(id: String, agent: String, start: Timestamp) {
        self.id = id
        self.agent = agent
        self.start = start
    }

    /// It is ended or opened again, moved, paused, withdrawn, or told anew as it was.
    ///
    /// `instant`: of what changes.
    mutating func change(_ numbers: inout SeededNumbers, at instant: Timestamp) {
        version += 1
        switch numbers.below(100) {
        case ..<40: end = end == nil ? instant : nil
        case ..<55: start = instant
        case ..<75:
            if breakStart == nil { breakStart = instant } else { breakEnd = breakEnd == nil ? instant : nil }
        case ..<85: isWithdrawn = true
        default: break
        }
        // A break lies inside of its record; that the record ends before it begins is a mistake that people do make.
        if let pause = breakStart, pause < start || end.map({ $0 <= pause }) ?? false { breakStart = nil }
        if let back = breakEnd, breakStart.map({ back < $0 }) ?? true { breakEnd = nil }
    }

    /// What the sender tells of it now; once it is withdrawn, sometimes what it was all the same.
    ///
    /// `now`: when it is told.
    func reading(_ numbers: inout SeededNumbers, now: Timestamp) -> DeliveryReading {
        let delivery = "\(id)v\(version)"
        if isWithdrawn, !numbers.chance(200) {
            let who = numbers.chance(500) ? agent : nil
            let punch = SourcePunch(externalAgent: who, kind: .void, occurredAt: now, record: id)
            return DeliveryReading(deliveryID: delivery, punches: [punch])
        }
        let marks: [(PunchKind, Timestamp?)] = [
            (.clockIn, start), (.breakStart, breakStart), (.breakEnd, breakEnd), (.clockOut, end),
        ]
        let punches = marks.compactMap { kind, at in at.map { (kind, $0) } }.enumerated().map { position, mark in
            SourcePunch(
                externalAgent: agent,
                kind: mark.0,
                occurredAt: mark.1,
                record: id,
                version: version,
                ordinal: Int16(position)
            )
        }
        return DeliveryReading(deliveryID: delivery, punches: punches)
    }
}

extension SimulatedWorld {
    /// A sender tells of one of an agent's records: a new one, or what changed.
    func report(of agent: String, at instant: Timestamp) -> SentReport {
        let now = database.now()
        let (reading, record) = withState { state in
            let own = state.records.indices.filter { state.records[$0].agent == agent }
            var place = own.last ?? state.records.endIndex
            if own.isEmpty || state.numbers.chance(300) {
                place = state.records.endIndex
                state.records.append(SimulatedRecord(id: "r\(place + 1)", agent: agent, start: instant))
            } else {
                if state.numbers.chance(300) { place = state.numbers.pick(own) }
                state.records[place].change(&state.numbers, at: instant)
            }
            return (state.records[place].reading(&state.numbers, now: now), state.records[place])
        }
        let says = reading.punches.map { "\($0.kind.rawValue) at \($0.occurredAt.rfc3339)" }.joined(separator: ", ")
        let report = SentReport.record(reading)
        witness.see { state in
            state.tell("record \(record.id) of \(agent), version \(record.version): \(says)")
            state.wrote(report)
        }
        return report
    }
}
