import Domain

/// A body in our own words: one event, or a list of them (``PlainEvent``).
///
/// The senders that use it wrote it for us, so text that is not even JSON, and a list that is too long, is refused for them to
/// see.
struct PlainBody {
    /// The most events one body may hold.
    static let itemLimit = 1000

    private let content: Field<OneOrMany<PlainEvent>>

    init(_ bytes: [UInt8]) throws(SourceRefusal) {
        guard let content = decodeJSON(Field<OneOrMany<PlainEvent>>.self, from: bytes) else {
            throw SourceRefusal(.malformed)
        }
        if case .many(let events) = content.value, events.count > Self.itemLimit { throw SourceRefusal(.tooManyItems) }
        self.content = content
    }

    /// Whether some event has no id of its own.
    var lacksAnID: Bool {
        switch content.value {
        case .one(let event): event.eventID.value == nil
        case .many(let events): events.contains { $0.value?.eventID.value == nil }
        case nil: false
        }
    }

    /// Reads the events.
    ///
    /// - Parameters:
    ///   - map: the operator's words; they win over our own.
    ///   - receivedAt: when the delivery arrived.
    ///   - undatedAt: counts as the time of an event that names none.
    ///   - deliveryID: the same at every retry; counts as the id of an event that has none of its own.
    /// - Returns: the punches, or why there are none.
    func reading(
        map: [String: PunchKind],
        receivedAt: Timestamp,
        undatedAt: Timestamp,
        deliveryID: String?
    ) -> DeliveryReading {
        let outcome = { (event: PlainEvent, id: String?) in
            event.outcome(map: map, receivedAt: receivedAt, undatedAt: undatedAt, deliveryID: id)
        }
        switch content.value {
        case .one(let event):
            var reading = DeliveryReading(deliveryID: deliveryID ?? event.eventID.value?.text)
            switch outcome(event, deliveryID) {
            case .punch(let punch): reading.punches = [punch]
            case .nothing(let why): reading.ignored = why
            }
            return reading
        case .many(let events):
            return reading(of: events, deliveryID: deliveryID, outcome: outcome)
        case nil:
            return DeliveryReading(deliveryID: deliveryID, ignored: DeliveryLabel.unusable)
        }
    }

    /// Reads a list, in which one bad item spoils no other.
    ///
    /// An item without an id takes the delivery's, with its place in the list.
    private func reading(
        of events: [Field<PlainEvent>],
        deliveryID: String?,
        outcome: (PlainEvent, String?) -> PlainEvent.Outcome
    ) -> DeliveryReading {
        var reading = DeliveryReading(deliveryID: deliveryID)
        for (position, entry) in events.enumerated() {
            let id = deliveryID.map { "\($0)/\(position)" }
            guard let event = entry.value, case .punch(let punch) = outcome(event, id) else {
                reading.warnings = [DeliveryLabel.unusableItem]
                continue
            }
            reading.punches.append(punch)
        }
        if reading.punches.isEmpty {
            reading.ignored = events.isEmpty ? DeliveryLabel.empty : DeliveryLabel.unusable
        }
        return reading
    }
}

extension Identifier {
    /// Reads an `Idempotency-Key`, quoted as the IETF draft asks (`"a-b"`) or bare as many send it.
    init?(idempotencyKey value: String) {
        guard value.first == "\"" else {
            self.init(value)
            return
        }
        guard value.count >= 2, value.last == "\"" else { return nil }
        var text = ""
        var isEscaped = false
        for character in value.dropFirst().dropLast() {
            if !isEscaped, character == "\\" {
                isEscaped = true
                continue
            }
            if !isEscaped, character == "\"" { return nil }
            isEscaped = false
            text.append(character)
        }
        guard !isEscaped else { return nil }
        self.init(text)
    }
}
