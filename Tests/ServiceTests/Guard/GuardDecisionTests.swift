import Domain
import LibPQ
import Testing

@testable import Service

@Suite("Guard: decisions", .timeLimit(.minutes(3)))
struct GuardDecisionTests {
    /// A list brings running sessions of an agent of each of two teams; gives the change that asks about them.
    private func addListing(_ fixture: ManagementFixture) async throws -> Int64 {
        let file = "agent_id,engine,instance_id,team\na1,main,i-a1,a\nb1,main,i-b1,b\n"
        #expect(try await fixture.importFile(file).added == 2)
        for agent in ["a1", "b1"] {
            try await fixture.observe(agent, "WORKING", .needsAttention, reason: .listedOnly)
        }
        await fixture.keeper.tend()
        return try #require(try await fixture.heldChanges().first)
    }

    @Test
    func `who is bound to a team does not refuse a list for all, and decides on what is its own`() async throws {
        try await withManagement { fixture in
            let change = try await addListing(fixture)
            let (own, other) = (
                try await fixture.key(.manage, teams: ["a"]), try await fixture.key(.manage, teams: ["b"])
            )
            let refused = try await fixture.send("POST", "/v1/guard/\(change)/refuse", key: own)
            #expect(refused.status == 403)
            #expect(try refused.code() == "outside_team")
            #expect(try await fixture.state(of: change) == "held")
            #expect(try await fixture.openIncidents() == ["change_held"])
            // Nothing of it is left for that team then, and the answer says so.
            let approved = try await fixture.send("POST", "/v1/guard/\(change)/approve", key: own)
            #expect(approved.status == 200, "\(approved.text)")
            #expect(try approved.json()["state"] as? String == "held" && approved.json()["waiting"] as? Int == 0)
            #expect(try await fixture.send("GET", "/v1/guard/\(change)", key: own).status == 404)
            // What is left is the other team's alone.
            let over = try await fixture.send("POST", "/v1/guard/\(change)/refuse", key: other)
            #expect(over.status == 200, "\(over.text)")
            #expect(try over.json()["state"] as? String == "refused")
            #expect(try await fixture.openIncidents().isEmpty)
        }
    }

    @Test
    func `a list that is refused asks nobody any more, though its sessions stay as they are`() async throws {
        try await withManagement { fixture in
            let change = try await addListing(fixture)
            #expect(try await fixture.waiting(of: "b1") == ["stop"])
            let refused = try await fixture.send("POST", "/v1/guard/\(change)/refuse", as: .manage)
            #expect(refused.status == 200)
            #expect(try refused.json()["waiting"] as? Int == 0)
            #expect((try refused.json()["parts"] as? [Any])?.isEmpty == true)
            let listed = try await fixture.send("GET", "/v1/guard").items().compactMap { $0["change"] as? Int }
            #expect(!listed.contains(Int(change)))
            #expect(try await fixture.waiting(of: "b1").isEmpty)
            let explanation = try await fixture.send("GET", "/v1/agents/b1/explain").json()
            let sentences = explanation["changes"] as? [String] ?? []
            #expect(!sentences.contains { $0.contains("waits for somebody") }, "\(sentences)")
            #expect(try await fixture.send("GET", "/v1/agents/b1").json()["reason"] as? String == "listed_only")
            #expect(try await fixture.send("POST", "/v1/guard/\(change)/refuse").code() == "already_decided")
        }
    }

    @Test
    func `a list that was refused is kept for as long as its sessions are marked, however old it is`() async throws {
        try await withManagement { fixture in
            let change = try await addListing(fixture)
            #expect(try await fixture.send("POST", "/v1/guard/\(change)/refuse", as: .manage).status == 200)
            _ = try await fixture.pool.query("UPDATE guard_changes SET decided_at = now() - interval '91 days'")
            _ = try await fixture.pool.pipeline(GuardDueStatements.tend)
            #expect(
                try await fixture.count("SELECT count(*) AS count FROM instances WHERE listed_by = \(change)") == 2
            )
            // Once somebody said something of both agents, nothing speaks for keeping it.
            _ = try await fixture.pool.query("UPDATE instances SET listed_by = NULL")
            _ = try await fixture.pool.pipeline(GuardDueStatements.tend)
            #expect(try await fixture.count("SELECT count(*) AS count FROM guard_changes") == 0)
        }
    }

    @Test
    func `a list is refused as a whole or not at all`() async throws {
        try await withManagement { fixture in
            let change = try await addListing(fixture)
            let one = #"{"agents":["a1"],"waiting":1}"#
            let refused = try await fixture.send("POST", "/v1/guard/\(change)/refuse", as: .manage, json: one)
            #expect(refused.status == 422)
            #expect(try refused.code() == "invalid_field")
            #expect(try await fixture.state(of: change) == "held")
            #expect(try await fixture.waiting(of: "b1") == ["stop"])
            let approved = try await fixture.send("POST", "/v1/guard/\(change)/approve", as: .manage, json: one)
            #expect(approved.status == 200, "\(approved.text)")
            #expect(try await fixture.waiting(of: "b1") == ["stop"])
        }
    }

    @Test
    func `who is bound to a team is answered though the agent goes with the approval`() async throws {
        try await withManagement { fixture in
            let six = (1...6).map { "a\($0)" }
            try await fixture.addOnShift(six, team: "a")
            for agent in six.prefix(5) { #expect(try await fixture.hold(agent) == 200) }
            #expect(try await fixture.send("DELETE", "/v1/agents/a6?stop=true").status == 202)
            let change = try #require(try await fixture.heldChanges().first)
            try await fixture.observe("a6", "STOPPED")
            let key = try await fixture.key(.manage, teams: ["a"])
            let answer = try await fixture.send("POST", "/v1/guard/\(change)/approve", key: key)
            #expect(answer.status == 200, "\(answer.text)")
            #expect(try answer.json()["state"] as? String == "approved" && answer.json()["waiting"] as? Int == 0)
            #expect(try await fixture.send("GET", "/v1/agents/a6").status == 404)
        }
    }

    @Test
    func `what is over by the database's clock is decided on no more, though nobody has dropped it yet`() async throws {
        try await withManagement { fixture in
            try await fixture.addOnShift(["a1"])
            let change = try #require(
                try await fixture.importFile(fixture.fileOfSessions(["a1"], prefix: "j")).heldChange
            )
            _ = try await fixture.pool.query("UPDATE guard_changes SET expires_at = now() - interval '1 second'")
            for decision in ["approve", "refuse"] {
                let answer = try await fixture.send("POST", "/v1/guard/\(change)/\(decision)", as: .manage)
                #expect(try answer.code() == "already_decided", "\(answer.text)")
            }
            #expect(try await fixture.session(of: "a1") == "i-a1")
            await fixture.keeper.tend()
            #expect(try await fixture.state(of: change) == "expired")
        }
    }
}
