import Domain

extension SourceKind {
    package static let zendesk = SourceKind("zendesk", makeSource: ZendeskSource.init)
}

/// Zendesk's agent availability: presence at the desk as the clock.
///
/// The unified state is the one that counts; the states per channel are reported beside it and ignored. Each state
/// change carries a number that grows per agent. `away` counts as a break unless the settings map it otherwise.
/// Source: developer.zendesk.com/api-reference/webhooks/event-types/agent-availability-events,
/// /documentation/webhooks/verifying.
package struct ZendeskSource: ClockSource {
    /// What the vendor's own states mean when the settings map none.
    static let usualMap: [String: PunchKind] = [
        "online": .clockIn, "transfers_only": .clockIn, "away": .breakStart, "offline": .clockOut,
    ]

    private let keys: [[UInt8]]
    private let tolerance: Duration
    private let map: [String: PunchKind]

    /// Takes the webhook's signing secret.
    package init(_ settings: SourceSettings) throws(SourceSettingsError) {
        try settings.requireAuth(among: [.hmac])
        keys = try settings.usableSecrets()
        tolerance = settings.tolerance
        let words = settings.map.isEmpty ? Self.usualMap : settings.map
        map = Dictionary(words.map { (Self.plain($0.key), $0.value) }) { first, _ in first }
    }

    package func read(_ delivery: Delivery) throws(SourceRefusal) -> DeliveryReading {
        guard isGenuine(delivery) else { throw SourceRefusal(.badProof) }
        guard !delivery.body.isEmpty else { return DeliveryReading(ignored: DeliveryLabel.empty) }
        guard let notice = decodeJSON(ZendeskNotice.self, from: delivery.body), let type = notice.type.value else {
            return DeliveryReading(ignored: DeliveryLabel.unusable)
        }
        var reading = DeliveryReading(ignored: DeliveryLabel.unknownType)
        if type == "zen:event-type:agent.unified_state_changed" {
            reading = self.reading(of: notice, receivedAt: delivery.receivedAt)
        }
        reading.deliveryID = notice.id.value?.text
        return reading
    }

    /// Checks base64(HMAC-SHA256(secret, timestamp + body)) and that the signed time is near.
    private func isGenuine(_ delivery: Delivery) -> Bool {
        guard let signature = delivery.header("x-zendesk-webhook-signature"),
            let sentAt = delivery.header("x-zendesk-webhook-signature-timestamp"),
            let attempt = Timestamp(rfc3339: sentAt),
            attempt.isFresh(receivedAt: delivery.receivedAt, tolerance: tolerance)
        else { return false }
        return keys.contains { key in
            let code = hmacSHA256(key: key, parts: [Array(sentAt.utf8), delivery.body])
            return secretsMatch(signature.utf8, code.base64Text.utf8)
        }
    }

    private func reading(of notice: ZendeskNotice, receivedAt: Timestamp) -> DeliveryReading {
        let event = notice.event.value
        guard let agent = notice.agent, let word = event?.newState.value?.name.value,
            let occurredAt = SentTime(event?.updatedAt ?? .absent).or(SentTime(notice.time)).timestamp,
            occurredAt.isPlausible(receivedAt: receivedAt)
        else { return DeliveryReading(ignored: DeliveryLabel.unusable) }
        let previous = event?.previousState.value?.name.value.map(Self.plain)
        guard var kinds = presenceKinds(to: Self.plain(word), from: previous, map: map) else {
            return DeliveryReading(ignored: DeliveryLabel.unmappedWord)
        }
        // Coming back is coming to work, which ends a break too: so it heals if nobody knew that the agent was there.
        if kinds == [.breakEnd], map[Self.plain(word)] == .clockIn { kinds = [.clockIn] }
        let version = notice.detail.value?.version.value.flatMap { Int64($0.text) }
        return DeliveryReading(
            punches: presencePunches(
                kinds,
                agent: agent,
                at: occurredAt,
                version: version,
                eventID: notice.id.value?.text
            ),
            warnings: version == nil ? [DeliveryLabel.noVersion] : []
        )
    }

    /// A state's name in lower case with `_` between words: the pages write both `transfers only` and `transfers_only`.
    private static func plain(_ word: String) -> String {
        String(word.lowercased().map { $0 == " " || $0 == "-" ? "_" : $0 })
    }
}

/// The envelope around a change of state.
private struct ZendeskNotice: Decodable {
    var id: Field<Identifier>
    var type: Field<String>
    var time: Field<OffsetTime>
    var subject: Field<Identifier>
    var detail: Field<Detail>
    var event: Field<Event>

    struct Detail: Decodable, Sendable {
        var agentID: Field<LooseIdentifier>
        var version: Field<LooseIdentifier>

        enum CodingKeys: String, CodingKey {
            case version
            case agentID = "agent_id"
        }
    }

    struct Event: Decodable, Sendable {
        var newState: Field<State>
        var previousState: Field<State>
        var updatedAt: Field<OffsetTime>

        enum CodingKeys: String, CodingKey {
            case newState = "new_unified_state"
            case previousState = "previous_unified_state"
            case updatedAt = "updated_at"
        }
    }

    struct State: Decodable, Sendable {
        var name: Field<String>
    }

    /// Who; the subject (`zen:agent:10011`) says it too.
    var agent: String? {
        if let id = detail.value?.agentID.value?.text { return id }
        let prefix = "zen:agent:"
        guard let subject = subject.value?.text, subject.hasPrefix(prefix), subject.count > prefix.count else {
            return nil
        }
        return String(subject.dropFirst(prefix.count))
    }
}
