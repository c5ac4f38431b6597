import Foundation
import Testing

/// One delivery of `clock-cases.json`, which is made for the adapters' tests, as a sender would post it.
struct SquareCase: Decodable, Sendable {
    var source: String
    var name: String
    var group: String?
    var step: Int?
    var headers: [String: String]
    var body: String
    var secret: String
    var config: Config
    var expect: Expectation

    struct Config: Decodable, Sendable {
        /// The sender's ids and the agents they mean.
        var agents: [String: String]
        var publicUrl: String
    }

    struct Expectation: Decodable, Sendable {
        /// What is news.
        var events: [Fact]
        var reject: Int?
        var ignored: String?
        var parked: String?
        var duplicate: Bool?
        var state: [String: String]?
    }

    struct Fact: Decodable, Sendable {
        var agent: String
        var kind: String
        var occurredAt: String
        var record: String
        var supersedes: Bool?
    }

    /// Deliveries of one group in order, every other one alone; each in a source of its own.
    struct Story: Sendable, CustomTestStringConvertible {
        /// The source's name.
        var source: String
        var steps: [SquareCase]
        var testDescription: String { steps[0].group ?? steps[0].name }

        var isGenuine: Bool { steps.allSatisfy { $0.expect.reject == nil } }

        /// The same story in a source of its own.
        func told(as variant: String) -> Story {
            Story(source: "\(source)-\(variant)", steps: steps)
        }

        /// Our agent for the one that the case names: each story has agents of its own.
        func agent(_ name: String) -> String { "\(source).\(name)" }
    }

    private static func all() throws -> [SquareCase] {
        let path = try Built.path("rollcall_ClockSourcesTests.resources/clock-cases.json")
        struct Entry: Decodable {
            var square: SquareCase?

            init(from decoder: any Decoder) throws {
                struct Head: Decodable { var source: String }
                if try Head(from: decoder).source == "square" { square = try SquareCase(from: decoder) }
            }
        }
        let entries = try JSONDecoder().decode([Entry].self, from: Data(contentsOf: URL(fileURLWithPath: path)))
        return entries.compactMap(\.square)
    }

    /// All stories, in file order.
    static func stories() throws -> [Story] {
        var stories: [Story] = []
        var placeOfGroup: [String: Int] = [:]
        for item in try all() {
            if let group = item.group, let place = placeOfGroup[group] {
                stories[place].steps.append(item)
                stories[place].steps.sort { ($0.step ?? 0) < ($1.step ?? 0) }
            } else {
                if let group = item.group { placeOfGroup[group] = stories.count }
                stories.append(Story(source: "sq-\(stories.count)", steps: [item]))
            }
        }
        return stories
    }
}

extension SquareCase.Story {
    /// The settings of the story's source, as the case has them.
    var settings: [String: String] {
        let prefix = "ROLLCALL_SOURCE_\(source.uppercased().split(separator: "-").joined(separator: "_"))"
        return [
            "\(prefix)_KIND": steps[0].source,
            "\(prefix)_SECRET": steps[0].secret,
            "\(prefix)_PUBLIC_URL": steps[0].config.publicUrl,
        ]
    }

    /// Maps the case's agents, each known to the source by the case's external id.
    func prepare(_ service: Served) async throws {
        for (externalID, name) in steps[0].config.agents {
            try await service.put(
                agent(name),
                hasInstance: false,
                aliases: #"[{"source":"\#(source)","external_id":"\#(externalID)"}]"#
            )
        }
    }

    func post(_ step: SquareCase, body: [UInt8]? = nil, to service: Served) async throws -> Answer {
        try await service.http.send(
            "POST",
            "/v1/sources/\(source)/events",
            headers: step.headers,
            body: body ?? Array(step.body.utf8)
        )
    }
}
