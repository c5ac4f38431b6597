import Domain

extension SourceKind {
    package static let sevenShifts = SourceKind("sevenshifts", makeSource: SevenShiftsSource.init)
}

/// 7shifts' time punches.
///
/// Hooks that a customer makes in the web app are not signed, so the secret stands at the end of the address. Hooks that
/// 7shifts sets up for partners are signed (`hmac`). The punch always comes whole, with its breaks; a change of breaks
/// alone is not reported.
/// Source: developers.7shifts.com/reference/webhooks-introduction, /reference-link/time_punchcreated,
/// /time_punchmodified, /time_punchdeleted.
package struct SevenShiftsSource: ClockSource {
    private let proof: Proof
    private let tolerance: Duration

    private enum Proof {
        case signature(grants: [[UInt8]])
        case secret(SharedSecret)
    }

    /// Takes the token at the end of the address, or with `hmac` the GUID of the company's grant.
    package init(_ settings: SourceSettings) throws(SourceSettingsError) {
        try settings.requireAuth(among: [.hmac, .token])
        tolerance = settings.tolerance
        guard settings.auth != .hmac else {
            proof = .signature(grants: try settings.usableSecrets())
            return
        }
        var settings = settings
        settings.auth = .token
        proof = .secret(try SharedSecret(settings))
    }

    package func read(_ delivery: Delivery) throws(SourceRefusal) -> DeliveryReading {
        guard isGenuine(delivery) else { throw SourceRefusal(.badProof) }
        let isDeletion: Bool
        switch delivery.header("x-webhook-topic") {
        // Without a topic the punch itself says whether it is deleted.
        case "time_punch.created", "time_punch.edited", "time_punch.modified", nil: isDeletion = false
        case "time_punch.deleted": isDeletion = true
        default: return DeliveryReading(ignored: DeliveryLabel.unknownType)
        }
        return decodeJSON(SevenShiftsPunch.self, from: delivery.body)?
            .reading(isDeletion: isDeletion, receivedAt: delivery.receivedAt)
            ?? DeliveryReading(ignored: DeliveryLabel.unusable)
    }

    /// Checks the token, or the HMAC-SHA256 of the body under the key `{timestamp}#{grant}` and that its time is near.
    ///
    /// The vendor's page says neither hex nor base64, so both are taken.
    private func isGenuine(_ delivery: Delivery) -> Bool {
        switch proof {
        case .secret(let secret):
            return secret.isShown(by: delivery)
        case .signature(let grants):
            guard let signature = delivery.header("x-hmac-signature"),
                let sentAt = delivery.header("x-hmac-timestamp"), let attempt = Timestamp(unixSeconds: sentAt),
                attempt.isFresh(receivedAt: delivery.receivedAt, tolerance: tolerance)
            else { return false }
            return grants.contains { grant in
                isHexOrBase64(signature, of: hmacSHA256(key: Array("\(sentAt)#".utf8) + grant, parts: [delivery.body]))
            }
        }
    }
}
