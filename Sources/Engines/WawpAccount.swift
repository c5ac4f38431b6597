/// One account at Wawp: where it is, and how to prove that we may use it.
package struct WawpAccount: Sendable {
    /// Where the token travels; a setting, since Wawp's pages contradict each other.
    package enum TokenPlacement: String, Sendable, CaseIterable {
        /// In the JSON body of a POST, info included; keeps the token out of access logs.
        ///
        /// Source: Wawp, "Stop Session", parameter table.
        case body
        /// In the query: info as GET, commands as POST without a body.
        ///
        /// Source: Wawp, "Stop Session", request line.
        case query
        /// `Authorization: Bearer`, the instance id in `X-Instance-ID`.
        ///
        /// Source: vendor's Python SDK.
        case bearer
        /// Header `access-token`; the instance id in the query of info and in the body of commands.
        ///
        /// Source: vendor's MCP server.
        case header
    }

    /// Scheme, host, port and perhaps a path; without `/v2`, a trailing slash is dropped.
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

extension WawpAccount: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Names the place and the placement; the token is not in it.
    package var description: String { "Wawp account at \(baseURL), token in \(placement.rawValue)" }
    package var debugDescription: String { description }
    /// Hides the token from `dump` as well.
    package var customMirror: Mirror {
        Mirror(self, children: ["baseURL": baseURL, "placement": placement.rawValue])
    }
}

/// Why an account's settings cannot be used; none of the sentences contains the token.
package enum WawpAccountError: String, Error, Sendable, CustomStringConvertible {
    case baseURL = "the base URL is not an http or https address with a host"
    case version = "the base URL must not end in /v2; it is added to every call"
    case query = "the base URL must not have a user, a query or a fragment"
    case token = "the token is empty or holds characters other than visible ASCII"
    case timeout = "the time-out is not positive"

    package var description: String { rawValue }
}
