/// Makes an engine's words safe to store and to show.
///
/// What goes: the account's token (plain, JSON-escaped, percent-encoded), `data:` addresses and long
/// unbroken runs (QR codes, links, keys), addresses of people (`…@c.us`), and telephone numbers, also
/// when written with spaces, dots, dashes or brackets. It removes too much rather than too little.
struct Redaction: Sendable {
    /// The longest excerpt, in characters.
    static let excerptLimit = 200
    private static let mark: [Unicode.Scalar] = Array("[removed]".unicodeScalars)
    /// A run this long without a break is taken for a secret.
    private static let secretRun = 32
    /// This many digits make a telephone number.
    private static let phoneDigits = 7

    private let secrets: [[Unicode.Scalar]]

    /// - Parameter token: the account's secret; empty for none.
    init(token: String) {
        let escaped = jsonEscaped(token)
        let forms = [
            token, escaped, escaped.split(separator: "/", omittingEmptySubsequences: false).joined(separator: "\\/"),
            percentEncoded(token),
        ]
        secrets = Set(forms.filter { !$0.isEmpty }).sorted { $0.utf8.count > $1.utf8.count }
            .map { Array($0.unicodeScalars) }
    }

    /// The first ``excerptLimit`` characters of the text after everything secret is out of it.
    ///
    /// Cutting comes last, so no half of a secret survives at the end.
    func excerpt(_ bytes: some Collection<UInt8>) -> String {
        excerpt(String(decoding: bytes, as: UTF8.self))
    }

    /// The first ``excerptLimit`` characters of the text after everything secret is out of it.
    func excerpt(_ text: String) -> String {
        var scalars = Array(text.unicodeScalars)
        for secret in secrets { scalars = Self.replacing(secret, in: scalars) }
        scalars = Self.withoutRuns(scalars)
        scalars = Self.withoutPhoneNumbers(scalars)
        var out = String.UnicodeScalarView()
        out.append(contentsOf: Self.withoutControls(scalars))
        return String(out.prefix(Self.excerptLimit))
    }

    private static func replacing(_ secret: [Unicode.Scalar], in text: [Unicode.Scalar]) -> [Unicode.Scalar] {
        guard text.count >= secret.count else { return text }
        var out: [Unicode.Scalar] = []
        var index = 0
        while index < text.count {
            if text[index] == secret[0], text[index...].starts(with: secret) {
                out.append(contentsOf: mark)
                index += secret.count
            } else {
                out.append(text[index])
                index += 1
            }
        }
        return out
    }

    /// Replaces runs of visible characters that are addresses of people, `data:` addresses or too long.
    private static func withoutRuns(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
        var out: [Unicode.Scalar] = []
        var index = 0
        while index < text.count {
            let end = text[index...].firstIndex { !isRunCharacter($0) } ?? text.count
            if end == index {
                out.append(text[index])
                index += 1
            } else {
                let run = text[index..<end]
                let isSecret = run.count >= secretRun || run.contains("@") || run.starts(with: "data:".unicodeScalars)
                out.append(contentsOf: isSecret ? mark[...] : run)
                index = end
            }
        }
        return out
    }

    private static func isRunCharacter(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "A"..."Z", "a"..."z", "0"..."9", "+", "/", "=", "_", "-", "@", ":", ";", ",", ".", "%", "\\", "&", "?":
            true
        default: false
        }
    }

    private static func withoutPhoneNumbers(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
        var out: [Unicode.Scalar] = []
        var index = 0
        while index < text.count {
            guard isDigit(text[index]) else {
                out.append(text[index])
                index += 1
                continue
            }
            var end = index
            var digits = 0
            var next = index
            while next < text.count, isDigit(text[next]) || (isPhoneGap(text[next]) && next - end < 2) {
                if isDigit(text[next]) {
                    digits += 1
                    end = next + 1
                }
                next += 1
            }
            out.append(contentsOf: digits >= phoneDigits ? mark[...] : text[index..<end])
            index = end
        }
        return out
    }

    private static func isDigit(_ scalar: Unicode.Scalar) -> Bool {
        scalar.isASCII ? ("0"..."9").contains(scalar) : scalar.properties.numericType == .decimal
    }

    private static func isPhoneGap(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case " ", "-", ".", "(", ")", "/", "\u{A0}": true
        default: false
        }
    }

    /// Turns control characters and runs of white space into single spaces.
    private static func withoutControls(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
        var out: [Unicode.Scalar] = []
        for scalar in text {
            let category = scalar.properties.generalCategory
            if scalar.properties.isWhitespace || category == .control || category == .format {
                if out.last != " ", !out.isEmpty { out.append(" ") }
            } else {
                out.append(scalar)
            }
        }
        return out
    }
}
