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
    var headers: [String: String]
    var body: String
    var secret: String
    var config: Config
    var expect: Expectation

    struct Config: Decodable, Sendable {
        var agents: [String: String]
        var publicUrl: String?
        var idempotencyKeyRequired: Bool?
    }

    struct Expectation: Decodable, Sendable {
        var events: [Fact]
        var reject: Int?
        var ignored: String?
        var parked: String?
        var duplicate: Bool?
        var state: [String: String]?
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
                receivedAt: try #require(Timestamp(rfc3339: now))
            )
        }
    }

    /// The settings of the source this was sent to, its adapter chosen by name as at boot.
    var settings: SourceSettings {
        get throws {
            SourceSettings(
                name: source,
                kind: try #require(SourceKind(rawValue: source)),
                secrets: [secret],
                publicURL: config.publicUrl,
                requireKey: config.idempotencyKeyRequired ?? false
            )
        }
    }
}

extension ClockCase {
    /// All cases of one source, in file order.
    static func all(of source: SourceKind) throws -> [ClockCase] {
        let url = try #require(Bundle.module.url(forResource: "clock-cases", withExtension: "json"))
        let cases = try JSONDecoder().decode([ClockCase].self, from: Data(contentsOf: url))
        return cases.filter { $0.source == source.rawValue }
    }

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
