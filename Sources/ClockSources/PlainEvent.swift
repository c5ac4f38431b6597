import Domain

/// A clock event in our own words, as systems send it that can send what we ask.
///
/// Two spellings are taken: the flat one of `POST /v1/clock-events` (`agent_id`, `kind`, `occurred_at`,
/// `event_id`) and the envelope that webhook standards advise (`type`, `timestamp`, `data.agentId`).
struct PlainEvent: Decodable, Sendable {
    private var kind: Field<String>
    private var type: Field<String>
    private var occurredAt: Field<OffsetTime>
    private var timestamp: Field<OffsetTime>
    private var agentID: Field<Identifier>
    private var data: Field<Contents>
    /// The sender's id of this event.
    private(set) var eventID: Field<Identifier>

    enum CodingKeys: String, CodingKey {
        case kind, type, timestamp, data
        case occurredAt = "occurred_at"
        case agentID = "agent_id"
        case eventID = "event_id"
    }

    private struct Contents: Decodable, Sendable {
        var agentID: Field<Identifier>
        var camelAgentID: Field<Identifier>

        enum CodingKeys: String, CodingKey {
            case agentID = "agent_id"
            case camelAgentID = "agentId"
        }
    }

    /// What reading one event came to.
    enum Outcome {
        case punch(SourcePunch)
        /// Why there is none, as a ``DeliveryLabel``.
        case nothing(String)
    }

    /// Reads the event.
    ///
    /// - Parameters:
    ///   - map: the operator's words; they win over our own.
    ///   - receivedAt: what a time must be plausible beside.
    ///   - undatedAt: counts as the time of an event that names none.
    ///   - deliveryID: counts as the event's id when it has none of its own.
    /// - Returns: the punch, or why there is none.
    func outcome(
        map: [String: PunchKind],
        receivedAt: Timestamp,
        undatedAt: Timestamp,
        deliveryID: String?
    ) -> Outcome {
        guard let word = kind.value ?? type.value,
            let agent = (agentID.value ?? data.value?.agentID.value ?? data.value?.camelAgentID.value)?.text,
            let time = time(receivedAt: receivedAt, undatedAt: undatedAt)
        else { return .nothing(DeliveryLabel.unusable) }
        guard let kind = map[word] ?? PunchKind(plainWord: word) else { return .nothing(DeliveryLabel.unknownType) }
        let eventID: String?
        switch self.eventID {
        case .absent: eventID = deliveryID
        case .present(let identifier): eventID = identifier.text
        case .unusable: return .nothing(DeliveryLabel.unusable)
        }
        return .punch(
            SourcePunch(
                externalAgent: agent,
                kind: kind,
                occurredAt: time.at,
                eventID: eventID,
                hasOwnTime: time.isOwn
            )
        )
    }

    /// A time we cannot read is not taken for no time at all: the event would move to another moment.
    private func time(receivedAt: Timestamp, undatedAt: Timestamp) -> (at: Timestamp, isOwn: Bool)? {
        switch (occurredAt, timestamp) {
        case (.present(let time), _), (.absent, .present(let time)):
            time.timestamp.isPlausible(receivedAt: receivedAt) ? (time.timestamp, true) : nil
        case (.absent, .absent):
            (undatedAt, false)
        case (.unusable, _), (.absent, .unusable):
            nil
        }
    }
}

extension PunchKind {
    /// Reads `clock_in`, `clock.in` and `clock-in` alike, and breaks with or without `clock` before them;
    /// `nil` for any other word, `void` included.
    init?(plainWord word: some StringProtocol) {
        switch String(word.map { $0 == "." || $0 == "-" ? "_" : $0 }) {
        case "clock_in": self = .clockIn
        case "clock_out": self = .clockOut
        case "break_start", "clock_break_start": self = .breakStart
        case "break_end", "clock_break_end": self = .breakEnd
        default: return nil
        }
    }
}

/// A body that is one value or a list of them.
enum OneOrMany<Element: Decodable & Sendable>: Decodable, Sendable {
    case one(Element)
    /// No more of them than an ``ItemList`` holds.
    case many([Field<Element>])

    init(from decoder: any Decoder) throws {
        // What is no list is read as the single value, whose own error is then the one that counts.
        if let list = try? ItemList<Element>(from: decoder) {
            self = .many(list.items)
        } else {
            self = .one(try Element(from: decoder))
        }
    }
}
