import Domain
import Foundation
import Testing

@testable import ClockSources

/// One delivery of `clock-cases.json`, with what must follow from it.
struct ClockCase: Decodable, Sendable, CustomTestStringConvertible {
    var source: String
    var name: String
    var group: String?
    var step: Int?
    var now: String
    var url: String
    var headers: [String: String]
    var body: String
    var secret: String
    var config: Config
    var expect: Expectation

    struct Config: Decodable, Sendable {
        var agents: [String: String]
        var publicUrl: String?
        var idempotencyKeyRequired: Bool?
        var auth: String?
        var timeZone: String?
        var toleranceSeconds: Int64?
        var maxAgeSeconds: Int64?
        var keyId: String?
        var mustCover: [String]?
        var tokens: [String: String]?
        var urlToken: String?
        var map: [String: String]?
        var challengeHeader: String?
    }

    struct Expectation: Decodable, Sendable {
        var events: [Fact]
        var reject: Int?
        var ignored: String?
        var parked: String?
        var status: Int?
        var respondBody: [String: String]?
        var duplicate: Bool?
        var fetch: Fetch?
        var warn: String?
        var state: [String: String]?
    }

    struct Fetch: Decodable, Sendable {
        var kind: String
        var id: String
    }

    struct Fact: Decodable, Sendable {
        var agent: String?
        var kind: String
        var occurredAt: String
        var record: String?
        var supersedes: Bool?
    }

    var testDescription: String { name }

    var delivery: Delivery {
        get throws {
            Delivery(
                headers: headers.map { (name: $0.key, value: $0.value) },
                body: Array(body.utf8),
                query: query,
                token: config.urlToken == nil ? nil : lastPathComponent,
                receivedAt: try #require(Timestamp(rfc3339: now))
            )
        }
    }

    /// The query of the address; Factorial's cases write the type, which the body lacks, into the path.
    private var query: String? {
        let parts = url.split(separator: "?", maxSplits: 1)
        if parts.count == 2 { return String(parts[1]) }
        return source == SourceKind.factorial.rawValue ? "type=\(lastPathComponent)" : nil
    }

    private var lastPathComponent: String {
        String(url.prefix { $0 != "?" }.split(separator: "/").last ?? "")
    }

    /// The proof in our settings' words.
    private var auth: SourceAuth? {
        get throws {
            switch config.auth {
            case nil: config.urlToken == nil ? nil : .token
            case "hmac", "partner-hmac": .hmac
            case "custom-header": .header
            case .some(let word): throw UnknownWord(word: word)
            }
        }
    }

    private struct UnknownWord: Error {
        var word: String
    }

    /// The sender's words in our settings' words.
    private var map: [String: PunchKind] {
        get throws {
            let kinds: [String: PunchKind] = ["on": .clockIn, "break": .breakStart, "off": .clockOut]
            return try (config.map ?? [:]).mapValues { try #require(kinds[$0]) }
        }
    }

    /// The settings of the source this was sent to, its adapter chosen by name as at boot.
    var settings: SourceSettings {
        get throws {
            SourceSettings(
                name: source,
                kind: try #require(SourceKind(rawValue: source)),
                secrets: [secret],
                publicURL: config.publicUrl ?? url,
                timeZone: try config.timeZone.map(systemZone),
                tolerance: .seconds(config.toleranceSeconds ?? config.maxAgeSeconds ?? 300),
                map: try map,
                auth: try auth,
                headerName: config.challengeHeader,
                keyID: config.keyId,
                mustCover: config.mustCover ?? [],
                tokens: config.tokens ?? [:],
                requireKey: config.idempotencyKeyRequired ?? false
            )
        }
    }
}

extension ClockCase {
    /// The cases as stories: deliveries of one group in order, every other one alone.
    static func stories(of source: SourceKind) throws -> [[ClockCase]] {
        var stories: [[ClockCase]] = []
        var placeOfGroup: [String: Int] = [:]
        for item in try all(of: source) {
            if let group = item.group, let place = placeOfGroup[group] {
                stories[place].append(item)
            } else {
                if let group = item.group { placeOfGroup[group] = stories.count }
                stories.append([item])
            }
        }
        return stories.map { $0.sorted { ($0.step ?? 0) < ($1.step ?? 0) } }
    }
}
