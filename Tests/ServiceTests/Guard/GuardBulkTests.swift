import Domain
import LibPQ
import Testing

@testable import Service

@Suite("Guard: orders about many", .timeLimit(.minutes(3)))
struct GuardBulkTests {
    private let seven = (1...7).map { "a\($0)" }

    /// What came of an order for each agent: the status, and the change that waits.
    private func order(
        _ action: String,
        _ agents: [String],
        _ fixture: ManagementFixture
    ) async throws -> [(status: Int?, change: Int?)] {
        let names = agents.map { "\"\($0)\"" }.joined(separator: ",")
        let until = (fixture.clock.now() + .seconds(3600)).rfc3339
        let hold = #"{"state":"stopped","until":"\#(until)","reason":"exam"}"#
        let body = #"{"action":"\#(action)","agents":[\#(names)],"hold":\#(hold)}"#
        let answer = try await fixture.send("POST", "/v1/actions", as: .manage, json: body)
        let results = try #require(try answer.json()["results"] as? [[String: Any]])
        return results.map { ($0["status"] as? Int, $0["change"] as? Int) }
    }

    private func held(_ fixture: ManagementFixture) async throws -> Int {
        try await fixture.send("GET", "/v1/agents?limit=100").items().filter { $0["hold"] is [String: Any] }.count
    }

    @Test
    func `what is too much waits as a whole, as one change, and happens as a whole`() async throws {
        try await withManagement { fixture in
            try await fixture.addOnShift(seven)
            let answers = try await order("hold", seven, fixture)
            #expect(answers.map(\.status) == Array(repeating: 202, count: 7))
            let change = try #require(try await fixture.heldChanges().first)
            #expect(answers.allSatisfy { $0.change == Int(change) })
            #expect(try await fixture.heldChanges() == [change])
            #expect(try await held(fixture) == 0)
            let shown = try await fixture.send("GET", "/v1/guard/\(change)").json()
            #expect(shown["affected"] as? Int == 7 && shown["instances"] as? Int == 7 && shown["agents"] as? Int == 7)
            let approved = try await fixture.send("POST", "/v1/guard/\(change)/approve", as: .manage)
            let parts = try #require(try approved.json()["parts"] as? [[String: Any]])
            #expect(parts.map { $0["outcome"] as? String } == Array(repeating: "done", count: 7))
            #expect(try await held(fixture) == 7)
            #expect(try await order("release", seven, fixture).allSatisfy { $0.status == 202 })
            #expect(try await held(fixture) == 7)
        }
    }

    @Test
    func `what is not too much passes at once, and counts for what comes after`() async throws {
        try await withManagement { fixture in
            try await fixture.addOnShift(seven)
            #expect(try await order("hold", Array(seven.prefix(3)), fixture).map(\.status) == [200, 200, 200])
            #expect(try await fixture.count("SELECT count(*) AS count FROM desired_changes") > 0)
            #expect(try await fixture.hold("a4") == 200)
            // Two more would make six.
            let answers = try await order("hold", ["a5", "a6"], fixture)
            #expect(answers.map(\.status) == [202, 202] && answers[0].change == answers[1].change)
        }
    }

    @Test
    func `agents of whom nothing else would be desired neither count nor wait`() async throws {
        try await withManagement { fixture in
            try await fixture.addOnShift(Array(seven.prefix(5)))
            // Whatever their shift says, they are held the same for longer.
            let until = (fixture.clock.now() + .seconds(7200)).rfc3339
            let hold = #"{"state":"stopped","until":"\#(until)","reason":"leave"}"#
            for agent in ["off1", "off2"] {
                try await fixture.addAgent(agent)
                #expect(try await fixture.send("PUT", "/v1/agents/\(agent)/hold", json: hold).status == 200)
            }
            let answers = try await order("hold", Array(seven.prefix(5)) + ["off1", "off2", "nobody"], fixture)
            #expect(answers.map(\.status) == [200, 200, 200, 200, 200, 200, 200, 404])
        }
    }

    @Test
    func `a hold of many who are off shift waits as well, for nobody is asked again when they come`() async throws {
        try await withManagement { fixture in
            for agent in seven { try await fixture.addAgent(agent) }
            let answers = try await order("hold", seven, fixture)
            #expect(answers.map(\.status) == Array(repeating: 202, count: 7))
            let change = try #require(try await fixture.heldChanges().first)
            #expect(answers.allSatisfy { $0.change == Int(change) })
            #expect(try await held(fixture) == 0)
            let explanation = try await fixture.send("GET", "/v1/agents/a1/explain").json()
            let sentences = try #require(explanation["changes"] as? [String])
            #expect(sentences.contains { $0.contains("(desired stopped whatever the shift says)") }, "\(sentences)")
            #expect(try await fixture.send("POST", "/v1/guard/\(change)/approve", as: .manage).status == 200)
            #expect(try await held(fixture) == 7)
        }
    }

    @Test
    func `a hold of a few who are off shift passes, and counts for what comes after`() async throws {
        try await withManagement { fixture in
            for agent in seven { try await fixture.addAgent(agent) }
            let passed = try await order("hold", Array(seven.prefix(5)), fixture)
            #expect(passed.map(\.status) == [200, 200, 200, 200, 200])
            #expect(try await order("hold", Array(seven.suffix(2)), fixture).map(\.status) == [202, 202])
            // The end of a hold counts where it changes something now.
            let ends = try await order("release", Array(seven.prefix(5)), fixture)
            #expect(ends.map(\.status) == [204, 204, 204, 204, 204])
        }
    }

    @Test
    func `agents that the caller does not see count for nothing`() async throws {
        try await withManagement { fixture in
            try await fixture.addOnShift(["r1"], team: "red")
            try await fixture.addOnShift(seven, team: "blue")
            let key = try await fixture.key(.manage, teams: ["red"])
            let names = (["r1"] + seven).map { "\"\($0)\"" }.joined(separator: ",")
            let until = (fixture.clock.now() + .seconds(3600)).rfc3339
            let body =
                #"{"action":"hold","agents":[\#(names)],"hold":{"state":"stopped","until":"\#(until)","reason":"exam"}}"#
            let answer = try await fixture.send("POST", "/v1/actions", key: key, json: body)
            let results = try #require(try answer.json()["results"] as? [[String: Any]])
            #expect(results.map { $0["status"] as? Int } == [200] + Array(repeating: 404, count: 7))
        }
    }
}
