package import Domain

/// Signs what we send as Standard Webhooks, the scheme that ``StandardWebhooksSource`` verifies.
///
/// Source: standard-webhooks/standard-webhooks, spec/standard-webhooks.md.
package struct StandardWebhooksSigner: Sendable {
    private let keys: [[UInt8]]

    /// `nil` without a secret, or with one that is none.
    ///
    /// - Parameter secrets: `whsec_…`, each at least 24 bytes; with all of them is signed, so that one can replace another.
    package init?(secrets: [String]) {
        let keys = secrets.compactMap { secret -> [UInt8]? in
            guard case .shared(let key) = StandardWebhooksKey(secret) else { return nil }
            return key
        }
        guard !keys.isEmpty, keys.count == secrets.count else { return nil }
        self.keys = keys
    }

    /// The three headers that prove a delivery.
    ///
    /// - Parameters:
    ///   - id: the same for every attempt, so that the receiver can tell a repetition.
    ///   - sentAt: when this attempt leaves; receivers refuse what is minutes old.
    ///   - body: the raw bytes that are sent.
    /// - Returns: their names and values.
    package func headers(id: String, sentAt: Timestamp, body: [UInt8]) -> [(name: String, value: String)] {
        let timestamp = String(sentAt.microseconds / 1_000_000)
        let message = Array("\(id).\(timestamp).".utf8)
        let signatures = keys.map { "v1," + hmacSHA256(key: $0, parts: [message, body]).base64Text }
        return [
            ("webhook-id", id), ("webhook-timestamp", timestamp),
            ("webhook-signature", signatures.joined(separator: " ")),
        ]
    }
}
