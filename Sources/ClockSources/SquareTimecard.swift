import Domain

/// Square's timecard, which the deprecated events call a shift.
struct SquareTimecard: Decodable, Sendable {
    private var id: Field<Identifier>
    private var teamMemberID: Field<Identifier>
    private var startAt: Field<OffsetTime>
    private var endAt: Field<OffsetTime>
    private var status: Field<String>
    private var version: Field<Int64>
    private var breaks: Field<[Field<Break>]>

    enum CodingKeys: String, CodingKey {
        case id, status, version, breaks
        case teamMemberID = "team_member_id"
        case startAt = "start_at"
        case endAt = "end_at"
    }

    private struct Break: Decodable, Sendable {
        var startAt: Field<OffsetTime>
        var endAt: Field<OffsetTime>

        enum CodingKeys: String, CodingKey {
            case startAt = "start_at"
            case endAt = "end_at"
        }
    }

    /// The full set of punches of this version; `nil` when who, when or which record cannot be told.
    ///
    /// An end that is there but unreadable makes the whole card unusable, since leaving it out would say
    /// that the person still works.
    func reading(receivedAt: Timestamp) -> DeliveryReading? {
        guard let record = id.value?.text, let agent = teamMemberID.value?.text,
            let span = Span(start: startAt, end: endAt, receivedAt: receivedAt),
            let breaks = breakSpans(receivedAt: receivedAt)
        else { return nil }

        var marks: [(kind: PunchKind, at: Timestamp)] = [(.clockIn, span.start)]
        for pause in breaks.spans {
            marks.append((.breakStart, pause.start))
            if let end = pause.end { marks.append((.breakEnd, end)) }
        }
        if let end = span.end { marks.append((.clockOut, end)) }

        let punches = marks.enumerated().map { position, mark in
            SourcePunch(
                externalAgent: agent,
                kind: mark.kind,
                occurredAt: mark.at,
                record: record,
                version: version.value,
                ordinal: Int16(clamping: position)
            )
        }
        return DeliveryReading(punches: punches, warnings: warnings(span: span, breaksAreWhole: breaks.areWhole))
    }

    /// The breaks by time, so that the same breaks listed in another order are the same punches.
    private func breakSpans(receivedAt: Timestamp) -> (spans: [Span], areWhole: Bool)? {
        let listed: [Field<Break>]
        switch breaks {
        case .absent: return ([], true)
        case .unusable: return ([], false)
        case .present(let breaks): listed = breaks
        }
        guard listed.count <= SquareSource.breakLimit else { return nil }
        let spans = listed.compactMap { entry in
            entry.value.flatMap { Span(start: $0.startAt, end: $0.endAt, receivedAt: receivedAt) }
        }
        return (
            spans.sorted { ($0.start, $0.end ?? $0.start) < ($1.start, $1.end ?? $1.start) },
            spans.count == listed.count
        )
    }

    private func warnings(span: Span, breaksAreWhole: Bool) -> [String] {
        var warnings: [String] = []
        if version.value == nil { warnings.append(DeliveryLabel.noVersion) }
        if !breaksAreWhole { warnings.append(DeliveryLabel.unusableBreak) }
        if span.end == nil, status.value == "CLOSED" { warnings.append(DeliveryLabel.closedWithoutEnd) }
        if let end = span.end, end < span.start { warnings.append(DeliveryLabel.endBeforeStart) }
        return warnings
    }
}

/// A stretch of time that may still be open.
private struct Span {
    var start: Timestamp
    var end: Timestamp?

    /// `nil` without a plausible start, or when an end is given that cannot be used.
    init?(start: Field<OffsetTime>, end: Field<OffsetTime>, receivedAt: Timestamp) {
        guard let start = start.value?.timestamp, start.isPlausible(receivedAt: receivedAt) else { return nil }
        self.start = start
        switch end {
        case .absent:
            self.end = nil
        case .present(let time):
            guard time.timestamp.isPlausible(receivedAt: receivedAt) else { return nil }
            self.end = time.timestamp
        case .unusable:
            return nil
        }
    }
}
