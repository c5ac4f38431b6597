import Domain

/// One time punch of 7shifts.
///
/// Every time comes twice: with an offset (`…_iso`), and without one in UTC. The vendor's samples hold malformed ones,
/// so whichever can be read counts.
struct SevenShiftsPunch: Decodable, Sendable {
    private var id: Field<LooseIdentifier>
    private var userID: Field<LooseIdentifier>
    private var clockedIn: Field<NaiveTime>
    private var clockedOut: Field<NaiveTime>
    private var clockedInISO: Field<OffsetTime>
    private var clockedOutISO: Field<OffsetTime>
    private var autoClockedOut: Field<Bool>
    private var modified: Field<NaiveTime>
    private var deleted: Field<Bool>
    private var breaks: Field<ItemList<Break>>

    enum CodingKeys: String, CodingKey {
        case id, modified, deleted
        case userID = "user_id"
        case clockedIn = "clocked_in"
        case clockedOut = "clocked_out"
        case clockedInISO = "clocked_in_iso"
        case clockedOutISO = "clocked_out_iso"
        case autoClockedOut = "auto_clocked_out"
        case breaks = "time_punch_breaks"
    }

    private struct Break: Decodable, Sendable {
        var start: Field<NaiveTime>
        var end: Field<NaiveTime>
        var startISO: Field<OffsetTime>
        var endISO: Field<OffsetTime>
        var deleted: Field<Bool>

        enum CodingKeys: String, CodingKey {
            case deleted
            case start = "in"
            case end = "out"
            case startISO = "in_iso"
            case endISO = "out_iso"
        }
    }

    /// What the punch says; `nil` when who, when or which record cannot be told.
    func reading(isDeletion: Bool, receivedAt: Timestamp) -> DeliveryReading? {
        guard let record = id.value?.text else { return nil }
        let changedAt = SentTime(inUTC: modified).timestamp.flatMap {
            $0.isPlausible(receivedAt: receivedAt) ? $0 : nil
        }
        if isDeletion || deleted.value == true {
            return DeliveryReading(withdrawn: record, agent: userID.value?.text, at: changedAt ?? receivedAt)
        }
        guard let agent = userID.value?.text,
            let work = Span(
                start: SentTime(clockedInISO).or(SentTime(inUTC: clockedIn)),
                end: SentTime(clockedOutISO).or(SentTime(inUTC: clockedOut)),
                receivedAt: receivedAt
            ),
            let breaks = breakSpans(receivedAt: receivedAt)
        else { return nil }
        var card = WorkRecord(agent: agent, record: record, work: work, breaks: breaks.spans)
        card.orderByChange(at: changedAt)
        var warnings: [String] = []
        if autoClockedOut.value == true, work.end != nil { warnings.append(DeliveryLabel.autoClockOut) }
        if !breaks.areWhole { warnings.append(DeliveryLabel.unusableBreak) }
        return DeliveryReading(card, warnings: warnings)
    }

    /// The breaks that stand; `nil` when there are more than a person takes.
    private func breakSpans(receivedAt: Timestamp) -> (spans: [Span], areWhole: Bool)? {
        let listed: [Field<Break>]
        switch breaks {
        case .absent: return ([], true)
        case .unusable: return ([], false)
        case .present(let breaks): listed = breaks.items
        }
        guard listed.count <= WorkRecord.breakLimit else { return nil }
        let standing = listed.filter { $0.value?.deleted.value != true }
        let spans = standing.compactMap { entry in
            entry.value.flatMap { pause in
                Span(
                    start: SentTime(pause.startISO).or(SentTime(inUTC: pause.start)),
                    end: SentTime(pause.endISO).or(SentTime(inUTC: pause.end)),
                    receivedAt: receivedAt
                )
            }
        }
        return (spans, spans.count == standing.count)
    }
}
