import Domain

extension SourceKind {
    package static let deputy = SourceKind("deputy", makeSource: DeputySource.init)
}

/// Deputy's timesheets (webhooks of the topics `Timesheet.*`).
///
/// One timesheet is reported at clock-on, at clock-off and at every approval, always as a whole. Installs of the
/// Enterprise plan sign the body; elsewhere the subscription adds a header with a secret that we chose (`header`).
/// Source: developer.deputy.com/deputy-docs/docs/webhook-overview, /timesheet-webhook-example.
package struct DeputySource: ClockSource {
    /// The most timesheets one body may hold.
    static let itemLimit = 1000

    private let proof: Proof

    private enum Proof {
        case signature(keys: [[UInt8]])
        case secret(SharedSecret)
    }

    /// Takes the install's "private key for API signing", or with `header` the secret of the subscription's own header.
    package init(_ settings: SourceSettings) throws(SourceSettingsError) {
        try settings.requireAuth(among: [.hmac, .header])
        proof =
            settings.auth == .header
            ? .secret(try SharedSecret(settings)) : .signature(keys: try settings.usableSecrets())
    }

    package func read(_ delivery: Delivery) throws(SourceRefusal) -> DeliveryReading {
        guard isGenuine(delivery) else { throw SourceRefusal(.badProof) }
        guard let notice = decodeJSON(DeputyNotice.self, from: delivery.body), let topic = notice.topic.value else {
            return DeliveryReading(ignored: DeliveryLabel.unusable)
        }
        let isDeletion: Bool
        switch topic {
        case "Timesheet.Insert", "Timesheet.Update", "Timesheet.Save": isDeletion = false
        case "Timesheet.Delete": isDeletion = true
        default: return DeliveryReading(ignored: DeliveryLabel.unknownType)
        }
        switch notice.data.value {
        case .one(let timesheet):
            return timesheet.reading(isDeletion: isDeletion, receivedAt: delivery.receivedAt)
                ?? DeliveryReading(ignored: DeliveryLabel.unusable)
        case .many(let timesheets):
            return reading(of: timesheets, isDeletion: isDeletion, receivedAt: delivery.receivedAt)
        case nil:
            return DeliveryReading(ignored: DeliveryLabel.unusable)
        }
    }

    /// Checks the HMAC-SHA256 of the body, or the header that the subscription adds.
    ///
    /// The vendor's page says neither hex nor base64, so both are taken. No time is signed.
    private func isGenuine(_ delivery: Delivery) -> Bool {
        switch proof {
        case .secret(let secret):
            secret.isShown(by: delivery)
        case .signature(let keys):
            delivery.header("x-deputy-secret").map { sent in
                keys.contains { isHexOrBase64(sent, of: hmacSHA256(key: $0, parts: [delivery.body])) }
            } ?? false
        }
    }

    /// Reads a list, in which one bad item spoils no other.
    private func reading(
        of timesheets: [Field<DeputyTimesheet>],
        isDeletion: Bool,
        receivedAt: Timestamp
    ) -> DeliveryReading {
        guard timesheets.count <= Self.itemLimit else {
            return DeliveryReading(ignored: DeliveryLabel.tooManyItems)
        }
        var reading = DeliveryReading()
        for item in timesheets {
            guard let one = item.value?.reading(isDeletion: isDeletion, receivedAt: receivedAt) else {
                reading.warnings.append(DeliveryLabel.unusableItem)
                continue
            }
            reading.punches += one.punches
            reading.warnings += one.warnings
        }
        reading.warnings = Set(reading.warnings).sorted()
        if reading.punches.isEmpty {
            reading.ignored = timesheets.isEmpty ? DeliveryLabel.empty : DeliveryLabel.unusable
        }
        return reading
    }
}

/// The envelope around timesheets.
private struct DeputyNotice: Decodable {
    var topic: Field<String>
    var data: Field<OneOrMany<DeputyTimesheet>>
}
