import Crypto
import FoundationEssentials

/// Compares secrets so that the time taken tells nothing about where they differ, nor their lengths.
///
/// Both sides are hashed first; swift-crypto compares digests in constant time.
func secretsMatch(_ sent: some Sequence<UInt8>, _ expected: some Sequence<UInt8>) -> Bool {
    SHA256.hash(data: Data(sent)) == SHA256.hash(data: Data(expected))
}

/// The HMAC-SHA256 of several parts read as one message.
func hmacSHA256(key: [UInt8], parts: [[UInt8]]) -> [UInt8] {
    var hmac = HMAC<SHA256>(key: SymmetricKey(data: key))
    for part in parts { hmac.update(data: part) }
    return Array(hmac.finalize())
}

extension [UInt8] {
    /// The bytes as padded base64 text.
    ///
    /// Signatures are compared in this form rather than decoded: several texts decode to the same bytes,
    /// and only the one the sender makes is a signature.
    var base64Text: String { Data(self).base64EncodedString() }
}
