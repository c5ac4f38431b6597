import ClockSources
import Domain
import Foundation
import Service
import Testing

/// Deliveries of one group of `clock-cases.json` in order, or one alone, sent to a source and about agents of their own.
struct SourceStory: Sendable {
    /// The source's name.
    var source: String
    var steps: [ClockCase]

    /// Every story there is, each in a source whose name ends with the variant.
    static func all(_ variant: String = "") throws -> [SourceStory] {
        let stories = try SourceKind.allCases.flatMap(ClockCase.stories)
        return stories.enumerated().map { number, steps in
            SourceStory(source: "s\(number)\(variant)", steps: steps)
        }
    }

    /// Our agent for the one that the case names.
    func agent(_ name: String) -> String { "\(source).\(name)" }

    var agents: [String] {
        get throws { try #require(steps.first).config.agents.values.map(agent).sorted() }
    }

    /// The source as composition makes it.
    var configured: ConfiguredSource {
        get throws {
            let settings = try #require(steps.first).settings
            return ConfiguredSource(
                name: source,
                reader: try makeClockSource(settings),
                matchesAgentID: false,
                refusesConflicts: settings.kind.refusesConflicts
            )
        }
    }

    /// Maps the case's agents, each known to the source by the case's external id.
    func prepare(_ service: RunningService) async throws {
        for (externalID, name) in try #require(steps.first).config.agents {
            let answer = try await service.send(
                "PUT",
                "/v1/agents/\(agent(name))",
                json: #"{"aliases":[{"source":"\#(source)","external_id":"\#(externalID)"}]}"#
            )
            try #require(answer.status == 201, "\(answer.text)")
        }
    }

    /// Sends a delivery as its sender did, at the time at which it did.
    func post(_ step: ClockCase, to service: RunningService, at clock: DatabaseClock) async throws -> WireResponse {
        let delivery = try step.delivery
        clock.put(to: delivery.receivedAt)
        let token = delivery.token.map { "/\($0)" } ?? ""
        let query = delivery.query.map { "?\($0)" } ?? ""
        return try await service.send(
            "POST",
            "/v1/sources/\(source)/events\(token)\(query)",
            key: nil,
            headers: step.headers,
            body: step.body
        )
    }
}

extension RunningService {
    /// Sends a body that need not be JSON, with these headers alone.
    @discardableResult
    func send(
        _ method: String,
        _ path: String,
        key: String?,
        headers: [String: String],
        body: String?
    ) async throws -> WireResponse {
        var headers = headers
        if let key { headers["Authorization"] = "Bearer \(key)" }
        return try await exchange.send(method, path, headers: headers, body: body)
    }

    /// What each agent's shift is, and since when.
    func shifts(of agents: [String]) async throws -> [String: ShiftView] {
        var shifts: [String: ShiftView] = [:]
        for agent in agents {
            let view = try await self.agent(agent)
            shifts[agent] = ShiftView(shift: view.shift, since: view.shiftSince, desired: view.desired)
        }
        return shifts
    }
}

/// Where an agent stands.
struct ShiftView: Hashable, Sendable {
    var shift: String
    var since: String?
    var desired: String
}
