/// The proof of senders that repeat a secret with every delivery: it proves the sender, not the body.
struct SharedSecret: Sendable {
    private let secrets: [[UInt8]]
    private let place: Place

    /// Where the secret is.
    private enum Place {
        case authorization
        case header(String)
        case path
    }

    /// Takes the secrets and their place: the end of the path if the settings say so, else the header they name.
    ///
    /// - Parameters:
    ///   - settings: the source's; `auth` may be `header` or `token`.
    ///   - usualHeader: where the secret is when the settings say nothing; `nil` for `Authorization: Bearer`.
    /// - Throws: when there is no secret that is long enough, or its place cannot be one.
    init(_ settings: SourceSettings, usualHeader: String? = nil) throws(SourceSettingsError) {
        try settings.requireAuth(among: [.header, .token])
        secrets = try settings.usableSecrets()
        guard settings.auth != .token else {
            place = .path
            return
        }
        guard let name = settings.headerName ?? usualHeader else {
            place = .authorization
            return
        }
        guard !name.isEmpty, name.utf8.allSatisfy(\.isTokenCharacter) else {
            throw SourceSettingsError(.badHeaderName, source: settings.name)
        }
        place = name.lowercased() == "authorization" ? .authorization : .header(name)
    }

    /// Whether the delivery shows one of the secrets in its place.
    func isShown(by delivery: Delivery) -> Bool {
        switch place {
        case .authorization: accepts(delivery.bearerToken)
        case .header(let name): accepts(delivery.header(name))
        case .path: accepts(delivery.token)
        }
    }

    /// Whether a text found elsewhere is one of the secrets.
    func accepts(_ sent: String?) -> Bool {
        guard let sent else { return false }
        return secrets.contains { secretsMatch(sent.utf8, $0) }
    }
}

extension Delivery {
    /// What follows `Bearer` in the `Authorization` header.
    var bearerToken: String? {
        guard let value = header("authorization"), value.prefix(7).lowercased() == "bearer " else { return nil }
        return String(value.dropFirst(7))
    }
}

extension UInt8 {
    /// Whether the byte may stand in a header's name (RFC 9110, `tchar`).
    fileprivate var isTokenCharacter: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default:
            "!#$%&'*+-.^_`|~".utf8.contains(self)
        }
    }
}
