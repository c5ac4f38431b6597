import Crypto
import Domain
import Foundation

@testable import ClockSources

/// Deliveries of the kinds whose proof needs no more than a body and a secret, signed apart from the code under test.
struct SignedDelivery {
    static let secret = "a-secret-that-is-made-up-for-tests"
    static let receivedAt = Timestamp(seconds: 1_772_500_000)

    var kind: SourceKind
    var body: String
    var headers: [(name: String, value: String)] = []
    var query: String?
    var token: String?

    /// The HMAC-SHA256 of a text under a key.
    static func code(_ text: String, key: String) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: SymmetricKey(data: Array(key.utf8))))
    }

    static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { String(format: "%02x", $0) }.joined()
    }

    static func base64(_ bytes: [UInt8]) -> String {
        Data(bytes).base64EncodedString()
    }

    static func deputy(_ body: String) -> SignedDelivery {
        SignedDelivery(kind: .deputy, body: body, headers: [("X-Deputy-Secret", hex(code(body, key: secret)))])
    }

    static func frappe(_ body: String) -> SignedDelivery {
        let header = ("X-Frappe-Webhook-Signature", base64(code(body, key: secret)))
        return SignedDelivery(kind: .frappe, body: body, headers: [header])
    }

    static func zendesk(_ body: String, sentAt: String = receivedAt.rfc3339) -> SignedDelivery {
        SignedDelivery(
            kind: .zendesk,
            body: body,
            headers: [
                ("X-Zendesk-Webhook-Signature", base64(code(sentAt + body, key: secret))),
                ("X-Zendesk-Webhook-Signature-Timestamp", sentAt),
            ]
        )
    }

    static func odoo(_ body: String) -> SignedDelivery {
        SignedDelivery(kind: .odoo, body: body, token: secret)
    }

    static func sevenShifts(_ body: String, topic: String? = "time_punch.edited") -> SignedDelivery {
        let headers = topic.map { [(name: "x-webhook-topic", value: $0)] } ?? []
        return SignedDelivery(kind: .sevenShifts, body: body, headers: headers, token: secret)
    }

    static func factorial(_ body: String, query: String? = "type=clock-in") -> SignedDelivery {
        SignedDelivery(kind: .factorial, body: body, headers: [("x-factorial-wh-challenge", secret)], query: query)
    }

    static func personio(_ body: String) -> SignedDelivery {
        SignedDelivery(kind: .personio, body: body, token: secret)
    }

    /// What an adapter that holds the secret reads; the zone is Berlin's.
    func read(settings change: (inout SourceSettings) -> Void = { _ in }) throws -> DeliveryReading {
        let delivery = Delivery(
            headers: headers,
            body: Array(body.utf8),
            query: query,
            token: token,
            receivedAt: Self.receivedAt
        )
        var settings = SourceSettings(
            name: "hr",
            kind: kind,
            secrets: [Self.secret],
            timeZone: try systemZone("Europe/Berlin")
        )
        change(&settings)
        return try makeClockSource(settings).read(delivery)
    }
}

extension DeliveryReading {
    /// Its punches as `kind time`, with the times in UTC.
    var story: [String] {
        punches.map { "\($0.kind.rawValue) \($0.occurredAt.rfc3339)" }
    }
}
