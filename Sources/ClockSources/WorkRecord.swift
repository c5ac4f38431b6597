import Domain

/// A sender's record of one span of work, once who, when and which record are known.
struct WorkRecord: Sendable {
    /// Who, as the sender calls them.
    var agent: String
    var record: String
    /// Orders the reports of this record; `nil` when the sender numbers and dates nothing.
    var version: Int64?
    var work: Span
    /// In any order.
    var breaks: [Span] = []

    /// More breaks than this in one record is nothing a person did.
    static let breakLimit = 100

    /// The full set of the record's punches: its start, its breaks by time, its end.
    ///
    /// The breaks are put in order so that the same ones listed otherwise are the same punches.
    var punches: [SourcePunch] {
        var marks: [(kind: PunchKind, at: Timestamp)] = [(.clockIn, work.start)]
        for pause in breaks.sorted(by: { ($0.start, $0.end ?? $0.start) < ($1.start, $1.end ?? $1.start) }) {
            marks.append((.breakStart, pause.start))
            if let end = pause.end { marks.append((.breakEnd, end)) }
        }
        if let end = work.end { marks.append((.clockOut, end)) }
        return marks.enumerated().map { position, mark in
            SourcePunch(
                externalAgent: agent,
                kind: mark.kind,
                occurredAt: mark.at,
                record: record,
                version: version,
                ordinal: Int16(clamping: position)
            )
        }
    }

    /// Takes the time of the record's last change for its version.
    ///
    /// Many senders give whole seconds, so of two reports with the same one the record that says more is the newer:
    /// work is begun before it is ended. `nil` leaves the version unknown.
    mutating func orderByChange(at changedAt: Timestamp?) {
        guard let changedAt else { return }
        let isWhole = changedAt.microseconds.isMultiple(of: 1_000_000)
        version = changedAt.microseconds + (isWhole ? Int64(punches.count) : 0)
    }

    /// What is odd about the record by itself.
    var warnings: [String] {
        guard let end = work.end, end < work.start else { return [] }
        return [DeliveryLabel.endBeforeStart]
    }
}

extension DeliveryReading {
    /// What a record says.
    init(_ record: WorkRecord, warnings: [String] = []) {
        self.init(punches: record.punches, warnings: warnings + record.warnings)
    }

    /// Says that a record was withdrawn.
    init(withdrawn record: String, agent: String? = nil, at withdrawnAt: Timestamp) {
        self.init(
            punches: [SourcePunch(externalAgent: agent, kind: .void, occurredAt: withdrawnAt, record: record)]
        )
    }
}
