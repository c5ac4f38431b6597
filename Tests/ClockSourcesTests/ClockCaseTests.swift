import Domain
import Foundation
import Testing

@testable import ClockSources

/// What `clock-cases.json` demands of every adapter that is built.
@Suite("clock cases")
struct ClockCaseTests {
    @Test
    func `every built kind has cases`() throws {
        for kind in SourceKind.allCases {
            #expect(try !ClockCase.all(of: kind).isEmpty, "\(kind)")
        }
        #expect(try ClockCase.all(of: .square).count == 23)
    }

    @Test(arguments: try SourceKind.allCases.flatMap(ClockCase.stories))
    func `each delivery adds what the case says, in its group's order`(story: [ClockCase]) throws {
        let source = try makeClockSource(try #require(story.first).settings)
        var ledger = ReferenceLedger(agents: try #require(story.first).config.agents)
        for step in story {
            try expect(step, from: source, in: &ledger)
        }
    }

    /// What only somebody can find odd who knows what came before.
    private static let warningsOfTheLedger: Set = ["already-on", "no-open-shift", "late"]

    private func expect(_ step: ClockCase, from source: any ClockSource, in ledger: inout ReferenceLedger) throws {
        let delivery = try step.delivery
        let reading: DeliveryReading
        do throws(SourceRefusal) {
            reading = try source.read(delivery)
        } catch {
            #expect(error.status == step.expect.reject, "\(step.name)")
            return
        }
        // 422 is for the same id with other content, which only a ledger can know.
        guard step.expect.reject == nil || step.expect.reject == 422 else {
            Issue.record("\(step.name) was accepted")
            return
        }
        let effect = ledger.take(reading, receivedAt: delivery.receivedAt)
        #expect(effect.facts == (try step.expect.events.map { try ReferenceLedger.Fact($0) }), "\(step.name)")
        if let reason = step.expect.ignored ?? step.expect.parked {
            #expect([reason, "duplicate"].contains(effect.reason), "\(step.name)")
        }
        if step.expect.duplicate == true { #expect(effect.reason == "duplicate", "\(step.name)") }
        #expect(reading.fetch?.kind == step.expect.fetch?.kind, "\(step.name)")
        #expect(reading.fetch?.id == step.expect.fetch?.id, "\(step.name)")
        if let warning = step.expect.warn, !Self.warningsOfTheLedger.contains(warning) {
            #expect(reading.warnings.contains(warning), "\(step.name)")
        }
        // Only a status that the vendor names stands in an answer; elsewhere any 2xx will do.
        if let answer = reading.answer { #expect(answer.status == step.expect.status, "\(step.name)") }
        let answered = try reading.answer?.body.map {
            try JSONDecoder().decode([String: String].self, from: Data($0.utf8))
        }
        #expect(answered == step.expect.respondBody, "\(step.name)")
        for (agent, state) in step.expect.state ?? [:] {
            #expect(ledger.state(of: agent, at: delivery.receivedAt) == state, "\(step.name)")
        }
    }
}

extension ReferenceLedger.Fact {
    init(_ expected: ClockCase.Fact) throws {
        self.init(
            agent: expected.agent,
            kind: try #require(PunchKind(rawValue: expected.kind)),
            second: try #require(Timestamp(rfc3339: expected.occurredAt)).microseconds / 1_000_000,
            record: expected.record,
            supersedes: expected.supersedes ?? false
        )
    }
}
