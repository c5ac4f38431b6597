import Domain
import LibPQ
import Testing

@testable import Service

/// What a list of changes says of each without its parts: what is asked for, and for whom.
@Suite("Guard: what is asked for", .timeLimit(.minutes(3)))
struct GuardWishTests {
    private let seven = (1...7).map { "a\($0)" }

    /// Orders the same for many; gives until when a hold would last.
    private func order(_ action: String, _ agents: [String], _ fixture: ManagementFixture) async throws -> String {
        let names = agents.map { "\"\($0)\"" }.joined(separator: ",")
        let until = (fixture.clock.now() + .seconds(3600)).rfc3339
        let hold = #"{"state":"stopped","until":"\#(until)","reason":"the office moves"}"#
        let body = #"{"action":"\#(action)","agents":[\#(names)],"hold":\#(hold)}"#
        let answer = try await fixture.send("POST", "/v1/actions", as: .manage, json: body)
        #expect(try (answer.json()["results"] as? [[String: Any]])?.allSatisfy { $0["change"] is Int } == true)
        return until
    }

    /// The newest change of the list.
    private func newest(_ fixture: ManagementFixture, key: String? = nil) async throws -> [String: Any] {
        let answer = try await fixture.send("GET", "/v1/guard", key: key ?? fixture.keys[.view])
        return try #require(try answer.items().first)
    }

    private func asks(_ change: [String: Any]) throws -> [[String: Any]] {
        try #require(change["asks"] as? [[String: Any]])
    }

    /// What most agents are asked for in the newest change.
    private func firstAsk(_ fixture: ManagementFixture) async throws -> [String: Any] {
        let change = try await newest(fixture)
        return try #require(try asks(change).first)
    }

    private func first(_ change: [String: Any]) -> [String]? {
        (change["first_agents"] as? [[String: Any]])?.compactMap { $0["agent_id"] as? String }
    }

    @Test
    func `a hold of many is one thing: what, until when, why, by whom, of how many and who they are`() async throws {
        try await withManagement { fixture in
            try await fixture.addOnShift(seven)
            let until = try await order("hold", seven, fixture)
            let change = try await newest(fixture)
            let ask = try #require(try asks(change).first)
            #expect(try asks(change).count == 1)
            #expect(ask["kind"] as? String == "hold" && ask["agents"] as? Int == 7)
            let hold = try #require(ask["hold"] as? [String: Any])
            #expect(hold["state"] as? String == "stopped" && hold["reason"] as? String == "the office moves")
            #expect(hold["author"] as? String == "manage")
            let shown = try #require((hold["until"] as? String).flatMap(Timestamp.init(rfc3339:)))
            #expect(shown == Timestamp(rfc3339: until))
            #expect(change["concerned"] as? Int == 7 && first(change) == ["a1", "a2", "a3"])
            let people = try #require(change["first_agents"] as? [[String: Any]])
            #expect(people.first?["name"] as? String == "Agent a1")
        }
    }

    @Test
    func `it is of those who wait; of what is decided only the change itself says it, and not the list`() async throws {
        try await withManagement { fixture in
            try await fixture.addOnShift(seven)
            _ = try await order("hold", seven, fixture)
            let number = try #require(try await fixture.heldChanges().first)
            let some = try await fixture.send("POST", "/v1/guard/\(number)/refuse", json: #"{"agents":["a1","a2"]}"#)
            #expect(some.status == 200)
            var change = try await newest(fixture)
            #expect(change["concerned"] as? Int == 5 && first(change) == ["a3", "a4", "a5"])
            #expect(try asks(change).map { $0["agents"] as? Int } == [5])
            #expect(try await fixture.send("POST", "/v1/guard/\(number)/approve").status == 200)
            change = try await newest(fixture)
            #expect(change["change"] as? Int == Int(number) && change["state"] as? String != "held")
            #expect(try asks(change).isEmpty && first(change) == [])
            let whole = try await fixture.send("GET", "/v1/guard/\(number)").json()
            #expect(try asks(whole).map { $0["agents"] as? Int } == [7] && first(whole) == ["a1", "a2", "a3"])
        }
    }

    @Test
    func `the end of holds, a removal, and sessions of an import are told apart`() async throws {
        try await withManagement { fixture in
            try await fixture.addOnShift(seven)
            _ = try await order("hold", seven, fixture)
            let hold = try #require(try await fixture.heldChanges().first)
            #expect(try await fixture.send("POST", "/v1/guard/\(hold)/approve", as: .manage).status == 200)
            _ = try await order("release", seven, fixture)
            var ask = try await firstAsk(fixture)
            #expect(ask["kind"] as? String == "release" && ask["agents"] as? Int == 7)
            #expect(!(ask["hold"] is [String: Any]))
            let release = try #require(try await fixture.heldChanges().first)
            #expect(try await fixture.send("POST", "/v1/guard/\(release)/approve", as: .manage).status == 200)
            // As many as need nobody's approval, and one more.
            for agent in seven.prefix(6) {
                #expect(try await fixture.send("DELETE", "/v1/agents/\(agent)?stop=true").status == 202)
            }
            ask = try await firstAsk(fixture)
            #expect(ask["kind"] as? String == "removal" && ask["agents"] as? Int == 1)
            #expect(ask["erases"] as? Bool == false)
            // Everybody gets a session of their own: one thing nevertheless.
            let others = (1...6).map { "b\($0)" }
            try await fixture.addOnShift(others)
            _ = try await fixture.importFile(fixture.fileOfSessions(others, prefix: "j"))
            ask = try await firstAsk(fixture)
            #expect(ask["kind"] as? String == "instance" && ask["agents"] as? Int == 6)
            #expect(!(ask["instance"] is String) && ask["unassigns"] as? Bool == false)
        }
    }

    @Test
    func `of the only one who gets another session it is said which`() async throws {
        try await withManagement { fixture in
            try await fixture.addOnShift(["a1"])
            _ = try await fixture.importFile(fixture.fileOfSessions(["a1"], prefix: "j"))
            let ask = try await firstAsk(fixture)
            #expect(ask["instance"] as? String == "j-a1" && ask["unassigns"] as? Bool == false)
        }
    }

    @Test
    func `a key that is bound to teams is told of its own agents alone`() async throws {
        try await withManagement { fixture in
            try await fixture.addOnShift(["r1", "r2"], team: "red")
            try await fixture.addOnShift(seven, team: "blue")
            _ = try await order("hold", seven + ["r1", "r2"], fixture)
            let key = try await fixture.key(.view, teams: ["red"])
            let change = try await newest(fixture, key: key)
            #expect(change["concerned"] as? Int == 2 && first(change) == ["r1", "r2"])
            #expect(try asks(change).map { $0["agents"] as? Int } == [2])
        }
    }

    @Test
    func `an agent of whom two things wait is one agent, and of a list it is said that sessions stop`() async throws {
        try await withManagement { fixture in
            try await fixture.addOnShift(seven)
            _ = try await order("hold", seven, fixture)
            let change = try #require(try await fixture.heldChanges().first)
            _ = try await fixture.pool.query(
                """
                INSERT INTO guard_items (change, agent, kind, slot, what, desired_before, desired_after, reason)
                SELECT change, agent, 'events', 'events', '{}', 0, 1, reason
                FROM guard_items
                WHERE change = \(change)
                """
            )
            let both = try await newest(fixture)
            #expect(try asks(both).map { $0["kind"] as? String } == ["hold", "events"])
            #expect(both["concerned"] as? Int == 7 && first(both) == ["a1", "a2", "a3"])
            // Two whom a list brought with sessions that run.
            _ = try await fixture.importFile(fixture.fileOfSessions(["n1", "n2"], prefix: "i"))
            for agent in ["n1", "n2"] {
                try await fixture.observe(agent, "WORKING", .needsAttention, reason: .listedOnly)
            }
            let listing = try await newest(fixture)
            #expect(listing["kind"] as? String == "listing" && first(listing)?.sorted() == ["n1", "n2"])
            #expect(try asks(listing).map { $0["kind"] as? String } == ["stop"])
            #expect(listing["concerned"] as? Int == 2)
        }
    }
}
