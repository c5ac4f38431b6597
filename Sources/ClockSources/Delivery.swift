package import Domain

/// One HTTP request to a clock source, exactly as it arrived.
///
/// Nothing here is trusted yet. The body stays raw, because most senders sign its bytes and a body that
/// was decoded and encoded again no longer verifies.
package struct Delivery: Sendable {
    /// Header fields in the order received; names in any case of letters.
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
        headers: [(name: String, value: String)],
        body: [UInt8],
        query: String? = nil,
        token: String? = nil,
        receivedAt: Timestamp
    ) {
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
}
