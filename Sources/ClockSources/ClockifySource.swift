import Domain

extension SourceKind {
    package static let clockify = SourceKind("clockify", makeSource: ClockifySource.init)
}

/// Clockify's time entries.
///
/// Each webhook has a fixed token of its own, which proves the sender, not the body. A delivery carries the whole
/// entry but neither an id of its own nor a version; the making of an entry counts as its lowest version, so that it
/// undoes nothing when it arrives late, and whatever follows is numbered by the ledger.
/// Source: dev-docs.marketplace.cake.com/documentation/build/manifest/webhooks.html; the body's keys are those that
/// public handlers use.
package struct ClockifySource: ClockSource {
    private let secrets: [[UInt8]]
    private let tokens: [String: [[UInt8]]]

    /// Takes tokens by event, and secrets for every event that has no token of its own.
    package init(_ settings: SourceSettings) throws(SourceSettingsError) {
        try settings.requireAuth(among: [.header])
        secrets = settings.secrets.isEmpty && !settings.tokens.isEmpty ? [] : try settings.usableSecrets()
        tokens = settings.tokens.mapValues { $0.split(separator: "|").map { Array($0.utf8) } }
        let areUsable = tokens.values.allSatisfy { tokens in
            !tokens.isEmpty && tokens.allSatisfy { $0.count >= SourceSettings.secretLengthLimit }
        }
        guard areUsable else { throw SourceSettingsError(.shortToken, source: settings.name) }
    }

    package func read(_ delivery: Delivery) throws(SourceRefusal) -> DeliveryReading {
        let event = delivery.header("clockify-webhook-event-type") ?? ""
        guard let token = delivery.header("clockify-signature"),
            (tokens[event] ?? secrets).contains(where: { secretsMatch(token.utf8, $0) })
        else { throw SourceRefusal(.badProof) }
        let entry = decodeJSON(ClockifyEntry.self, from: delivery.body)
        let reading: DeliveryReading? =
            switch event {
            case "NEW_TIMER_STARTED", "NEW_TIME_ENTRY": entry?.reading(version: 0, receivedAt: delivery.receivedAt)
            case "TIMER_STOPPED", "TIME_ENTRY_UPDATED": entry?.reading(version: nil, receivedAt: delivery.receivedAt)
            case "TIME_ENTRY_DELETED": entry?.withdrawal(receivedAt: delivery.receivedAt)
            default: DeliveryReading(ignored: DeliveryLabel.unknownType)
            }
        return reading ?? DeliveryReading(ignored: DeliveryLabel.unusable)
    }
}

/// One time entry.
private struct ClockifyEntry: Decodable {
    private var id: Field<Identifier>
    private var userID: Field<Identifier>
    private var interval: Field<Interval>
    private var isRunning: Field<Bool>

    enum CodingKeys: String, CodingKey {
        case id
        case userID = "userId"
        case interval = "timeInterval"
        case isRunning = "currentlyRunning"
    }

    private struct Interval: Decodable, Sendable {
        var start: Field<OffsetTime>
        var end: Field<OffsetTime>
    }

    /// The full set of punches; `nil` when who, when or which entry cannot be told.
    func reading(version: Int64?, receivedAt: Timestamp) -> DeliveryReading? {
        guard let record = id.value?.text, let agent = userID.value?.text, let interval = interval.value,
            let span = Span(start: interval.start, end: interval.end, receivedAt: receivedAt)
        else { return nil }
        return DeliveryReading(
            WorkRecord(agent: agent, record: record, version: version, work: span),
            warnings: span.end == nil && isRunning.value == false ? [DeliveryLabel.closedWithoutEnd] : []
        )
    }

    /// Withdraws the entry on arrival, since nothing says when it was deleted.
    func withdrawal(receivedAt: Timestamp) -> DeliveryReading? {
        guard let record = id.value?.text else { return nil }
        return DeliveryReading(withdrawn: record, agent: userID.value?.text, at: receivedAt)
    }
}
