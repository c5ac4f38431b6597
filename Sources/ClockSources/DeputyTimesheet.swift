import Domain

/// Deputy's Timesheet resource, as far as it tells who works.
struct DeputyTimesheet: Decodable, Sendable {
    private var id: Field<LooseIdentifier>
    private var employee: Field<LooseIdentifier>
    private var startTime: Field<Int64>
    private var endTime: Field<Int64>
    private var isInProgress: Field<Bool>
    private var discarded: Field<Bool>
    private var modified: Field<OffsetTime>
    private var slots: Field<ItemList<Slot>>

    enum CodingKeys: String, CodingKey {
        case id = "Id"
        case employee = "Employee"
        case startTime = "StartTime"
        case endTime = "EndTime"
        case isInProgress = "IsInProgress"
        case discarded = "Discarded"
        case modified = "Modified"
        case slots = "Slots"
    }

    /// A break, planned or taken.
    ///
    /// Source: bodies kept in public clients; a planned one reads `"strState":"Scheduled Duration"`.
    private struct Slot: Decodable, Sendable {
        var type: Field<String>
        var state: Field<String>
        var start: Field<Int64>
        var end: Field<Int64>

        enum CodingKeys: String, CodingKey {
            case type = "strType"
            case state = "strState"
            case start = "intUnixStart"
            case end = "intUnixEnd"
        }

        var isTakenBreak: Bool {
            type.value == "B" && state.value?.hasPrefix("Scheduled") != true
        }
    }

    /// What the timesheet says; `nil` when who, when or which record cannot be told.
    ///
    /// `IsInProgress` decides whether it is open, whatever `EndTime` holds. A timesheet that is over without saying when
    /// ends when it was last changed, since taking it for open would keep the agent at work for ever.
    func reading(isDeletion: Bool, receivedAt: Timestamp) -> DeliveryReading? {
        guard let record = id.value?.text else { return nil }
        let changedAt = modified.value.flatMap { $0.timestamp.isPlausible(receivedAt: receivedAt) ? $0.timestamp : nil }
        if isDeletion || discarded.value == true {
            return DeliveryReading(withdrawn: record, agent: employee.value?.text, at: changedAt ?? receivedAt)
        }
        guard let agent = employee.value?.text else { return nil }
        var warnings: [String] = []
        var end = SentTime(unixSeconds: endTime)
        switch (isInProgress.value, end) {
        case (true, _):
            end = .absent
        case (false, .absent):
            end = .at(changedAt ?? receivedAt)
            warnings.append(DeliveryLabel.closedWithoutEnd)
        case (false, _), (nil, _):
            break
        }
        guard let work = Span(start: SentTime(unixSeconds: startTime), end: end, receivedAt: receivedAt),
            let breaks = breaks(receivedAt: receivedAt)
        else { return nil }
        if !breaks.areWhole { warnings.append(DeliveryLabel.unusableBreak) }
        var card = WorkRecord(agent: agent, record: record, work: work, breaks: breaks.spans)
        card.orderByChange(at: changedAt)
        return DeliveryReading(card, warnings: warnings)
    }

    /// The breaks taken by now; an end that lies ahead is only planned.
    ///
    /// `nil` when there are more than a person takes.
    private func breaks(receivedAt: Timestamp) -> (spans: [Span], areWhole: Bool)? {
        let listed: [Field<Slot>]
        switch slots {
        case .absent: return ([], true)
        case .unusable: return ([], false)
        case .present(let slots): listed = slots.items
        }
        guard listed.count <= WorkRecord.breakLimit else { return nil }
        var spans: [Span] = []
        var areWhole = true
        for slot in listed {
            guard let slot = slot.value else {
                areWhole = false
                continue
            }
            guard slot.isTakenBreak else { continue }
            guard
                var span = Span(
                    start: SentTime(unixSeconds: slot.start),
                    end: SentTime(unixSeconds: slot.end),
                    receivedAt: receivedAt
                )
            else {
                areWhole = false
                continue
            }
            guard span.start <= receivedAt else { continue }
            if let end = span.end, end > receivedAt { span.end = nil }
            spans.append(span)
        }
        return (spans, areWhole)
    }
}
