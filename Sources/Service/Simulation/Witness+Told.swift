import Domain

/// Where agents are by what the ledger says, worked out anew without the code that serves.
///
/// Of each record the report with the highest version counts, none once it is withdrawn or ends before it begins.
extension Witness.State {
    /// Where an agent is.
    func told(_ agent: Int64, _ tables: MemoryTables, now: Timestamp) -> Shift {
        told(counting(agent, tables), now: now)
    }

    /// Where an agent is by rows that count, in any order.
    func told(_ rows: [IncomingEvent], now: Timestamp) -> Shift {
        var attendance = Attendance()
        for mark in marks(rows) where mark.at <= now { attendance.take(mark) }
        return attendance.shift
    }

    /// Whether an agent's session should run by what was told, by holds and by what a break does.
    ///
    /// `shift`: what was told of the agent.
    func wanted(_ agent: MemoryTables.Agent, _ shift: Shift, now: Timestamp) -> RunState {
        if let hold = agent.facts.hold, hold.until > now { return hold.state }
        switch shift {
        case .in: return .running
        case .onBreak: return rules.policy.breakAction == .keep ? .running : .stopped
        case .out: return .stopped
        }
    }

    mutating func checkTold(_ agent: Int64, _ row: MemoryTables.Agent, _ tables: MemoryTables, now: Timestamp) {
        let told = told(agent, tables, now: now)
        guard told != row.facts.state.shift else { return }
        violate(.shiftAsTold, "\(row.id) is \(row.facts.state.shift.rawValue), by what was told \(told.rawValue)")
    }

    /// What rows say, in the order in which it happened.
    private func marks(_ rows: [IncomingEvent]) -> [Attendance.Mark] {
        rows.lazy.filter { $0.kind != .void }.map { row in
            Attendance.Mark(kind: row.kind, at: row.effectiveAt, record: row.record, ordinal: row.ordinal)
        }.sorted()
    }

    /// The rows of an agent that count, in any order.
    func counting(_ agent: Int64, _ tables: MemoryTables) -> [IncomingEvent] {
        let rows = tables.placesOfAgent[agent, default: []].filter { $0 < events.count }.map { events[$0].event }
        // Of most agents nothing is reported but single punches.
        guard rows.contains(where: { $0.record != nil }) else { return rows }
        var latest: [String: Int64] = [:]
        for row in rows {
            guard let record = row.record, let version = row.version else { continue }
            latest[record] = max(version, latest[record] ?? version)
        }
        let ofRecords = rows.filter { row in
            row.record.map { row.version == latest[$0] && !withdrawn.contains($0) } ?? false
        }
        let starts = Dictionary(
            ofRecords.filter { $0.kind == .clockIn }.map { ($0.record, $0.effectiveAt) },
            uniquingKeysWith: min
        )
        let empty = Set(
            ofRecords.filter { row in
                row.kind == .clockOut && starts[row.record].map { row.effectiveAt <= $0 } ?? false
            }.map(\.record)
        )
        return rows.filter { $0.record == nil } + ofRecords.filter { !empty.contains($0.record) }
    }
}

/// What somebody did so far, by single punches and by records.
private struct Attendance {
    struct Mark: Comparable {
        var kind: PunchKind
        var at: Timestamp
        var record: String?
        var ordinal: Int16

        /// What ends at an instant does so before anything begins, what is said without a record before what records say.
        private var place: (Int, Int, String, Int16) {
            let kinds: [PunchKind] = [.clockOut, .breakStart, .breakEnd, .clockIn, .void]
            let rank = Int16(kinds.firstIndex(of: kind) ?? 0)
            return (kind == .clockOut ? 0 : 1, record == nil ? 0 : 1, record ?? "", record == nil ? rank : ordinal)
        }

        static func < (left: Mark, right: Mark) -> Bool {
            left.at == right.at ? left.place < right.place : left.at < right.at
        }
    }

    private var isIn = false
    private var isPaused = false
    /// Open records; the value says whether it is in a break of its own.
    private var records: [String: Bool] = [:]

    private var isAway: Bool { !isIn && records.isEmpty }

    var shift: Shift {
        if isAway { return .out }
        return !isPaused && (isIn || records.values.contains(false)) ? .in : .onBreak
    }

    mutating func take(_ mark: Mark) {
        switch (mark.kind, mark.record) {
        case (.clockIn, let record):
            if let record { records[record] = false } else { isIn = true }
            isPaused = false
        case (.clockOut, let record?): records[record] = nil
        case (.clockOut, nil):
            isIn = false
            records = [:]
        case (.breakStart, let record?), (.breakEnd, let record?):
            if records[record] != nil { records[record] = mark.kind == .breakStart }
        case (.breakStart, nil): isPaused = !isAway
        case (.breakEnd, nil): isPaused = false
        case (.void, _): break
        }
        if isAway { isPaused = false }
    }
}
