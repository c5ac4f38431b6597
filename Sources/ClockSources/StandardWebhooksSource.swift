import Crypto
import Domain

extension SourceKind {
    package static let standardWebhooks = SourceKind(
        "standard-webhooks",
        matchesAgentID: true,
        makeSource: StandardWebhooksSource.init
    )
}

/// Senders that follow Standard Webhooks, or Svix, which is the same scheme under other header names.
///
/// The signature covers the delivery's id, the time of this attempt and the raw body. The time dates the
/// attempt, not the event: an hours-old event in a fresh attempt counts. The body is in our own words.
/// Source: standard-webhooks/standard-webhooks, spec/standard-webhooks.md.
package struct StandardWebhooksSource: ClockSource {
    /// The most signatures of one delivery that are looked at; senders send one for each key in use.
    static let signatureLimit = 16
    /// What the names of the three headers begin with.
    private static let headerFamilies = ["webhook", "svix"]

    private let keys: [StandardWebhooksKey]
    private let map: [String: PunchKind]
    private let tolerance: Duration

    package init(_ settings: SourceSettings) throws(SourceSettingsError) {
        try settings.requireAuth(among: [.hmac])
        _ = try settings.usableSecrets()
        let keys = settings.secrets.compactMap(StandardWebhooksKey.init)
        guard keys.count == settings.secrets.count else {
            throw SourceSettingsError(.badSecret, source: settings.name)
        }
        self.keys = keys
        map = settings.map
        tolerance = settings.tolerance
    }

    package func read(_ delivery: Delivery) throws(SourceRefusal) -> DeliveryReading {
        let proofs = Self.headerFamilies.lazy.compactMap { StandardWebhooksProof(delivery, headerFamily: $0) }
        guard
            let proof = proofs.first(where: { proof in
                proof.sentAt.isFresh(receivedAt: delivery.receivedAt, tolerance: tolerance)
                    && proof.isGenuine(body: delivery.body, keys: keys)
            })
        else { throw SourceRefusal(.badProof) }
        return try PlainBody(delivery.body).reading(
            map: map,
            receivedAt: delivery.receivedAt,
            undatedAt: proof.sentAt,
            deliveryID: Identifier(proof.id)?.text
        )
    }
}

/// A key of either kind, told by its prefix.
enum StandardWebhooksKey: Sendable {
    case shared([UInt8])
    case signing(Curve25519.Signing.PublicKey)

    /// The fewest bytes of a shared key (the specification's own limit).
    private static let sharedLengthLimit = 24

    /// Reads `whsec_…` or `whpk_…`; without a prefix the base64 counts as `whsec_`, as in the reference libraries.
    init?(_ secret: String) {
        let parts = secret.split(separator: "_", maxSplits: 1, omittingEmptySubsequences: false)
        guard let bytes = [UInt8](base64Text: parts.last ?? "") else { return nil }
        switch parts.count == 2 ? parts[0] : "whsec" {
        case "whsec" where bytes.count >= Self.sharedLengthLimit:
            self = .shared(bytes)
        case "whpk":
            guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: bytes) else { return nil }
            self = .signing(key)
        default:
            return nil
        }
    }

    /// Whether one signature, named with its version, is over this message.
    func accepts(_ signature: [UInt8], version: Substring, of message: [UInt8]) -> Bool {
        switch self {
        case .shared(let key): version == "v1" && secretsMatch(signature, hmacSHA256(key: key, parts: [message]))
        case .signing(let key): version == "v1a" && key.isValidSignature(signature, for: message)
        }
    }
}

/// The three headers that prove a delivery.
private struct StandardWebhooksProof {
    var id: String
    var sentAt: Timestamp
    private var timestamp: String
    private var signatures: String

    /// `nil` unless all three are there and the time is one.
    init?(_ delivery: Delivery, headerFamily: String) {
        guard let id = delivery.header("\(headerFamily)-id"), !id.isEmpty,
            let timestamp = delivery.header("\(headerFamily)-timestamp"),
            let sentAt = Timestamp(unixSeconds: timestamp),
            let signatures = delivery.header("\(headerFamily)-signature")
        else { return nil }
        self.id = id
        self.sentAt = sentAt
        self.timestamp = timestamp
        self.signatures = signatures
    }

    /// Whether any signature of a version we know verifies with any key; other versions are passed over.
    func isGenuine(body: [UInt8], keys: [StandardWebhooksKey]) -> Bool {
        let message = Array("\(id).\(timestamp).".utf8) + body
        return signatures.split(separator: " ").prefix(StandardWebhooksSource.signatureLimit).contains { entry in
            let parts = entry.split(separator: ",", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let signature = [UInt8](base64Text: parts[1]) else { return false }
            return keys.contains { $0.accepts(signature, version: parts[0], of: message) }
        }
    }
}
