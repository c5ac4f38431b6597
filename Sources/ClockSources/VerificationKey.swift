import Crypto
import CryptoExtras
import FoundationEssentials

/// A key that checks signatures of one algorithm (RFC 9421, section 3.3), told by the key and not by the signer.
enum VerificationKey: Sendable {
    /// The readings of one text that may or may not be base64.
    case shared([[UInt8]])
    case ed25519(Curve25519.Signing.PublicKey)
    case p256(P256.Signing.PublicKey)
    case rsaPSS(_RSA.Signing.PublicKey)

    /// Reads a public key (SubjectPublicKeyInfo in PEM, or the base64 between PEM's lines), or else a shared secret.
    ///
    /// - Returns: `nil` for PEM that holds no public key of a kind we know, or an RSA key below 2,048 bits.
    init?(_ secret: String) {
        if secret.contains("-----") {
            guard let der = Self.derBytes(ofPEM: secret), let key = Self.publicKey(der: der) else { return nil }
            self = key
        } else if let bytes = [UInt8](base64Text: secret) {
            self = Self.publicKey(der: bytes) ?? .shared([bytes, Array(secret.utf8)])
        } else {
            self = .shared([Array(secret.utf8)])
        }
    }

    /// The algorithm's name in the registry.
    var algorithm: String {
        switch self {
        case .shared: "hmac-sha256"
        case .ed25519: "ed25519"
        case .p256: "ecdsa-p256-sha256"
        case .rsaPSS: "rsa-pss-sha512"
        }
    }

    /// Whether the signature was made over the message by this key's owner.
    func isValid(_ signature: [UInt8], over message: [UInt8]) -> Bool {
        switch self {
        case .shared(let keys):
            return keys.contains { secretsMatch(signature, hmacSHA256(key: $0, parts: [message])) }
        case .ed25519(let key):
            return key.isValidSignature(signature, for: message)
        case .p256(let key):
            // Bytes of another length are no signature, which is all the error says.
            guard let pair = try? P256.Signing.ECDSASignature(rawRepresentation: signature) else { return false }
            return key.isValidSignature(pair, for: message)
        case .rsaPSS(let key):
            let wrapped = _RSA.Signing.RSASignature(rawRepresentation: signature)
            return key.isValidSignature(wrapped, for: SHA512.hash(data: message), padding: .PSS)
        }
    }

    /// The bytes between the lines of a PEM public key, which may also have been put on one line.
    private static func derBytes(ofPEM text: String) -> [UInt8]? {
        let parts = text.split(separator: "-----", omittingEmptySubsequences: true).map { part in
            part.filter { !$0.isWhitespace }
        }
        let body = parts.drop { $0 != "BEGINPUBLICKEY" }.dropFirst()
        guard let base64 = body.first, body.dropFirst().first == "ENDPUBLICKEY" else { return nil }
        return [UInt8](base64Text: base64)
    }

    /// Tries the kinds we know; the key's own algorithm identifier lets at most one take it.
    private static func publicKey(der: [UInt8]) -> VerificationKey? {
        // An error says that it is no key of that kind, and the next one is tried.
        if der.count == ed25519Prefix.count + 32, der.starts(with: ed25519Prefix) {
            return (try? Curve25519.Signing.PublicKey(rawRepresentation: der.dropFirst(ed25519Prefix.count)))
                .map(VerificationKey.ed25519)
        }
        if let key = try? P256.Signing.PublicKey(derRepresentation: der) { return .p256(key) }
        return (try? _RSA.Signing.PublicKey(derRepresentation: der)).map(VerificationKey.rsaPSS)
    }

    /// What stands before the 32 bytes of every Ed25519 key in SubjectPublicKeyInfo.
    ///
    /// Source: RFC 8410, section 10.1.
    private static let ed25519Prefix: [UInt8] = [
        0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00,
    ]
}
