package import Domain

/// One HTTP request to a clock source, exactly as it arrived.
///
/// Nothing here is trusted yet. The body stays raw, because most senders sign its bytes and a body that
/// was decoded and encoded again no longer verifies.
package struct Delivery: Sendable {
    /// The HTTP method as sent, which some signatures cover.
    package var method: String
    /// Header fields in the order received, a repeated one as often as it came; names in any case of letters.
    ///
    /// `Host` need not be among them and is never believed: where a signature covers our address, the address
    /// comes from ``SourceSettings/publicURL``.
    package var headers: [(name: String, value: String)]
    /// The body's bytes; the HTTP layer has already bounded their number.
    package var body: [UInt8]
    /// The URL's query without the question mark, not percent-decoded.
    package var query: String?
    /// What follows `/events/` in the path, for senders that prove themselves by a secret URL.
    package var token: String?
    /// When the request arrived, by our clock.
    package var receivedAt: Timestamp

    package init(
        method: String = "POST",
        headers: [(name: String, value: String)],
        body: [UInt8],
        query: String? = nil,
        token: String? = nil,
        receivedAt: Timestamp
    ) {
        self.method = method
        self.headers = headers
        self.body = body
        self.query = query
        self.token = token
        self.receivedAt = receivedAt
    }

    /// The value of a header that must stand alone.
    ///
    /// - Parameter name: in any case of letters.
    /// - Returns: `nil` when it is absent, and also when it is sent twice: a proxy and we could then each
    ///   believe a different one.
    package func header(_ name: String) -> String? {
        let name = name.lowercased()
        var found: String?
        for field in headers where field.name.lowercased() == name {
            guard found == nil else { return nil }
            found = field.value
        }
        return found
    }

    /// The values of a header that may be repeated, in order, as the one list they stand for (RFC 9110, 5.3).
    ///
    /// - Parameter name: in any case of letters.
    /// - Returns: `nil` when it is absent.
    func joinedHeader(_ name: String) -> String? {
        let name = name.lowercased()
        let values = headers.filter { $0.name.lowercased() == name }.map { trimmedOfBlanks($0.value) }
        return values.isEmpty ? nil : values.joined(separator: ", ")
    }
}

/// The text without the blanks and tabs around it, which are no part of a header's value.
func trimmedOfBlanks(_ text: some StringProtocol) -> String {
    let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" }
    let start = text.drop(while: isBlank)
    return String(start.reversed().drop(while: isBlank).reversed())
}
