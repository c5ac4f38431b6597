import Crypto
import Domain
import Foundation

@testable import ClockSources

// How the senders of shifts and presence prove themselves, written out apart from the code under test.
extension Resigner {
    /// The proof that a case of one of these kinds is sent with.
    static func ofRecords(for item: ClockCase, of kind: SourceKind) -> Resigner {
        switch (kind, item.config.auth) {
        case (.deputy, "custom-header"): secretHeader("authorization", "Bearer ")
        case (.deputy, _): deputy
        case (.frappe, _): frappe
        case (.zendesk, _): zendesk
        case (.sevenShifts, "partner-hmac"): sevenShiftsPartner
        case (.factorial, _): secretHeader("x-factorial-wh-challenge", "")
        default: path
        }
    }

    private static let path = Resigner(
        name: "end of the path",
        secret: "another-made-up-path-token",
        provingHeaders: [],
        provesBody: false,
        isInPath: true
    ) { delivery, _, _ in
        delivery.token = "another-made-up-path-token"
    }

    private static func secretHeader(_ name: String, _ prefix: String) -> Resigner {
        Resigner(
            name: "secret in \(name)",
            secret: "another-made-up-secret",
            provingHeaders: [name],
            provesBody: false
        ) { delivery, _, _ in
            delivery.set(name, prefix + "another-made-up-secret")
        }
    }

    private static let deputy = Resigner(
        name: "HMAC over body",
        secret: "another-made-up-deputy-key",
        provingHeaders: ["x-deputy-secret"]
    ) { delivery, _, _ in
        let code = hmac(SHA256.self, "another-made-up-deputy-key", delivery.body)
        delivery.set("x-deputy-secret", code.map { String(format: "%02x", $0) }.joined())
    }

    private static let frappe = Resigner(
        name: "HMAC over body",
        secret: "another-made-up-frappe-secret",
        provingHeaders: ["x-frappe-webhook-signature"]
    ) { delivery, _, _ in
        let code = hmac(SHA256.self, "another-made-up-frappe-secret", delivery.body)
        delivery.set("x-frappe-webhook-signature", code.base64)
    }

    private static let zendesk = Resigner(
        name: "HMAC over time and body",
        secret: "another-made-up-zendesk-secret",
        provingHeaders: ["x-zendesk-webhook-signature", "x-zendesk-webhook-signature-timestamp"],
        provesTime: true
    ) { delivery, _, sentAt in
        let code = hmac(SHA256.self, "another-made-up-zendesk-secret", Array(sentAt.rfc3339.utf8) + delivery.body)
        delivery.set("x-zendesk-webhook-signature", code.base64)
        delivery.set("x-zendesk-webhook-signature-timestamp", sentAt.rfc3339)
    }

    private static let sevenShiftsPartner = Resigner(
        name: "HMAC under time and grant",
        secret: "0f7c1a52-made-up-grant-guid",
        provingHeaders: ["x-hmac-timestamp", "x-hmac-signature"],
        provesTime: true
    ) { delivery, _, sentAt in
        let seconds = String(sentAt.microseconds / 1_000_000)
        let code = hmac(SHA256.self, "\(seconds)#0f7c1a52-made-up-grant-guid", delivery.body)
        delivery.set("x-hmac-timestamp", seconds)
        delivery.set("x-hmac-signature", code.map { String(format: "%02x", $0) }.joined())
    }
}
