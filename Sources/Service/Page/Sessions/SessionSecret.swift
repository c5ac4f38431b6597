import Crypto

/// What the cookie holds: 256 random bits.
///
/// The database knows only its digest.
struct SessionSecret: Sendable, Hashable {
    let text: String

    /// A new one.
    init() {
        text = newSecret()
    }

    /// One that a browser sent; `nil` for what cannot be one.
    init?(_ text: String) {
        guard text.utf8.count == 43, text.utf8.allSatisfy(Self.isDigit) else { return nil }
        self.text = text
    }

    var digest: KeyDigest { KeyDigest(of: text) }

    /// Whether a byte is a digit as ``newSecret()`` writes them.
    private static func isDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    /// The value for `X-Rollcall-CSRF`.
    ///
    /// It follows from the secret, so that a page which was reloaded can learn it again, and does not lead back to it.
    var csrf: String {
        let code = HMAC<SHA256>.authenticationCode(
            for: Array("rollcall page".utf8),
            using: SymmetricKey(data: Array(text.utf8))
        )
        return Hexadecimal.text(code)
    }
}
