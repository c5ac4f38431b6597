import Domain
import FoundationEssentials

/// Reads what an engine offers for pairing, and takes nothing that is not what it should be: it goes to a person's screen.
enum PairingReply {
    /// The longest link, in bytes.
    private static let linkLimit = 500
    private static let picturePrefix = "data:image/png;base64,"

    /// Wawp: `{"qr":"data:image/png;base64,…"}`.
    ///
    /// Source: Wawp, "QR Image".
    static func wawpPicture(_ body: [UInt8]) -> PairingAnswer? {
        struct Reply: Decodable { var qr: String }
        return decode(Reply.self, body).flatMap { picture($0.qr) }
    }

    /// WAHA: `{"mimetype":"image/png","data":"…"}`, in Base64.
    ///
    /// Source: WAHA's docs, "Sessions", QR.
    static func wahaPicture(_ body: [UInt8]) -> PairingAnswer? {
        struct Reply: Decodable { var mimetype, data: String }
        guard let reply = decode(Reply.self, body), reply.mimetype == "image/png" else { return nil }
        return picture(picturePrefix + reply.data)
    }

    /// `{"code":"ABCD-1234"}`; with a `message` it is the name of an error.
    ///
    /// Source: Wawp, "Request Code"; WAHA's docs, "Sessions", pairing code.
    static func code(_ body: [UInt8]) -> PairingAnswer? {
        struct Reply: Decodable { var code: String, message: String? }
        guard let reply = decode(Reply.self, body), reply.message == nil, (6...12).contains(reply.code.utf8.count),
            reply.code.utf8.allSatisfy({ isLetterOrDigit($0) || $0 == UInt8(ascii: "-") })
        else { return nil }
        return .offer(PairingOffer(value: reply.code))
    }

    /// `{"link":"https://…","expires_at":…}`, or a `null` link where there is none.
    ///
    /// Source: Wawp, "Temp Link"; how its end is called is written nowhere, so one that cannot be read is none.
    static func link(_ body: [UInt8]) -> PairingAnswer? {
        guard let reply = decode(LinkReply.self, body) else { return nil }
        guard let link = reply.link else { return reply.hasCode ? nil : PairingAnswer.none }
        guard link.hasPrefix("https://"), link.utf8.count <= linkLimit,
            link.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "<") })
        else { return nil }
        return .offer(PairingOffer(value: link, expiresAt: reply.expiresAt))
    }

    /// Beside the link, which is a text or nothing, members of another type than expected spoil nothing.
    private struct LinkReply: Decodable {
        var link: String?
        var expiresAt: Timestamp?
        /// Whether it names an error, in whatever type.
        var hasCode: Bool

        enum CodingKeys: String, CodingKey {
            case link, code
            case expiresAt = "expires_at"
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            link = try container.decodeIfPresent(String.self, forKey: .link)
            hasCode = container.contains(.code) && (try? container.decodeNil(forKey: .code)) != true
            if let text = try? container.decode(String.self, forKey: .expiresAt) {
                expiresAt = Timestamp(rfc3339: text)
            } else if let number = try? container.decode(Double.self, forKey: .expiresAt) {
                expiresAt = PairingReply.end(number)
            }
        }
    }

    /// An end as Unix milliseconds, or as Unix seconds, which are too small for those.
    ///
    /// `nil` before September 2001, since that is no instant but 0 or a span, and after the year 9999.
    private static func end(_ number: Double) -> Timestamp? {
        guard let whole = Int64(exactly: number.rounded()) else { return nil }
        return switch whole {
        case 1_000_000_000..<100_000_000_000: Timestamp(unixSeconds: whole)
        case 1_000_000_000_000...: Timestamp(unixMilliseconds: whole)
        default: nil
        }
    }

    private static func picture(_ address: String) -> PairingAnswer? {
        let data = address.dropFirst(picturePrefix.count)
        guard address.hasPrefix(picturePrefix), !data.isEmpty,
            data.utf8.allSatisfy({ isLetterOrDigit($0) || $0 == 0x2B || $0 == 0x2F || $0 == 0x3D })
        else { return nil }
        return .offer(PairingOffer(value: address))
    }

    private static func decode<Reply: Decodable>(_ type: Reply.Type, _ body: [UInt8]) -> Reply? {
        // Which error it was changes nothing, and what is in it may be told to nobody.
        try? JSONDecoder().decode(type, from: Data(body))
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"):
            true
        default: false
        }
    }
}
