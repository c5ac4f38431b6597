import ClockSources
import Domain
import LibPQ
import Service
import Testing

/// Erasure of people as the senders that there are name them, with each sender's own deliveries.
@Suite("Erasure by sender", .timeLimit(.minutes(4)))
struct SenderErasureTests {
    /// Long enough that it can mean nobody else in the whole database.
    private static let wordLength = 6

    @Test(arguments: SourceKind.allCases)
    func `no delivery of a sender names an erased person any more`(kind: SourceKind) async throws {
        let stories = try SourceStory.all("e").filter { try $0.steps[0].settings.kind == kind }
        try await withStories(stories) { service, clock in
            for story in stories {
                for step in story.steps { _ = try await story.post(step, to: service, at: clock) }
            }
            let words = Set(stories.flatMap { $0.steps[0].config.agents.keys })
                .filter { $0.count >= Self.wordLength }.sorted()
            let ids = try stories.flatMap { try $0.agents }
            let footprint = Footprint(owner: service.owner)
            let sum: PQStatement = "SELECT sum(sequence * kind)::bigint AS count FROM clock_events"
            let numbers = try await service.count(sum)
            let before = try await footprint.places(of: words + ids)
            // Personio's cases map nobody.
            #expect(before.isEmpty == ids.isEmpty)
            for agent in ids {
                let answer = try await service.send("DELETE", "/v1/agents/\(agent)?erase=true")
                #expect(answer.status == 204, "\(answer.text)")
            }
            let left = try await footprint.places(of: words + ids)
            #expect(left.isEmpty, "\(left)")
            #expect(try await service.count(sum) == numbers)
        }
    }
}
