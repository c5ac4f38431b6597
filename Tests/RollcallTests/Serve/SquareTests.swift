import Domain
import LibPQ
import Testing

/// Square from its webhook to the agent's shift: every case of `clock-cases.json` through the running service.
///
/// The cases were made at a time of their own, which the service cannot be told; all lie in the past, where it makes
/// no difference. A sender takes any 2xx for success, so 200 and 202 are one.
@Suite("Square", .timeLimit(.minutes(5)))
struct SquareTests {
    private typealias Story = SquareCase.Story

    @Test
    func `each delivery does what its case says`() async throws {
        let stories = try SquareCase.stories()
        #expect(stories.flatMap(\.steps).count == 23)
        try await withSources(of: stories) { service in
            for story in stories {
                for step in story.steps { try await expect(step, of: story, from: service) }
            }
        }
    }

    @Test
    func `a story told twice, or in any order, ends the same`() async throws {
        let stories = try SquareCase.stories().filter { $0.isGenuine && $0.steps.count > 1 }
        #expect(stories.count == 5)
        var tellings: [Story] = []
        for story in stories {
            for (number, order) in permutations(of: story.steps).enumerated() {
                var telling = story.told(as: "order-\(number)")
                telling.steps = order
                tellings.append(telling)
            }
            var twice = story.told(as: "twice")
            twice.steps += twice.steps
            tellings.append(twice)
        }
        try await withSources(of: tellings) { service in
            for telling in tellings {
                for step in telling.steps {
                    let answer = try await telling.post(step, to: service)
                    #expect(answer.status == 200, "\(answer.text)")
                }
                let last = try #require(telling.steps.max { ($0.step ?? 0) < ($1.step ?? 0) })
                try await expectState(last, of: telling, from: service, "\(telling.steps.map(\.name))")
            }
            let verified = try await service.installation.run("verify")
            #expect(verified.code == 0, "\(verified.output)")
        }
    }

    @Test
    func `one flipped bit proves nothing and leaves nothing`() async throws {
        let stories = try SquareCase.stories().filter(\.isGenuine)
        try await withSources(of: stories) { service in
            for story in stories {
                for step in story.steps {
                    let body = Array(step.body.utf8)
                    for place in [0, body.count / 3, body.count / 2, body.count - 1] {
                        var flipped = body
                        flipped[place] ^= 1
                        service.expectProblem(
                            try await story.post(step, body: flipped, to: service),
                            401,
                            "unauthenticated"
                        )
                    }
                }
            }
            try await expectNothing(in: service)
        }
    }

    private func expect(_ step: SquareCase, of story: Story, from service: Served) async throws {
        let pool = service.installation.owner
        let before = try await SquareLedger(of: story.source, in: pool)
        let answer = try await story.post(step, to: service)
        let after = try await SquareLedger(of: story.source, in: pool)
        if let status = step.expect.reject {
            service.expectProblem(answer, status, "unauthenticated")
            #expect(after.rows == before.rows, "\(step.name)")
            return
        }
        #expect((200..<300).contains(answer.status), "\(step.name): \(answer.text)")
        let facts = try step.expect.events.map { fact in
            SquareLedger.Fact(
                agent: story.agent(fact.agent),
                kind: fact.kind,
                second: try #require(Timestamp(rfc3339: fact.occurredAt)).microseconds / 1_000_000,
                record: fact.record,
                supersedes: fact.supersedes ?? false
            )
        }
        #expect(after.news(since: before) == Set(facts), "\(step.name)")
        let items = try answer.decoded(ItemsView.self).results
        if step.expect.duplicate == true || step.expect.ignored == "no-change" {
            #expect(items.allSatisfy { $0.replayed == true } && !items.isEmpty, "\(step.name): \(answer.text)")
        }
        if step.expect.parked == "unknown-agent" {
            #expect(items.allSatisfy { $0.effect == "unmatched" } && !items.isEmpty, "\(step.name): \(answer.text)")
            let waiting = try await service.send("GET", "/v1/unmatched?source=\(story.source)")
            #expect(waiting.text.contains(#""source":"\#(story.source)""#), "\(waiting.text)")
        }
        try await expectState(step, of: story, from: service, step.name)
    }

    private func expectState(
        _ step: SquareCase,
        of story: Story,
        from service: Served,
        _ what: String
    ) async throws {
        for (name, state) in step.expect.state ?? [:] {
            let shift = try #require(["on": "in", "off": "out", "break": "break"][state])
            let view = try await service.agent(story.agent(name))
            #expect(view.shift == shift, "\(what)")
            #expect(view.desired == (shift == "out" ? "stopped" : "running"), "\(what)")
        }
    }

    private func expectNothing(in service: Served) async throws {
        #expect(try await service.installation.ledgerCount() == 0)
        #expect(try await service.installation.count("SELECT count(*) AS count FROM deliveries") == 0)
    }

    /// Runs the service with one source for each story, its agents mapped.
    private func withSources(of stories: [Story], _ body: (Served) async throws -> Void) async throws {
        var settings = ["ROLLCALL_SOURCES": stories.map(\.source).joined(separator: ",")]
        for story in stories { settings.merge(story.settings) { _, new in new } }
        try await withInstallation { installation in
            let service = try await installation.serve(settings)
            for story in stories { try await story.prepare(service) }
            try await body(service)
        }
    }

    private func permutations<Element>(of elements: [Element]) -> [[Element]] {
        guard elements.count > 1 else { return [elements] }
        return elements.indices.flatMap { index in
            var rest = elements
            let first = rest.remove(at: index)
            return permutations(of: rest).map { [first] + $0 }
        }
    }
}
