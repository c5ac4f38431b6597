import Domain

extension SourceKind {
    package static let square = SourceKind("square", makeSource: SquareSource.init)
}

/// Square's timecards (Labor API webhooks).
///
/// A delivery carries the whole timecard, numbered by `version`, so each reading is the full set of that
/// version's punches. The deprecated `labor.shift.*` events fire beside `labor.timecard.*` with the same
/// record id and version; both read alike, and the ledger keeps one.
/// Source: developer.squareup.com/docs/labor-api/webhooks, /docs/webhooks/step2subscribe.
package struct SquareSource: ClockSource {
    private let keys: [[UInt8]]
    private let signedURL: [UInt8]

    /// Takes the signature keys and the address typed into Square's console (`publicURL`), letter by
    /// letter, since every signature covers it.
    package init(_ settings: SourceSettings) throws(SourceSettingsError) {
        try settings.requireAuth(among: [.hmac])
        keys = try settings.usableSecrets()
        signedURL = Array(try settings.usablePublicURL().utf8)
    }

    package func read(_ delivery: Delivery) throws(SourceRefusal) -> DeliveryReading {
        guard isGenuine(delivery) else { throw SourceRefusal(.badProof) }
        guard let notice = decodeJSON(SquareNotice.self, from: delivery.body) else {
            return DeliveryReading(ignored: DeliveryLabel.unusable)
        }
        var reading = notice.reading(receivedAt: delivery.receivedAt)
        reading.deliveryID = notice.eventID.value?.text
        return reading
    }

    /// Checks base64(HMAC-SHA256(key, URL + body)).
    ///
    /// The older `x-square-signature` (SHA-1) proves nothing.
    /// No time is signed, so an old delivery verifies for ever; the ledger's ids are what stops a replay.
    private func isGenuine(_ delivery: Delivery) -> Bool {
        guard let signature = delivery.header("x-square-hmacsha256-signature") else { return false }
        return keys.contains { key in
            secretsMatch(signature.utf8, hmacSHA256(key: key, parts: [signedURL, delivery.body]).base64Text.utf8)
        }
    }
}

/// The envelope around a timecard.
private struct SquareNotice: Decodable {
    var type: Field<String>
    var eventID: Field<Identifier>
    var createdAt: Field<OffsetTime>
    var data: Field<Contents>

    enum CodingKeys: String, CodingKey {
        case type, data
        case eventID = "event_id"
        case createdAt = "created_at"
    }

    struct Contents: Decodable, Sendable {
        var id: Field<Identifier>
        var object: Field<Family>
    }

    struct Family: Decodable, Sendable {
        var timecard: Field<SquareTimecard>
        var shift: Field<SquareTimecard>
    }

    func reading(receivedAt: Timestamp) -> DeliveryReading {
        switch type.value {
        case "labor.timecard.deleted", "labor.shift.deleted":
            withdrawal(receivedAt: receivedAt)
        case "labor.timecard.created", "labor.timecard.updated":
            data.value?.object.value?.timecard.value?.reading(receivedAt: receivedAt) ?? Self.unusable
        case "labor.shift.created", "labor.shift.updated":
            data.value?.object.value?.shift.value?.reading(receivedAt: receivedAt) ?? Self.unusable
        case .some:
            DeliveryReading(ignored: DeliveryLabel.unknownType)
        case nil:
            Self.unusable
        }
    }

    /// A deletion names the record and nobody's name.
    private func withdrawal(receivedAt: Timestamp) -> DeliveryReading {
        guard let record = data.value?.id.value?.text else { return Self.unusable }
        var withdrawnAt = receivedAt
        if let createdAt = createdAt.value?.timestamp, createdAt.isPlausible(receivedAt: receivedAt) {
            withdrawnAt = createdAt
        }
        return DeliveryReading(
            punches: [SourcePunch(externalAgent: nil, kind: .void, occurredAt: withdrawnAt, record: record)]
        )
    }

    private static let unusable = DeliveryReading(ignored: DeliveryLabel.unusable)
}
