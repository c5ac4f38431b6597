import Domain

extension SourceKind {
    package static let toggl = SourceKind("toggl", makeSource: TogglSource.init)
}

/// Toggl Track's time entries.
///
/// A delivery carries the whole entry, running while it has no `stop`. Every event and every entry says when it was
/// made, and those times number the entry's versions, since Toggl sends no number. Nothing signed dates the attempt,
/// so the ledger's ids are what stops a replay.
/// Source: engineering.toggl.com/docs/webhooks_start/validating_received_events,
/// developers.track.toggl.com/docs/webhooks/events.
package struct TogglSource: ClockSource {
    private let keys: [[UInt8]]

    package init(_ settings: SourceSettings) throws(SourceSettingsError) {
        try settings.requireAuth(among: [.hmac])
        keys = try settings.usableSecrets()
    }

    package func read(_ delivery: Delivery) throws(SourceRefusal) -> DeliveryReading {
        guard isGenuine(delivery) else { throw SourceRefusal(.badProof) }
        guard let notice = decodeJSON(TogglNotice.self, from: delivery.body) else {
            return DeliveryReading(ignored: DeliveryLabel.unusable)
        }
        return notice.reading(receivedAt: delivery.receivedAt)
    }

    /// Checks `sha256=` and the HMAC-SHA256 of the raw body in lower-case hexadecimal digits.
    private func isGenuine(_ delivery: Delivery) -> Bool {
        guard let signature = delivery.header("x-webhook-signature-256") else { return false }
        return keys.contains { key in
            let expected = "sha256=" + hmacSHA256(key: key, parts: [delivery.body]).hexText
            return secretsMatch(signature.utf8, expected.utf8)
        }
    }
}

/// The envelope around an entry.
private struct TogglNotice: Decodable {
    private var eventID: Field<LooseIdentifier>
    private var createdAt: Field<OffsetTime>
    private var metadata: Field<Metadata>
    private var payload: Field<Payload>
    private var validationCode: Field<String>

    enum CodingKeys: String, CodingKey {
        case metadata, payload
        case eventID = "event_id"
        case createdAt = "created_at"
        case validationCode = "validation_code"
    }

    private struct Metadata: Decodable, Sendable {
        var action: Field<String>
        var model: Field<String>
    }

    /// The entry, or the word `ping`.
    private enum Payload: Decodable, Sendable {
        case word(String)
        case entry(TogglEntry)

        init(from decoder: any Decoder) throws {
            // What is no text is read as an entry, whose own error is then the one that counts.
            if let word = try? decoder.singleValueContainer().decode(String.self) {
                self = .word(word)
            } else {
                self = .entry(try TogglEntry(from: decoder))
            }
        }
    }

    func reading(receivedAt: Timestamp) -> DeliveryReading {
        var reading: DeliveryReading
        switch payload.value {
        case .word("ping"): return ping
        case .entry(let entry): reading = self.reading(of: entry, receivedAt: receivedAt)
        case .word, nil: reading = DeliveryReading(ignored: DeliveryLabel.unusable)
        }
        reading.deliveryID = eventID.value?.text
        return reading
    }

    /// A subscription is validated by sending its code back.
    ///
    /// All pings share one event id, so they are known by none.
    private var ping: DeliveryReading {
        var reading = DeliveryReading(ignored: DeliveryLabel.handshake)
        if let code = validationCode.value, let body = jsonText(["validation_code": code]) {
            reading.answer = DeliveryAnswer(status: 200, body: body)
        }
        return reading
    }

    private func reading(of entry: TogglEntry, receivedAt: Timestamp) -> DeliveryReading {
        guard let model = metadata.value?.model.value, let action = metadata.value?.action.value else {
            return DeliveryReading(ignored: DeliveryLabel.unusable)
        }
        let made = createdAt.value?.timestamp
        let reading: DeliveryReading? =
            switch (model, action) {
            case ("time_entry", "deleted"): entry.withdrawal(at: made, receivedAt: receivedAt)
            case ("time_entry", "created"), ("time_entry", "updated"):
                entry.reading(eventAt: made, receivedAt: receivedAt)
            default: DeliveryReading(ignored: DeliveryLabel.unknownType)
            }
        return reading ?? DeliveryReading(ignored: DeliveryLabel.unusable)
    }
}

/// One time entry.
private struct TogglEntry: Decodable, Sendable {
    private var id: Field<LooseIdentifier>
    private var userID: Field<LooseIdentifier>
    private var start: Field<OffsetTime>
    private var stop: Field<OffsetTime>
    private var duration: Field<Int64>
    private var changedAt: Field<OffsetTime>
    private var deletedAt: Field<OffsetTime>

    enum CodingKeys: String, CodingKey {
        case id, start, stop, duration
        case userID = "user_id"
        case changedAt = "at"
        case deletedAt = "server_deleted_at"
    }

    /// The full set of punches; `nil` when who, when or which entry cannot be told.
    ///
    /// The agent is the entry's own user: an administrator may act for others.
    func reading(eventAt: Timestamp?, receivedAt: Timestamp) -> DeliveryReading? {
        if deletedAt.value != nil { return withdrawal(at: eventAt, receivedAt: receivedAt) }
        guard let record = id.value?.text, let agent = userID.value?.text,
            var span = Span(start: start, end: stop, receivedAt: receivedAt)
        else { return nil }
        // A running entry's duration is negative; one that is not, without a stop, still tells when it ended.
        if span.end == nil, let seconds = duration.value, (0...Self.durationLimit).contains(seconds) {
            span.end = span.start + .seconds(seconds)
        }
        // `at` has whole seconds, so a start and a stop within one second are told apart by their events.
        let changes = [changedAt.value?.timestamp, eventAt].compactMap(\.self)
        var entry = WorkRecord(agent: agent, record: record, work: span)
        entry.orderByChange(at: changes.filter { $0.isPlausible(receivedAt: receivedAt) }.max())
        return DeliveryReading(entry, warnings: entry.version == nil ? [DeliveryLabel.noVersion] : [])
    }

    /// Withdraws the entry when the sender says it was deleted, or else on arrival.
    func withdrawal(at eventAt: Timestamp?, receivedAt: Timestamp) -> DeliveryReading? {
        guard let record = id.value?.text else { return nil }
        let told = [deletedAt.value?.timestamp, eventAt].compactMap(\.self)
        let withdrawnAt = told.first { $0.isPlausible(receivedAt: receivedAt) } ?? receivedAt
        return DeliveryReading(withdrawn: record, agent: userID.value?.text, at: withdrawnAt)
    }

    /// A year in seconds; more is nothing a person did.
    private static let durationLimit: Int64 = 366 * 86_400
}
