package import Domain

/// How a sender proves itself, where a kind knows several ways (`ROLLCALL_SOURCE_<NAME>_AUTH`).
package enum SourceAuth: String, Sendable, Hashable, CaseIterable {
    /// A keyed hash over the delivery.
    case hmac
    /// The secret itself in a header.
    case header
    /// The secret itself at the end of the path.
    case token
    /// Nothing; only for senders that can do nothing better.
    case none
}

/// One configured clock source: everything its adapter needs to know.
package struct SourceSettings: Sendable {
    /// The operator's name for it; part of the route.
    package var name: String
    package var kind: SourceKind
    /// All of them are valid, so that a secret can be rotated; each at least ``SourceKind/secretLengthLimit`` characters.
    package var secrets: [String]
    /// The address as the sender knows it, covered by some signatures and never taken from a request.
    package var publicURL: String?
    /// The rules of the zone that times without an offset are in.
    package var timeZone: ZoneRules?
    /// How far a signed sending time may lie from ours, either way.
    package var tolerance: Duration
    /// The sender's words, and what they mean here; empty for the kind's usual ones.
    package var map: [String: PunchKind]
    /// `nil` for the kind's usual proof.
    package var auth: SourceAuth?
    /// The header that carries the secret, where it is not the kind's usual one.
    package var headerName: String?
    /// The only signing key id that is accepted; a comma list while one key replaces another.
    package var keyID: String?
    /// Signature components without which a signature counts for nothing.
    package var mustCover: [String]
    /// Secrets that belong to one event each, by event; `old|new` while one replaces another.
    package var tokens: [String: String]
    /// Whether a delivery without an idempotency key or id is refused.
    package var requireKey: Bool
    /// Whether an external id equal to an agent id matches without an alias.
    package var matchAgentID: Bool

    /// The fewest characters a secret may have, of most kinds.
    package static let secretLengthLimit = 16

    /// Settings with the documented defaults; `matchAgentID` is `nil` for the kind's own.
    package init(
        name: String,
        kind: SourceKind,
        secrets: [String],
        publicURL: String? = nil,
        timeZone: ZoneRules? = nil,
        tolerance: Duration = .seconds(300),
        map: [String: PunchKind] = [:],
        auth: SourceAuth? = nil,
        headerName: String? = nil,
        keyID: String? = nil,
        mustCover: [String] = [],
        tokens: [String: String] = [:],
        requireKey: Bool = false,
        matchAgentID: Bool? = nil
    ) {
        self.name = name
        self.kind = kind
        self.secrets = secrets
        self.publicURL = publicURL
        self.timeZone = timeZone
        self.tolerance = tolerance
        self.map = map
        self.auth = auth
        self.headerName = headerName
        self.keyID = keyID
        self.mustCover = mustCover
        self.tokens = tokens
        self.requireKey = requireKey
        self.matchAgentID = matchAgentID ?? kind.matchesAgentID
    }
}

extension SourceSettings {
    /// The secrets as bytes, once they are known to be long enough.
    func usableSecrets() throws(SourceSettingsError) -> [[UInt8]] {
        guard !secrets.isEmpty else { throw SourceSettingsError(.noSecret, source: name) }
        guard secrets.allSatisfy({ $0.count >= kind.secretLengthLimit }) else {
            throw SourceSettingsError(.shortSecret, source: name, lengthLimit: kind.secretLengthLimit)
        }
        return secrets.map { Array($0.utf8) }
    }

    /// The public address, once it is known to be one.
    func usablePublicURL() throws(SourceSettingsError) -> String {
        guard let publicURL, !publicURL.isEmpty else { throw SourceSettingsError(.noPublicURL, source: name) }
        let host = publicURL.split(separator: "://", maxSplits: 1).dropFirst().first ?? ""
        guard publicURL.hasPrefix("https://") || publicURL.hasPrefix("http://"),
            let first = host.first, first != "/", publicURL.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else { throw SourceSettingsError(.badPublicURL, source: name) }
        return publicURL
    }

    /// The zone, where this kind cannot read its sender's times without one.
    func usableTimeZone() throws(SourceSettingsError) -> ZoneRules {
        guard let timeZone else { throw SourceSettingsError(.noTimeZone, source: name) }
        return timeZone
    }

    /// Refuses a proof that this kind of source does not know.
    func requireAuth(among known: [SourceAuth]) throws(SourceSettingsError) {
        guard let auth, !known.contains(auth) else { return }
        throw SourceSettingsError(.unsupportedAuth, source: name)
    }
}

/// Settings that cannot make a clock source; a reason not to boot.
package struct SourceSettingsError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What is wrong.
    package enum Kind: String, Sendable, Hashable, CaseIterable {
        case noSecret, shortSecret, noPublicURL, badPublicURL, unsupportedAuth, badHeaderName, badSecret,
            shortToken, noTimeZone
    }

    package var kind: Kind
    /// The source's name.
    package var source: String
    /// The fewest characters that its kind takes for a secret.
    package var lengthLimit: Int

    package init(_ kind: Kind, source: String, lengthLimit: Int = SourceSettings.secretLengthLimit) {
        self.kind = kind
        self.source = source
        self.lengthLimit = lengthLimit
    }

    /// Safe to log and to show: names the variable to change, never its value.
    package var description: String {
        let variable =
            "ROLLCALL_SOURCE_\(source.uppercased().split(separator: "-", omittingEmptySubsequences: false).joined(separator: "_"))"
        return switch kind {
        case .noSecret: "\(variable)_SECRET is not set"
        case .shortSecret: "\(variable)_SECRET: each secret needs at least \(lengthLimit) characters"
        case .noPublicURL:
            "neither \(variable)_PUBLIC_URL nor ROLLCALL_PUBLIC_URL is set, and this sender signs its address"
        case .badPublicURL: "\(variable)_PUBLIC_URL is not an http or https address"
        case .unsupportedAuth: "\(variable)_AUTH names a proof that this kind of source does not have"
        case .badHeaderName: "\(variable)_HEADER is not the name of a header"
        case .badSecret: "\(variable)_SECRET is not in the form that secrets or keys of this kind have"
        case .shortToken:
            "\(variable)_TOKENS: each token needs at least \(lengthLimit) characters"
        case .noTimeZone: "\(variable)_TIME_ZONE is not set, and this sender's times do not say which zone they are in"
        }
    }
}
