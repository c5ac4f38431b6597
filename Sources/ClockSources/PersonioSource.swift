package import Domain

extension SourceKind {
    package static let personio = SourceKind("personio", makeSource: PersonioSource.init)
}

/// Personio's attendance periods, whose deliveries hold nothing but an id: what it stands for is fetched.
///
/// The stored vendor pages say that a webhook has a token but not how it is sent, so the secret stands at the end of the
/// address, or with `header` in the header that the settings name.
/// Source: developer.personio.de/v2.0/reference/webhooks, /docs/attendance-and-absence-events.
package struct PersonioSource: RecordNamingSource {
    private let secret: SharedSecret
    private let zone: ZoneRules?

    /// The sender's word for what is fetched.
    static let recordKind = "attendance-period"

    /// Takes the token, and the zone that the account's attendance times are in: without one, answers whose times have no
    /// offset say nothing.
    package init(_ settings: SourceSettings) throws(SourceSettingsError) {
        var tokenSettings = settings
        tokenSettings.auth = settings.auth ?? .token
        secret = try SharedSecret(tokenSettings)
        zone = settings.timeZone
    }

    package func read(_ delivery: Delivery) throws(SourceRefusal) -> DeliveryReading {
        guard secret.isShown(by: delivery) else { throw SourceRefusal(.badProof) }
        guard let notice = decodeJSON(PersonioNotice.self, from: delivery.body), let name = notice.name.value else {
            return DeliveryReading(ignored: DeliveryLabel.unusable)
        }
        guard ["created", "updated", "deleted"].contains(where: { name == "\(Self.recordKind).\($0)" }) else {
            return DeliveryReading(ignored: DeliveryLabel.unknownType)
        }
        guard let id = notice.payload.value?.id.value?.text,
            let reference = RecordReference(kind: Self.recordKind, id: id)
        else { return DeliveryReading(ignored: DeliveryLabel.unusable) }
        guard name == "\(Self.recordKind).deleted" else { return DeliveryReading(fetch: reference) }
        var withdrawnAt = delivery.receivedAt
        if let occurredAt = notice.occurredAt.value?.timestamp, occurredAt.isPlausible(receivedAt: withdrawnAt) {
            withdrawnAt = occurredAt
        }
        return DeliveryReading(withdrawn: id, at: withdrawnAt)
    }

    /// Source: developer.personio.de/reference/get_v2-attendance-periods-id.
    package func path(of reference: RecordReference) -> String {
        "/v2/attendance-periods/\(reference.id)"
    }

    package func read(_ record: [UInt8]?, of reference: RecordReference, fetchedAt: Timestamp) -> DeliveryReading {
        guard let record else { return DeliveryReading(ignored: DeliveryLabel.recordGone) }
        return decodeJSON(PersonioPeriod.self, from: record)?.reading(of: reference, zone: zone, receivedAt: fetchedAt)
            ?? DeliveryReading(ignored: DeliveryLabel.unusable)
    }
}

/// The envelope around an id.
private struct PersonioNotice: Decodable {
    var name: Field<String>
    var occurredAt: Field<OffsetTime>
    var payload: Field<Payload>

    enum CodingKeys: String, CodingKey {
        case payload
        case name = "event_name"
        case occurredAt = "occurred_at"
    }

    struct Payload: Decodable, Sendable {
        var id: Field<LooseIdentifier>
    }
}
