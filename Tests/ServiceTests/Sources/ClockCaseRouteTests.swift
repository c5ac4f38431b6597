import ClockSources
import Domain
import Foundation
import LibPQ
import Service
import Testing

/// Every case of `clock-cases.json` through the running service: the HTTP route, the ledger in PostgreSQL, the agent's
/// shift.
///
/// The service's clock is put to the time of each delivery, as the signatures of many count for minutes only.
@Suite("Clock cases over HTTP", .timeLimit(.minutes(5)))
struct ClockCaseRouteTests {
    @Test
    func `each delivery does what its case says`() async throws {
        let stories = try SourceStory.all()
        #expect(stories.flatMap(\.steps).count == 156)
        try await withStories(stories) { service, clock in
            for story in stories {
                for step in story.steps { try await expect(step, of: story, from: service, at: clock) }
            }
            clock.put(to: try Self.end)
            try await expectVerified(service, clock)
        }
    }

    @Test
    func `all deliveries fed twice, and shuffled, end in the same state`() async throws {
        let plain = try SourceStory.all("-plain").filter(Self.isFreeOfOrder)
        let twice = try SourceStory.all("-twice").filter(Self.isFreeOfOrder)
        let shuffles = try (1...3).map { try SourceStory.all("-shuffle\($0)").filter(Self.isFreeOfOrder) }
        let all = plain + twice + shuffles.flatMap { $0 }
        try await withStories(all) { service, clock in
            for story in plain {
                for step in story.steps { try await feed(step, of: story, to: service, at: clock) }
            }
            for story in twice {
                for step in story.steps + story.steps { try await feed(step, of: story, to: service, at: clock) }
            }
            for (number, stories) in shuffles.enumerated() {
                var deliveries = stories.flatMap { story in story.steps.map { (story, $0) } }
                deliveries += deliveries
                var draw = SeededGenerator(seed: UInt64(number + 1))
                for (story, step) in deliveries.shuffled(using: &draw) {
                    try await feed(step, of: story, to: service, at: clock)
                }
            }
            let end = try Self.end
            clock.put(to: end)
            try await expectVerified(service, clock)
            let tellings = [twice] + shuffles
            for (place, story) in plain.enumerated() {
                let facts = try await StandingFacts(of: story.source, in: service.owner, now: end)
                let shifts = try await service.shifts(of: story.agents)
                for telling in tellings {
                    let other = telling[place]
                    let otherFacts = try await StandingFacts(of: other.source, in: service.owner, now: end)
                    #expect(
                        otherFacts.facts.map(\.told).sorted() == facts.facts.map(\.told).sorted(),
                        "\(other.source)"
                    )
                    // What is said again after something else is news where nothing numbers it.
                    if !facts.hasUnnumbered {
                        #expect(otherFacts.rowCount == facts.rowCount, "\(other.source): \(story.steps.map(\.name))")
                    }
                    let otherShifts = try await service.shifts(of: other.agents)
                    #expect(
                        otherShifts.sorted { $0.key < $1.key }.map(\.value)
                            == shifts.sorted { $0.key < $1.key }.map(\.value),
                        "\(other.source): \(story.steps.map(\.name))"
                    )
                }
            }
        }
    }

    /// After everything that the cases say.
    private static var end: Timestamp {
        get throws { try #require(Timestamp(rfc3339: "2026-11-01T00:00:00Z")) }
    }

    /// Whether a story ends the same whatever comes first; of two events with one id the first counts.
    private static func isFreeOfOrder(_ story: SourceStory) -> Bool {
        !story.steps.contains { $0.expect.reject == 422 }
    }

    private func feed(
        _ step: ClockCase,
        of story: SourceStory,
        to service: RunningService,
        at clock: DatabaseClock
    ) async throws {
        let answer = try await story.post(step, to: service, at: clock)
        if let status = step.expect.reject {
            #expect(answer.status == status, "\(step.name): \(answer.text)")
        } else {
            #expect((200..<300).contains(answer.status), "\(step.name): \(answer.text)")
        }
    }

    /// What only somebody can find odd who knows what came before.
    private static let warningsOfTheLedger: Set = ["already-on", "no-open-shift", "late"]

    private func expect(
        _ step: ClockCase,
        of story: SourceStory,
        from service: RunningService,
        at clock: DatabaseClock
    ) async throws {
        let now = try step.delivery.receivedAt
        let before = try await StandingFacts(of: story.source, in: service.owner, now: now)
        let answer = try await story.post(step, to: service, at: clock)
        let after = try await StandingFacts(of: story.source, in: service.owner, now: now)
        let news = try step.expect.events.map { try StandingFacts.News($0, of: story) }
        #expect(after.news(since: before) == Set(news), "\(step.name): \(answer.text)")
        try await expectState(step, of: story, from: service)
        if let status = step.expect.reject {
            #expect(answer.status == status, "\(step.name): \(answer.text)")
            #expect(after.rowCount == before.rowCount, "\(step.name)")
            return
        }
        #expect((200..<300).contains(answer.status), "\(step.name): \(answer.text)")
        if step.source == SourceKind.twilio.rawValue { #expect(answer.status == 204, "\(step.name)") }
        if let expected = step.expect.respondBody {
            #expect(try JSONDecoder().decode([String: String].self, from: Data(answer.body)) == expected)
        }
        if step.expect.duplicate == true {
            let items = try answer.decoded(as: ItemsView.self).results
            #expect(items.allSatisfy { $0.replayed == true } && !items.isEmpty, "\(step.name): \(answer.text)")
            #expect(after.rowCount == before.rowCount, "\(step.name)")
        }
        if let warning = step.expect.warn, !Self.warningsOfTheLedger.contains(warning) {
            #expect(answer.text.contains(#""\#(warning)""#), "\(step.name): \(answer.text)")
        }
        try await expectWaiting(step, of: story, from: service, answer)
    }

    /// What is kept for later: events of unknown agents, events of the future, records to fetch.
    private func expectWaiting(
        _ step: ClockCase,
        of story: SourceStory,
        from service: RunningService,
        _ answer: WireResponse
    ) async throws {
        if let effect = ["unknown-agent": "unmatched", "future": "parked"][step.expect.parked ?? ""] {
            let items = try answer.decoded(as: ItemsView.self).results
            #expect(items.allSatisfy { $0.effect == effect } && !items.isEmpty, "\(step.name): \(answer.text)")
        }
        if step.expect.parked == "unknown-agent" {
            let waiting = try await service.send("GET", "/v1/unmatched?source=\(story.source)")
            #expect(waiting.text.contains(#""source":"\#(story.source)""#), "\(step.name): \(waiting.text)")
        }
        if let fetch = step.expect.fetch {
            let asked = try await service.count(
                """
                SELECT count(*) AS count
                FROM record_fetches f
                JOIN clock_sources s ON s.source_id = f.source_id
                WHERE s.name = \(story.source) AND f.kind = \(fetch.kind) AND f.record = \(fetch.id)
                """
            )
            #expect(asked == 1, "\(step.name)")
        }
        let kept = try await service.count(
            """
            SELECT count(*) AS count
            FROM deliveries d
            JOIN clock_sources s ON s.source_id = d.source_id
            WHERE s.name = \(story.source) AND d.body = \(Array(step.body.utf8))
            """
        )
        #expect(kept >= 1, "\(step.name): its body is not kept")
    }

    private func expectState(_ step: ClockCase, of story: SourceStory, from service: RunningService) async throws {
        for (name, state) in step.expect.state ?? [:] {
            let shift = try #require(["on": "in", "off": "out", "break": "break"][state])
            let view = try await service.agent(story.agent(name))
            #expect(view.shift == shift, "\(step.name)")
            #expect(view.desired == (shift == "out" ? "stopped" : "running"), "\(step.name)")
        }
    }
}

extension StandingFacts.News {
    fileprivate init(_ fact: ClockCase.Fact, of story: SourceStory) throws {
        self.init(
            agent: fact.agent.map(story.agent),
            kind: fact.kind,
            second: try #require(Timestamp(rfc3339: fact.occurredAt)).microseconds / 1_000_000,
            record: fact.record,
            supersedes: fact.supersedes ?? false
        )
    }
}

extension StandingFacts.Fact {
    /// The fact without the agent, whose name differs between tellings, and who is not told by a withdrawal that comes
    /// first.
    fileprivate var told: String { "\(record ?? "-") \(ordinal) \(kind) \(second)" }
}
