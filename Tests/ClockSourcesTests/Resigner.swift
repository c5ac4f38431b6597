import Crypto
import CryptoExtras
import Domain
import Foundation

@testable import ClockSources

/// How a sender proves itself, written out apart from the code under test.
struct Resigner: Sendable {
    /// Tells apart the ways of one kind.
    var name: String
    /// What the source is configured with: made up, and not the recorded cases' own.
    var secret: String
    /// Headers that hold the proof or are covered by it.
    var provingHeaders: [String]
    /// Whether the proof covers the body.
    var provesBody = true
    /// Whether the proof is the end of the path.
    var isInPath = false
    /// Whether the time of sending is signed and has to be near.
    var provesTime = false
    /// Puts the proof on a delivery as sent at the given time.
    var sign: @Sendable (inout Delivery, SourceSettings, Timestamp) throws -> Void
}

extension Resigner {
    /// The ways in which a case's sender can prove itself.
    static func all(for item: ClockCase, of kind: SourceKind) -> [Resigner] {
        switch kind {
        case .square: [square]
        case .genericBearer, .cloudEvents: [bearer]
        case .standardWebhooks:
            [standardWebhooks(prefix: "webhook"), standardWebhooks(prefix: "svix"), ed25519Webhooks]
        case .rfc9421: [sharedMessageSecret, ed25519Message, p256Message, rsaMessage]
        case .toggl: [toggl]
        case .clockify: [clockify]
        case .twilio: [twilio]
        default: [ofRecords(for: item, of: kind)]
        }
    }

    private static let square = Resigner(
        name: "HMAC over URL and body",
        secret: "another-made-up-signing-key",
        provingHeaders: ["x-square-hmacsha256-signature"]
    ) { delivery, settings, _ in
        let signed = Array((settings.publicURL ?? "").utf8) + delivery.body
        delivery.set("x-square-hmacsha256-signature", hmac(SHA256.self, "another-made-up-signing-key", signed).base64)
    }

    private static let bearer = Resigner(
        name: "bearer token",
        secret: "another-made-up-bearer-token",
        provingHeaders: ["authorization"],
        provesBody: false
    ) { delivery, _, _ in
        delivery.set("authorization", "Bearer another-made-up-bearer-token")
    }

    private static let toggl = Resigner(
        name: "HMAC over body",
        secret: "another-made-up-toggl-secret",
        provingHeaders: ["x-webhook-signature-256"]
    ) { delivery, _, _ in
        let code = hmac(SHA256.self, "another-made-up-toggl-secret", delivery.body)
        delivery.set("x-webhook-signature-256", "sha256=" + code.map { String(format: "%02x", $0) }.joined())
    }

    private static let clockify = Resigner(
        name: "token of the webhook",
        secret: "anothermadeupclockifytoken",
        provingHeaders: ["clockify-signature"],
        provesBody: false
    ) { delivery, _, _ in
        delivery.set("clockify-signature", "anothermadeupclockifytoken")
    }

    private static let twilio = Resigner(
        name: "HMAC over URL and parameters",
        secret: "anothermadeuptwiliotoken",
        provingHeaders: ["x-twilio-signature"]
    ) { delivery, settings, _ in
        let pairs = String(decoding: delivery.body, as: UTF8.self).split(separator: "&").map { pair in
            pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map {
                $0.replacing("+", with: " ").removingPercentEncoding ?? ""
            }
        }
        let fields = pairs.sorted { $0[0] < $1[0] }.map { $0.joined() }.joined()
        let signed = Array(((settings.publicURL ?? "") + fields).utf8)
        delivery.set("x-twilio-signature", hmac(Insecure.SHA1.self, "anothermadeuptwiliotoken", signed).base64)
    }
}

extension Resigner {
    private static func standardWebhooks(prefix: String) -> Resigner {
        let key = Array(repeating: UInt8(7), count: 32)
        return webhooks(name: "\(prefix), v1", prefix: prefix, secret: "whsec_" + key.base64) { message in
            "v1," + Array(HMAC<SHA256>.authenticationCode(for: message, using: SymmetricKey(data: key))).base64
        }
    }

    private static var ed25519Webhooks: Resigner {
        let key = Curve25519.Signing.PrivateKey()
        let secret = "whpk_" + Array(key.publicKey.rawRepresentation).base64
        return webhooks(name: "webhook, v1a", prefix: "webhook", secret: secret) { message in
            "v1a," + Array(try key.signature(for: message)).base64
        }
    }

    private static func webhooks(
        name: String,
        prefix: String,
        secret: String,
        signature: @escaping @Sendable ([UInt8]) throws -> String
    ) -> Resigner {
        Resigner(
            name: name,
            secret: secret,
            provingHeaders: ["\(prefix)-id", "\(prefix)-timestamp", "\(prefix)-signature"],
            provesTime: true
        ) { delivery, _, sentAt in
            let id = delivery.header("webhook-id") ?? delivery.header("svix-id") ?? ""
            let seconds = String(sentAt.microseconds / 1_000_000)
            delivery.headers.removeAll { $0.name.hasPrefix("webhook-") || $0.name.hasPrefix("svix-") }
            delivery.set("\(prefix)-id", id)
            delivery.set("\(prefix)-timestamp", seconds)
            delivery.set("\(prefix)-signature", try signature(Array("\(id).\(seconds).".utf8) + delivery.body))
        }
    }
}

extension Resigner {
    private static var sharedMessageSecret: Resigner {
        let key = Array(repeating: UInt8(9), count: 32)
        return message(algorithm: "hmac-sha256", secret: key.base64) { base in
            Array(HMAC<SHA256>.authenticationCode(for: base, using: SymmetricKey(data: key)))
        }
    }

    private static var ed25519Message: Resigner {
        let key = Curve25519.Signing.PrivateKey()
        // RFC 8410, section 10.1: this stands before the key's bytes in SubjectPublicKeyInfo.
        let start: [UInt8] = [0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00]
        let der = (start + Array(key.publicKey.rawRepresentation)).base64
        let pem = "-----BEGIN PUBLIC KEY-----\n\(der)\n-----END PUBLIC KEY-----\n"
        return message(algorithm: "ed25519", secret: pem) { Array(try key.signature(for: $0)) }
    }

    private static var p256Message: Resigner {
        let key = P256.Signing.PrivateKey()
        return message(algorithm: "ecdsa-p256-sha256", secret: key.publicKey.pemRepresentation) { base in
            Array(try key.signature(for: base).rawRepresentation)
        }
    }

    private static let rsaKey = Result { try _RSA.Signing.PrivateKey(keySize: .bits2048) }

    private static var rsaMessage: Resigner {
        let pem = (try? rsaKey.get())?.publicKey.pemRepresentation ?? ""
        return message(algorithm: "rsa-pss-sha512", secret: pem) { base in
            Array(try rsaKey.get().signature(for: SHA512.hash(data: base), padding: .PSS).rawRepresentation)
        }
    }

    /// Signs the parts that the recorded cases' senders sign.
    private static func message(
        algorithm: String,
        secret: String,
        signature: @escaping @Sendable ([UInt8]) throws -> [UInt8]
    ) -> Resigner {
        Resigner(
            name: algorithm,
            secret: secret,
            provingHeaders: ["content-type", "content-digest", "signature-input", "signature"],
            provesTime: true
        ) { delivery, settings, sentAt in
            let digest = "sha-256=:\(Array(SHA256.hash(data: delivery.body)).base64):"
            let type = delivery.header("content-type") ?? ""
            delivery.set("content-type", type)
            delivery.set("content-digest", digest)
            let url = URL(string: settings.publicURL ?? "")
            let seconds = sentAt.microseconds / 1_000_000
            let parameters =
                #"("@method" "@authority" "@path" "content-type" "content-digest");created=\#(seconds)"#
                + #";keyid="\#(settings.keyID ?? "")";alg="\#(algorithm)""#
            let base = """
                "@method": \(delivery.method)
                "@authority": \(url?.host() ?? "")
                "@path": \(url?.path() ?? "")
                "content-type": \(type)
                "content-digest": \(digest)
                "@signature-params": \(parameters)
                """
            delivery.set("signature-input", "sig1=\(parameters)")
            delivery.set("signature", "sig1=:\(try signature(Array(base.utf8)).base64):")
        }
    }
}

extension Delivery {
    /// Puts a header in place of all of its name, in any case of letters.
    mutating func set(_ name: String, _ value: String) {
        headers.removeAll { $0.name.lowercased() == name.lowercased() }
        headers.append((name, value))
    }
}

extension [UInt8] {
    var base64: String { Data(self).base64EncodedString() }
}

/// The keyed hash that a sender computes with a secret that is text.
func hmac<Hash: HashFunction>(_ hash: Hash.Type, _ secret: String, _ message: [UInt8]) -> [UInt8] {
    Array(HMAC<Hash>.authenticationCode(for: message, using: SymmetricKey(data: Data(secret.utf8))))
}
