import Domain

/// The API's answer about one attendance period.
///
/// Work and breaks are periods of their own, each with an id. Times are local without an offset, though some accounts
/// were seen to give one. Source: developer.personio.de/reference/get_v2-attendance-periods-id; the members' names are
/// from public clients, since the stored page does not reach that far.
struct PersonioPeriod: Decodable, Sendable {
    private var id: Field<LooseIdentifier>
    private var type: Field<String>
    private var person: Field<Person>
    private var start: Field<Moment>
    private var end: Field<Moment>
    private var status: Field<String>
    private var approval: Field<Approval>
    private var updatedAt: Field<SpelledTime>

    private struct Person: Decodable, Sendable {
        var id: Field<LooseIdentifier>
    }

    private struct Moment: Decodable, Sendable {
        var dateTime: Field<SpelledTime>

        enum CodingKeys: String, CodingKey {
            case dateTime = "date_time"
        }
    }

    private struct Approval: Decodable, Sendable {
        var status: Field<String>
    }

    /// A time with an offset, or a local one without.
    private enum SpelledTime: Decodable, Sendable {
        case instant(Timestamp)
        case local(LocalTime)

        init(from decoder: any Decoder) throws {
            // What has no offset must be a local time, whose own error is then the one that counts.
            if let time = try? OffsetTime(from: decoder) {
                self = .instant(time.timestamp)
            } else {
                self = .local(try NaiveTime(from: decoder).local)
            }
        }

        /// The instant; `nil` for a local time while nobody says in which zone.
        func reading(zone: ZoneRules?) -> LocalReading? {
            switch self {
            case .instant(let instant): LocalReading(instant: instant, isExact: true)
            case .local(let local): zone?.reading(of: local)
            }
        }
    }

    private enum CodingKeys: String, CodingKey {
        case id, type, person, start, end, status, approval
        case updatedAt = "updated_at"
    }

    private enum EnvelopeKeys: String, CodingKey {
        case data
    }

    /// Reads the period, which may stand by itself or under `data`.
    init(from decoder: any Decoder) throws {
        let envelope = try decoder.container(keyedBy: EnvelopeKeys.self)
        let container =
            envelope.contains(.data)
            ? try envelope.nestedContainer(keyedBy: CodingKeys.self, forKey: .data)
            : try decoder.container(keyedBy: CodingKeys.self)
        id = try container.decode(Field<LooseIdentifier>.self, forKey: .id)
        type = try container.decode(Field<String>.self, forKey: .type)
        person = try container.decode(Field<Person>.self, forKey: .person)
        start = try container.decode(Field<Moment>.self, forKey: .start)
        end = try container.decode(Field<Moment>.self, forKey: .end)
        status = try container.decode(Field<String>.self, forKey: .status)
        approval = try container.decode(Field<Approval>.self, forKey: .approval)
        updatedAt = try container.decode(Field<SpelledTime>.self, forKey: .updatedAt)
    }

    /// What the period says; `nil` when who, when or which it is cannot be told.
    ///
    /// A period that waits for approval counts, since the timer's own do; one that was rejected says nothing.
    func reading(of reference: RecordReference, zone: ZoneRules?, receivedAt: Timestamp) -> DeliveryReading? {
        guard id.value?.text == reference.id, let agent = person.value?.id.value?.text else { return nil }
        guard (status.value ?? approval.value?.status.value)?.uppercased() != "REJECTED" else {
            return DeliveryReading(ignored: DeliveryLabel.rejected)
        }
        let times = [start, end].compactMap { $0.value?.dateTime.value }
        let readings = times.compactMap { $0.reading(zone: zone) }
        guard readings.count == times.count else { return DeliveryReading(ignored: DeliveryLabel.noTimeZone) }
        guard
            let span = Span(start: time(of: start, zone: zone), end: time(of: end, zone: zone), receivedAt: receivedAt)
        else { return nil }
        var record = WorkRecord(agent: agent, record: reference.id, work: span)
        record.orderByChange(at: updatedAt.value?.reading(zone: zone)?.instant)
        let isExact = readings.allSatisfy(\.isExact)
        var reading = DeliveryReading(record, warnings: isExact ? [] : [DeliveryLabel.ambiguousLocalTime])
        switch type.value {
        case "WORK", nil: break
        case "BREAK": reading.punches = reading.punches.map(asBreak)
        default: return DeliveryReading(ignored: DeliveryLabel.unknownType)
        }
        return reading
    }

    private func time(of moment: Field<Moment>, zone: ZoneRules?) -> SentTime {
        if case .absent = moment { return .absent }
        switch moment.value?.dateTime {
        case .absent: return .absent
        case .present(let time): return time.reading(zone: zone).map { .at($0.instant) } ?? .unusable
        case .unusable, nil: return .unusable
        }
    }

    private func asBreak(_ punch: SourcePunch) -> SourcePunch {
        var punch = punch
        punch.kind = punch.kind == .clockIn ? .breakStart : .breakEnd
        return punch
    }
}
