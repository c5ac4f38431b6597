import Domain

/// Any system that can be told to send our clock events with a secret: in `Authorization: Bearer`, in a
/// header of its own, or at the end of the path.
///
/// The body is one event or a list of them (``PlainEvent``). The secret proves the sender, not the body,
/// and nothing dates the attempt; an `Idempotency-Key` makes a retry safe.
package struct GenericBearerSource: ClockSource {
    /// The most events one body may hold.
    static let itemLimit = 1000

    private let secrets: [[UInt8]]
    private let place: Place
    private let map: [String: PunchKind]
    private let requireKey: Bool

    /// Where the secret is.
    private enum Place {
        case authorization
        case header(String)
        case path
    }

    package init(_ settings: SourceSettings) throws(SourceSettingsError) {
        try settings.requireAuth(among: [.header, .token])
        secrets = try settings.usableSecrets()
        map = settings.map
        requireKey = settings.requireKey
        switch (settings.auth, settings.headerName) {
        case (.token, _):
            place = .path
        case (_, nil):
            place = .authorization
        case (_, .some(let name)):
            guard !name.isEmpty, name.utf8.allSatisfy(\.isTokenCharacter) else {
                throw SourceSettingsError(.badHeaderName, source: settings.name)
            }
            place = name.lowercased() == "authorization" ? .authorization : .header(name)
        }
    }

    package func read(_ delivery: Delivery) throws(SourceRefusal) -> DeliveryReading {
        guard let sent = secret(in: delivery), secrets.contains(where: { secretsMatch(sent.utf8, $0) }) else {
            throw SourceRefusal(.badProof)
        }
        let key = delivery.header("idempotency-key").flatMap(Identifier.init(idempotencyKey:))?.text
        guard let body = decodeJSON(OneOrMany<PlainEvent>.self, from: delivery.body) else {
            return DeliveryReading(deliveryID: key, ignored: DeliveryLabel.unusable)
        }
        switch body {
        case .one(let event):
            if requireKey, key == nil, event.eventID.value == nil { throw SourceRefusal(.missingKey) }
            return reading(of: event, key: key, receivedAt: delivery.receivedAt)
        case .many(let events):
            if requireKey, key == nil, events.contains(where: { $0.value?.eventID.value == nil }) {
                throw SourceRefusal(.missingKey)
            }
            return reading(of: events, key: key, receivedAt: delivery.receivedAt)
        }
    }

    private func secret(in delivery: Delivery) -> String? {
        switch place {
        case .authorization:
            guard let value = delivery.header("authorization"), value.prefix(7).lowercased() == "bearer " else {
                return nil
            }
            return String(value.dropFirst(7))
        case .header(let name):
            return delivery.header(name)
        case .path:
            return delivery.token
        }
    }

    private func reading(of event: PlainEvent, key: String?, receivedAt: Timestamp) -> DeliveryReading {
        var reading = DeliveryReading(deliveryID: key ?? event.eventID.value?.text)
        switch event.outcome(map: map, receivedAt: receivedAt, deliveryID: key) {
        case .punch(let punch): reading.punches = [punch]
        case .nothing(let why): reading.ignored = why
        }
        return reading
    }

    /// Reads a list, in which one bad item spoils no other.
    ///
    /// An item without an id takes the delivery's, with its place in the list.
    private func reading(of events: [Field<PlainEvent>], key: String?, receivedAt: Timestamp) -> DeliveryReading {
        var reading = DeliveryReading(deliveryID: key)
        guard events.count <= Self.itemLimit else {
            reading.ignored = DeliveryLabel.tooManyItems
            return reading
        }
        for (position, entry) in events.enumerated() {
            let id = key.map { "\($0)/\(position)" }
            let outcome = entry.value?.outcome(map: map, receivedAt: receivedAt, deliveryID: id)
            guard case .punch(let punch) = outcome else {
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
    fileprivate init?(idempotencyKey value: String) {
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

extension UInt8 {
    /// Whether the byte may stand in a header's name (RFC 9110, `tchar`).
    fileprivate var isTokenCharacter: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default:
            "!#$%&'*+-.^_`|~".utf8.contains(self)
        }
    }
}
