import Crypto
import Domain
import Foundation

@testable import ClockSources

/// A delivery signed as Square signs, with the adapter that trusts the key.
struct SquareDelivery {
    static let key = "a-key-that-is-made-up-for-tests"
    static let url = "https://clock.example.test/v1/sources/square/events"
    static let receivedAt = Timestamp(seconds: 1_772_500_000)
    static let signatureHeader = "x-square-hmacsha256-signature"

    var body: String
    var key = Self.key
    var url = Self.url

    init(body: String) {
        self.body = body
    }

    /// A delivery of one timecard; `card` holds its members besides id and agent, as JSON.
    init(type: String = "labor.timecard.updated", family: String = "timecard", card: String, agent: String = #""TM1""#)
    {
        body = #"""
            {"type":"\#(type)","event_id":"event-1","created_at":"2026-03-02T08:00:01Z","data":{"id":"TC1","object":
            {"\#(family)":{"id":"TC1","team_member_id":\#(agent),\#(card)}}}}
            """#
    }

    /// base64(HMAC-SHA256(key, URL + body)), written out apart from the code under test.
    static func signature(key: String, url: String, body: [UInt8]) -> String {
        let code = HMAC<SHA256>.authenticationCode(
            for: Array(url.utf8) + body,
            using: SymmetricKey(data: Array(key.utf8))
        )
        return Data(code).base64EncodedString()
    }

    var delivery: Delivery {
        let bytes = Array(body.utf8)
        let signature = Self.signature(key: key, url: url, body: bytes)
        return Delivery(
            headers: [(name: Self.signatureHeader, value: signature)],
            body: bytes,
            receivedAt: Self.receivedAt
        )
    }

    /// What an adapter that holds these secrets reads.
    func read(secrets: [String] = [Self.key]) throws -> DeliveryReading {
        let settings = SourceSettings(name: "square", kind: .square, secrets: secrets, publicURL: Self.url)
        return try SquareSource(settings).read(delivery)
    }
}
