/// How an engine signs its webhooks: an HMAC over the raw body under the account's webhook secret, in hexadecimal.
package struct WebhookSignature: Sendable, Hashable {
    package enum HashFunction: Sendable, Hashable {
        case sha256, sha512
    }

    /// The header field that has it.
    package var header: String
    package var hash: HashFunction

    package init(header: String, hash: HashFunction) {
        self.header = header
        self.hash = hash
    }
}
