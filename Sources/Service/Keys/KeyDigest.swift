import Crypto

/// SHA-256 of a key, as it is stored and looked up.
///
/// The key itself is stored nowhere.
struct KeyDigest: Sendable, Hashable {
    private let words: SIMD4<UInt64>

    /// The digest of a secret.
    init(of secret: String) {
        self.init(digest: SHA256.hash(data: Array(secret.utf8)))
    }

    /// Reads back what ``bytes`` wrote; `nil` unless there are 32 of them.
    init?(_ bytes: [UInt8]) {
        guard bytes.count == 32 else { return nil }
        self.init(digest: bytes)
    }

    private init(digest bytes: some Sequence<UInt8>) {
        var words = SIMD4<UInt64>()
        for (place, byte) in bytes.enumerated() { words[place / 8] = words[place / 8] << 8 | UInt64(byte) }
        self.words = words
    }

    /// The 32 bytes of the column `key_hash`.
    var bytes: [UInt8] {
        (0..<32).map { UInt8(truncatingIfNeeded: words[$0 / 8] >> (8 * UInt64(7 - $0 % 8))) }
    }
}

/// A new secret: 256 random bits from the system's generator, 43 characters of base64url.
func newSecret() -> String {
    var generator = SystemRandomNumberGenerator()
    let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
    // 42 digits of 6 bits and one of 4 make 256.
    var text = (0..<42).map { _ in digits[Int(UInt8.random(in: 0..<64, using: &generator))] }
    text.append(digits[Int(UInt8.random(in: 0..<16, using: &generator)) << 2])
    return String(decoding: text, as: UTF8.self)
}
