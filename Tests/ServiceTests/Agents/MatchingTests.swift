import Domain
import LibPQ
import Service
import Testing

@Suite("Matching")
struct MatchingTests {
    @Test
    func `an event that came before its agent takes effect when the agent appears`() async throws {
        try await withManagement { fixture in
            try await fixture.addEvent(.clockIn, of: "a1", ago: .seconds(600), matched: false)
            #expect(try await fixture.send("GET", "/v1/unmatched").items().count == 1)
            let agent = try await fixture.addAgent("a1").json()
            #expect(agent["shift"] as? String == "in")
            #expect(agent["desired"] as? String == "running")
            #expect(try await fixture.send("GET", "/v1/unmatched").items().isEmpty)
        }
    }

    @Test
    func `old news starts nothing, and stays to be seen`() async throws {
        try await withManagement { fixture in
            try await fixture.addEvent(.clockIn, of: "a1", ago: .seconds(25 * 3600), matched: false)
            try await fixture.addEvent(.breakEnd, of: "a1", ago: .seconds(3600), matched: false)
            let agent = try await fixture.addAgent("a1").json()
            #expect(agent["desired"] as? String == "stopped")
            let left = try await fixture.send("GET", "/v1/unmatched").items()
            #expect(left.map { $0["kind"] as? String } == ["clock_in", "break_end"])
            #expect(left.map { $0["expired"] as? Bool } == [true, false])
            #expect(left.map { $0["reason"] as? String } == ["too_old_to_start", "too_old_to_start"])
            #expect(left.map { $0["agent_id"] as? String } == ["a1", "a1"])
        }
    }

    @Test
    func `a vendor's events match by alias only`() async throws {
        try await withManagement { fixture in
            try await fixture.addEvent(.clockIn, of: "a1", ago: .seconds(60), source: "hr", matched: false)
            try await fixture.addEvent(.clockIn, of: "77", ago: .seconds(60), source: "hr", matched: false)
            #expect(try await fixture.addAgent("a1").json()["shift"] as? String == "out")
            let mapped = try await fixture.send(
                "PUT",
                "/v1/agents/a1",
                json: #"{"aliases":[{"source":"hr","external_id":"77"}]}"#
            )
            #expect(try mapped.json()["shift"] as? String == "in")
            let left = try await fixture.send("GET", "/v1/unmatched?source=hr").items()
            #expect(left.map { $0["external_id"] as? String } == ["a1"])
            #expect(try await fixture.send("GET", "/v1/unmatched?source=api").items().isEmpty)
        }
    }

    @Test
    func `a source that names agents by their id matches without an alias`() async throws {
        try await withManagement(rules: MatchingRules(sources: ["hr": true])) { fixture in
            try await fixture.addEvent(.clockIn, of: "a1", ago: .seconds(60), source: "hr", matched: false)
            #expect(try await fixture.addAgent("a1").json()["shift"] as? String == "in")
        }
    }

    @Test
    func `an agent that comes back does not inherit the past`() async throws {
        try await withManagement { fixture in
            try await fixture.addEvent(.clockIn, of: "a1", ago: .seconds(600), matched: false)
            try await fixture.addAgent("a1")
            try await fixture.addEvent(.clockIn, of: "a1", ago: .seconds(60), matched: true)
            try await fixture.observe("a1", "STOPPED")
            #expect(try await fixture.send("DELETE", "/v1/agents/a1").status == 204)
            #expect(try await fixture.addAgent("a1").json()["shift"] as? String == "out")
            let events = try await fixture.send("GET", "/v1/agents/a1/timeline").json()["events"] as? [[String: Any]]
            #expect(events?.isEmpty == true)
        }
    }

    @Test
    func `an alias that moves takes later events only`() async throws {
        try await withManagement { fixture in
            let alias = #"{"aliases":[{"source":"hr","external_id":"77"}]}"#
            try await fixture.addEvent(.clockIn, of: "77", ago: .seconds(600), source: "hr", matched: false)
            #expect(try await fixture.send("PUT", "/v1/agents/a1", json: alias).json()["shift"] as? String == "in")
            #expect(try await fixture.send("PUT", "/v1/agents/a2", json: alias).json()["shift"] as? String == "out")
            let first = try await fixture.send("GET", "/v1/agents/a1").json()
            #expect(first["shift"] as? String == "in")
            #expect((first["aliases"] as? [[String: String]])?.isEmpty == true)
        }
    }

    @Test
    func `to a key bound to teams there is nothing unmatched`() async throws {
        try await withManagement { fixture in
            try await fixture.addEvent(.clockIn, of: "zz", ago: .seconds(60), matched: false)
            let key = try await fixture.key(.view, teams: ["support"])
            #expect(try await fixture.send("GET", "/v1/unmatched", key: key).items().isEmpty)
        }
    }

    @Test
    func `at the age's edge news may still start, and beyond it may not`() async throws {
        let age = Duration.seconds(3600)
        var policy = ReconcilePolicy()
        policy.unmatchedMaxAge = age
        try await withManagement(policy: policy) { fixture in
            try await fixture.addEvent(.clockIn, of: "a1", ago: age - .seconds(60), matched: false)
            try await fixture.addEvent(.clockIn, of: "a2", ago: age + .seconds(1), matched: false)
            #expect(try await fixture.addAgent("a1").json()["shift"] as? String == "in")
            #expect(try await fixture.addAgent("a2").json()["shift"] as? String == "out")
        }
    }

    @Test
    func `unmatched events come in pages, in order`() async throws {
        try await withManagement { fixture in
            for id in ["b", "a", "c", "a"] {
                try await fixture.addEvent(.clockIn, of: id, ago: .seconds(60), matched: false)
            }
            var ids: [String] = []
            var path = "/v1/unmatched?limit=3"
            while true {
                let page = try await fixture.send("GET", path)
                ids += try page.items().compactMap { $0["external_id"] as? String }
                guard let next = try page.json()["next_cursor"] as? String else { break }
                path = "/v1/unmatched?limit=3&cursor=\(next)"
            }
            #expect(ids == ["a", "a", "b", "c"])
        }
    }
}
