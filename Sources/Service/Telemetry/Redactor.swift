/// Takes out of a text what no log may hold: secrets, tokens, telephone numbers and chat ids.
///
/// Works on bytes in one pass, so that a text costs about what copying it costs. What it cannot know, such
/// as the text of a message, must never be given to a logger in the first place.
package struct Redactor: Sendable {
    /// What stands in the place of everything taken out.
    package static let mark = "[redacted]"

    /// Shorter secrets are not looked for: they would blot out ordinary words.
    package static let secretLengthLimit = 4

    /// The fewest digits in a row that count as a telephone number.
    static let digitLimit = 7

    private let secrets: [[UInt8]]
    /// Which bytes a secret begins with.
    private let firstBytes: Set<UInt8>

    /// A redactor that knows the secrets of the settings.
    ///
    /// They are looked for as they are and as a URL carries them (percent-encoded).
    package init(secrets: [String] = []) {
        let known = secrets.filter { $0.utf8.count >= Self.secretLengthLimit }
        let forms = Set(known.map { Array($0.utf8) } + known.map { Self.percentEncoded($0) })
        // The longest first, in case one secret begins with another.
        self.secrets = forms.sorted { $0.count > $1.count }
        firstBytes = Set(self.secrets.compactMap(\.first))
    }

    /// The text without what must not be seen.
    ///
    /// - Parameters:
    ///   - text: anything; parts that look harmless stay as they are.
    ///   - keepsDigits: for our own numbers and identifiers, in which digits are no telephone.
    /// - Returns: the text with ``mark`` for every part taken out.
    package func redact(_ text: String, keepsDigits: Bool = false) -> String {
        let bytes = Array(text.utf8)
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count)
        var scan = RedactionScan(bytes: bytes)
        var didRedact = false
        while scan.position < bytes.count {
            if let match = secretMatch(in: scan) ?? scan.match(keepsDigits: keepsDigits) {
                out.append(contentsOf: bytes[scan.position..<match.lowerBound])
                out.append(contentsOf: Self.mark.utf8)
                scan.position = match.upperBound
                didRedact = true
            } else {
                out.append(bytes[scan.position])
                scan.position += 1
            }
        }
        return didRedact ? String(decoding: out, as: UTF8.self) : text
    }

    /// Whether a metadata key or parameter by this name carries a secret whatever its value looks like.
    package static func isSecretName(_ name: String) -> Bool {
        RedactionScan.isSecretName(Array(name.utf8)[...])
    }

    private func secretMatch(in scan: RedactionScan) -> Range<Int>? {
        guard firstBytes.contains(scan.bytes[scan.position]) else { return nil }
        let rest = scan.bytes[scan.position...]
        guard let secret = secrets.first(where: { rest.starts(with: $0) }) else { return nil }
        return scan.position..<scan.position + secret.count
    }

    private static func percentEncoded(_ text: String) -> [UInt8] {
        let hex = Array("0123456789ABCDEF".utf8)
        return text.utf8.flatMap { byte -> [UInt8] in
            byte.isURLUnreserved ? [byte] : [UInt8(ascii: "%"), hex[Int(byte >> 4)], hex[Int(byte & 15)]]
        }
    }
}

extension UInt8 {
    var isASCIIDigit: Bool { self >= UInt8(ascii: "0") && self <= UInt8(ascii: "9") }

    var isASCIILetter: Bool {
        let lower = self | 0x20
        return lower >= UInt8(ascii: "a") && lower <= UInt8(ascii: "z")
    }

    /// The characters that a URL carries as they are (RFC 3986).
    var isURLUnreserved: Bool {
        isASCIIDigit || isASCIILetter || "-._~".utf8.contains(self)
    }
}
