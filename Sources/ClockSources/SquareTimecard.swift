import Domain

/// Square's timecard, which the deprecated events call a shift.
struct SquareTimecard: Decodable, Sendable {
    private var id: Field<Identifier>
    private var teamMemberID: Field<Identifier>
    private var startAt: Field<OffsetTime>
    private var endAt: Field<OffsetTime>
    private var status: Field<String>
    private var version: Field<Int64>
    private var breaks: Field<ItemList<Break>>

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

        let card = WorkRecord(agent: agent, record: record, version: version.value, work: span, breaks: breaks.spans)
        return DeliveryReading(card, warnings: warnings(span: span, breaksAreWhole: breaks.areWhole))
    }

    /// The breaks that can be placed in time; `nil` when there are more than a person takes.
    private func breakSpans(receivedAt: Timestamp) -> (spans: [Span], areWhole: Bool)? {
        let listed: [Field<Break>]
        switch breaks {
        case .absent: return ([], true)
        case .unusable: return ([], false)
        case .present(let breaks): listed = breaks.items
        }
        guard listed.count <= WorkRecord.breakLimit else { return nil }
        let spans = listed.compactMap { entry in
            entry.value.flatMap { Span(start: $0.startAt, end: $0.endAt, receivedAt: receivedAt) }
        }
        return (spans, spans.count == listed.count)
    }

    private func warnings(span: Span, breaksAreWhole: Bool) -> [String] {
        var warnings: [String] = []
        if version.value == nil { warnings.append(DeliveryLabel.noVersion) }
        if !breaksAreWhole { warnings.append(DeliveryLabel.unusableBreak) }
        if span.end == nil, status.value == "CLOSED" { warnings.append(DeliveryLabel.closedWithoutEnd) }
        return warnings
    }
}
