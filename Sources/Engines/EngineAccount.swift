/// One account at an engine: where it is, and how to prove that we may use it.
package struct EngineAccount: Sendable {
    /// Where the token travels; each kind of engine says which of them it takes.
    package enum TokenPlacement: String, Sendable, Hashable, CaseIterable {
        /// In the JSON body of a POST, info included; keeps the token out of access logs.
        case body
        /// In the query.
        case query
        /// `Authorization: Bearer`.
        case bearer
        /// A header of the engine's own.
        case header
    }

    /// Scheme, host, port and perhaps a path; without what the engine's calls begin with, a trailing slash is dropped.
    package var baseURL: String
    /// The account's secret; never printed.
    package var token: String
    package var placement: TokenPlacement
    /// The longest a call may take, connecting and reading included; above 3 s, which a stop may sleep.
    package var timeout: Duration

    package init(
        baseURL: String,
        token: String,
        placement: TokenPlacement = .body,
        timeout: Duration = .seconds(30)
    ) {
        self.baseURL = baseURL
        self.token = token
        self.placement = placement
        self.timeout = timeout
    }
}

extension EngineAccount {
    /// Checks what every engine needs.
    ///
    /// - Parameter addedPath: what each call's path begins with (`/v2`), which the base URL must not end in.
    /// - Returns: the base URL without a slash at its end.
    /// - Throws: what cannot work.
    func checkedBaseURL(addedPath: String) throws(EngineAccountError) -> String {
        var url = Substring(baseURL)
        while url.last == "/" { url.removeLast() }
        guard url.hasPrefix("http://") || url.hasPrefix("https://") else { throw .baseURL }
        guard !url.contains(where: { "?#@".contains($0) }) else { throw .query }
        guard !Self.address(url, endsIn: addedPath) else { throw .addedPath }
        guard url.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else { throw .baseURL }
        guard !token.isEmpty, token.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else { throw .token }
        guard timeout > .zero else { throw .timeout }
        return String(url)
    }

    /// Whether what follows the host of an http or https address ends in a path.
    ///
    /// `http://api` is a host and no path, and so does not end in `/api`.
    package static func address(_ url: some StringProtocol, endsIn path: String) -> Bool {
        let fromHost = url.drop { $0 != "/" }.dropFirst(2)
        return fromHost.drop { $0 != "/" }.hasSuffix(path)
    }
}

extension EngineAccount: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Names the place and the placement; the token is not in it.
    package var description: String { "engine account at \(baseURL), token in \(placement.rawValue)" }
    package var debugDescription: String { description }
    /// Hides the token from `dump` as well.
    package var customMirror: Mirror {
        Mirror(self, children: ["baseURL": baseURL, "placement": placement.rawValue])
    }
}

/// Why an account's settings cannot be used; none of the sentences contains the token.
package enum EngineAccountError: String, Error, Sendable, CustomStringConvertible {
    case baseURL = "the base URL is not an http or https address with a host"
    case addedPath = "the base URL must not end in the path that every call begins with; it is added"
    case query = "the base URL must not have a user, a query or a fragment"
    case token = "the token is empty or holds characters other than visible ASCII"
    case placement = "the engine does not take its token there"
    case timeout = "the time-out is not positive"

    package var description: String { rawValue }
}
