import Crypto
import Domain
import FoundationEssentials

/// Compares secrets so that the time taken tells nothing about where they differ, nor their lengths.
///
/// Both sides are hashed first; swift-crypto compares digests in constant time.
func secretsMatch(_ sent: some Sequence<UInt8>, _ expected: some Sequence<UInt8>) -> Bool {
    SHA256.hash(data: Data(sent)) == SHA256.hash(data: Data(expected))
}

/// The HMAC-SHA256 of several parts read as one message.
func hmacSHA256(key: [UInt8], parts: [[UInt8]]) -> [UInt8] {
    hmac(SHA256.self, key: key, parts: parts)
}

/// The HMAC-SHA1 of several parts read as one message; only for senders that know nothing newer.
func hmacSHA1(key: [UInt8], parts: [[UInt8]]) -> [UInt8] {
    hmac(Insecure.SHA1.self, key: key, parts: parts)
}

private func hmac<Hash: HashFunction>(_ hash: Hash.Type, key: [UInt8], parts: [[UInt8]]) -> [UInt8] {
    var hmac = HMAC<Hash>(key: SymmetricKey(data: key))
    for part in parts { hmac.update(data: part) }
    return Array(hmac.finalize())
}

extension [UInt8] {
    /// The bytes as padded base64 text.
    ///
    /// Signatures are compared in this form rather than decoded: several texts decode to the same bytes,
    /// and only the one the sender makes is a signature.
    var base64Text: String { Data(self).base64EncodedString() }

    /// The bytes as text, two lower-case hexadecimal digits each.
    var hexText: String {
        let digits = Array<UInt8>("0123456789abcdef".utf8)
        return String(decoding: flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    /// Reads base64 text with or without padding.
    ///
    /// - Returns: `nil` for other text, and for text that an encoder would have written otherwise, since a
    ///   changed signature must not count as the same one.
    init?(base64Text text: some StringProtocol) {
        let padding = text.hasSuffix("=") ? 0 : (4 - text.utf8.count % 4) % 4
        let padded = text + String(repeating: "=", count: padding)
        guard let data = Data(base64Encoded: String(padded)), data.base64EncodedString() == padded else { return nil }
        self = Array(data)
    }
}

/// Whether text is a code in lower-case hexadecimal digits or in padded base64, for senders who do not say which.
func isHexOrBase64(_ sent: String, of code: [UInt8]) -> Bool {
    secretsMatch(sent.utf8, code.hexText.utf8) || secretsMatch(sent.utf8, code.base64Text.utf8)
}

extension Timestamp {
    /// Whether a signed sending time is as near to its arrival as the tolerance allows, either way.
    func isFresh(receivedAt: Timestamp, tolerance: Duration) -> Bool {
        self >= receivedAt - tolerance && self <= receivedAt + tolerance
    }
}

/// A fixed-length text that stands for longer bytes: their SHA-256 in hexadecimal digits.
func hashText(_ bytes: [UInt8]) -> String {
    Array(SHA256.hash(data: bytes)).hexText
}
