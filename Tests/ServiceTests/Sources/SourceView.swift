import Foundation
import Testing

/// A source as the API shows it.
struct SourceView: Decodable, Sendable {
    struct Silence: Decodable, Sendable {
        var limitSeconds: Int?
        var since: String?
    }

    struct Unfetched: Decodable, Sendable {
        var count: Int
        var since: String?
        var reason: String?
    }

    var name: String
    var kind: String?
    var state: String
    var lastSeenAt: String?
    var lastRefusal: SourceItemView?
    var today: [String: Int]
    var week: [String: Int]
    var silence: Silence
    var unfetched: Unfetched
    var unmatched: Int
}

/// A line of a source's list: a delivery or a refusal.
struct SourceItemView: Decodable, Sendable {
    struct Event: Decodable, Sendable {
        var kind: String
        var externalId: String?
        var agentId: String?
        var effect: String?
        var decides: Bool
    }

    var outcome: String
    var receivedAt: String
    var reason: String?
    var detail: String?
    var userAgent: String?
    var deliveryId: String?
    var headers: [String: String]?
    var body: String?
    var bodyEncoding: String?
    var bodyLossy: Bool?
    var bodyTruncated: Bool?
    var size: Int?
    var reading: String?
    var readingText: String?
    var events: [Event]?
    var eventCount: Int?
}

struct SourceItemsView: Decodable, Sendable {
    var items: [SourceItemView]
    var nextCursor: String?
}

extension RunningService {
    func source(_ name: String = "vendor") async throws -> SourceView {
        try await send("GET", "/v1/sources/\(name)").decoded()
    }

    func deliveries(of name: String = "vendor", _ query: String = "") async throws -> SourceItemsView {
        let answer = try await send("GET", "/v1/sources/\(name)/deliveries\(query)")
        #expect(answer.status == 200, "\(answer.text)")
        return try answer.decoded()
    }
}
