import Domain
import LibPQ
import Testing

@testable import Service

/// A decision is about what somebody was shown, and about no more: what waits may grow while they read.
@Suite("Guard: what was shown", .timeLimit(.minutes(3)))
struct GuardShownTests {
    private func waiting(_ change: Int64, _ fixture: ManagementFixture) async throws -> Int? {
        try await fixture.send("GET", "/v1/guard/\(change)").json()["waiting"] as? Int
    }

    @Test
    func `of a list no session is stopped, and none left alone, that nobody was shown`() async throws {
        try await withManagement { fixture in
            let file = "agent_id,engine,instance_id\na1,main,i-a1\nb1,main,i-b1\n"
            #expect(try await fixture.importFile(file).added == 2)
            try await fixture.observe("a1", "WORKING", .needsAttention, reason: .listedOnly)
            await fixture.keeper.tend()
            let change = try #require(try await fixture.heldChanges().first)
            #expect(try await waiting(change, fixture) == 1)
            // The sweep comes to the other while somebody reads.
            try await fixture.observe("b1", "WORKING", .needsAttention, reason: .listedOnly)
            let path = "/v1/guard/\(change)"
            for decision in ["approve", "refuse"] {
                let answer = try await fixture.send("POST", "\(path)/\(decision)", json: #"{"waiting":1}"#)
                #expect(answer.status == 409)
                #expect(try answer.code() == "more_waits", "\(answer.text)")
                #expect(try await fixture.state(of: change) == "held")
                #expect(try await waiting(change, fixture) == 2)
                #expect(try await fixture.audit("guard.\(decision)").isEmpty)
            }
            // Who names those they were shown decides about these.
            let shown = #"{"agents":["a1"],"waiting":1}"#
            #expect(try await fixture.send("POST", "\(path)/approve", json: shown).status == 200)
            #expect(try await fixture.waiting(of: "a1").isEmpty)
            #expect(try await fixture.waiting(of: "b1") == ["stop"])
            #expect(try await fixture.send("POST", "\(path)/refuse", json: #"{"waiting":1}"#).status == 200)
            #expect(try await fixture.state(of: change) == "refused")
        }
    }

    @Test
    func `of an import whose later portions add parts no more is carried out than was shown`() async throws {
        try await withManagement { fixture in
            try await fixture.addOnShift(["a1", "a2"])
            var ticket = GuardTicket()
            for agent in ["a1", "a2"] {
                let spec = AgentSpec(
                    agentID: agent,
                    instance: .set(InstanceSpec(engine: "main", instanceID: "j-\(agent)"))
                )
                ticket = try await fixture.dependencies.directory
                    .put([spec], caller: nil, author: "hr", origin: .listing(ticket)).held.ticket
                let change = try #require(ticket.held)
                #expect(try await waiting(change, fixture) == (agent == "a1" ? 1 : 2))
            }
            let whole = try #require(ticket.held)
            let approve = "/v1/guard/\(whole)/approve"
            for body in [#"{"waiting":1}"#, #"{"agents":["a1","a2"],"waiting":1}"#] {
                let answer = try await fixture.send("POST", approve, as: .manage, json: body)
                #expect(try answer.code() == "more_waits", "\(answer.text)")
            }
            #expect(try await fixture.session(of: "a1") == "i-a1")
            #expect(try await fixture.send("POST", approve, as: .manage, json: #"{"waiting":2}"#).status == 200)
            #expect(try await fixture.session(of: "a1") == "j-a1")
            #expect(try await fixture.session(of: "a2") == "j-a2")
        }
    }

    @Test
    func `how many were shown is a whole number`() async throws {
        try await withManagement { fixture in
            try await fixture.addOnShift(["a1"])
            let file = fixture.fileOfSessions(["a1"], prefix: "j")
            let change = try #require(try await fixture.importFile(file).heldChange)
            for waiting in ["-1", "1.5", "\"1\"", "[]"] {
                let body = "{\"waiting\":\(waiting)}"
                let answer = try await fixture.send("POST", "/v1/guard/\(change)/approve", json: body)
                #expect(answer.status == 422, "\(waiting)")
            }
            #expect(try await fixture.state(of: change) == "held")
        }
    }

    @Test
    func `what is counted no further is not held against who was shown as many`() {
        #expect(throws: Problem.self) { try GuardChoice.check(2, shown: 1) }
        #expect(throws: Never.self) { try GuardChoice.check(1, shown: 1) }
        #expect(throws: Never.self) { try GuardChoice.check(1, shown: nil) }
        #expect(throws: Never.self) { try GuardChoice.check(12_000, shown: 10_000) }
        #expect(throws: Problem.self) { try GuardChoice.check(12_000, shown: 9_999) }
    }

    @Test
    func `a list may be of what waits alone`() async throws {
        try await withManagement { fixture in
            var changes: [Int64] = []
            for agent in ["a1", "a2"] {
                try await fixture.addOnShift([agent])
                let file = fixture.fileOfSessions([agent], prefix: "j")
                changes.append(try #require(try await fixture.importFile(file).heldChange))
            }
            #expect(try await fixture.send("POST", "/v1/guard/\(changes[0])/refuse").status == 200)
            func listed(_ query: String) async throws -> Set<Int64> {
                let items = try await fixture.send("GET", "/v1/guard\(query)").items()
                return Set(items.compactMap { ($0["change"] as? Int).map(Int64.init) })
            }
            #expect(try await listed("").isSuperset(of: changes))
            #expect(try await listed("?state=held") == [changes[1]])
            #expect(try await listed("?state=refused") == [changes[0]])
            #expect(try await fixture.send("GET", "/v1/guard?state=asleep").status == 422)
        }
    }
}
