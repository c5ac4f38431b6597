import Domain
import LibPQ
import Testing

@testable import Service

@Suite("Guard: the map", .timeLimit(.minutes(3)))
struct GuardMapTests {
    private let six = (1...6).map { "a\($0)" }

    @Test
    func `an import that would stop one session is held, and the rest of its row is not`() async throws {
        try await withManagement { fixture in
            try await fixture.addOnShift(["a1", "a2"])
            let report = try await fixture.importFile(fixture.fileOfSessions(["a1"], prefix: "j", team: "sales"))
            #expect(report.held == ["a1"] && report.heldCount == 1 && report.changed == 1)
            let change = try #require(report.heldChange)
            #expect(try await fixture.session(of: "a1") == "i-a1")
            #expect(try await fixture.send("GET", "/v1/agents/a1").json()["team"] as? String == "sales")
            #expect(try await fixture.heldChanges() == [change])
            #expect(try await fixture.openIncidents() == ["change_held"])
            #expect(try await fixture.audit("guard.hold") == ["hr"])
            let shown = try await fixture.send("GET", "/v1/guard/\(change)").json()
            #expect(shown["reason"] as? String == "from_listing" && shown["asked_by"] as? String == "hr")
            let part = try #require((shown["parts"] as? [[String: Any]])?.first)
            #expect(part["agent_id"] as? String == "a1" && part["instance"] as? String == "j-a1")
            #expect(part["desired_before"] as? String == "running" && part["desired_after"] as? String == "stopped")
            let explanation = try await fixture.send("GET", "/v1/agents/a1/explain").json()
            let sentences = try #require(explanation["changes"] as? [String])
            #expect(sentences.contains { $0.contains("Change \(change) of hr waits") })
        }
    }

    @Test
    func `what is approved happens, with who asked and who approved, and can be decided only once`() async throws {
        try await withManagement { fixture in
            try await fixture.addOnShift(["a1"])
            let change = try #require(
                try await fixture.importFile(fixture.fileOfSessions(["a1"], prefix: "j")).heldChange
            )
            _ = fixture.bell.take()
            let answer = try await fixture.send("POST", "/v1/guard/\(change)/approve", as: .manage)
            #expect(answer.status == 200, "\(answer.text)")
            #expect(try answer.json()["state"] as? String == "approved")
            #expect(try answer.json()["decided_by"] as? String == "manage")
            #expect((try answer.json()["parts"] as? [[String: Any]])?.first?["outcome"] as? String == "done")
            #expect(try await fixture.session(of: "a1") == "j-a1")
            // The session that lost its agent and the one that got it.
            #expect(fixture.bell.take().count == 2)
            #expect(try await fixture.openIncidents().isEmpty)
            #expect(try await fixture.audit("guard.approve") == ["manage"])
            #expect(try await fixture.audit("agent.put").last == "hr, approved by manage")
            let again = try await fixture.send("POST", "/v1/guard/\(change)/refuse")
            #expect(again.status == 409)
            #expect(try again.code() == "already_decided")
            #expect(try await fixture.send("POST", "/v1/guard/4711/refuse").status == 404)
        }
    }

    @Test
    func `what is refused never happens`() async throws {
        try await withManagement { fixture in
            try await fixture.addOnShift(["a1"])
            let change = try #require(
                try await fixture.importFile(fixture.fileOfSessions(["a1"], prefix: "j")).heldChange
            )
            _ = fixture.bell.take()
            #expect(try await fixture.send("POST", "/v1/guard/\(change)/refuse", json: "{}").status == 200)
            await fixture.keeper.tend()
            #expect(try await fixture.session(of: "a1") == "i-a1")
            #expect(fixture.bell.take().isEmpty)
            #expect(try await fixture.state(of: change) == "refused")
            #expect(try await fixture.waiting(of: "a1").isEmpty)
        }
    }

    @Test
    func `five sessions may begin to run at once, six wait together`() async throws {
        try await withManagement { fixture in
            try await fixture.addOnShift(six, withSession: false)
            let report = try await fixture.importFile(fixture.fileOfSessions(six, prefix: "i"))
            #expect(report.held == six)
            for agent in six { #expect(try await fixture.session(of: agent) == nil) }
        }
        try await withManagement { fixture in
            try await fixture.addOnShift(six, withSession: false)
            let report = try await fixture.importFile(fixture.fileOfSessions(Array(six.prefix(5)), prefix: "i"))
            #expect(report.held.isEmpty)
            for agent in six.prefix(5) { #expect(try await fixture.session(of: agent) == "i-\(agent)") }
            // The window counts them: the sixth, by whomever, is one too many.
            let sixth = try await fixture.addAgent("a6")
            #expect(sixth.status == 202, "\(sixth.text)")
            #expect(try await fixture.waiting(of: "a6") == ["instance"])
            // Once the window is over it is one of one.
            _ = try await fixture.pool.query("UPDATE desired_changes SET at = at - interval '6 minutes'")
            #expect(try await fixture.addAgent("a6", instance: "other").status == 200)
            #expect(try await fixture.session(of: "a6") == "other")
            #expect(try await fixture.heldChanges().isEmpty)
        }
    }

    @Test
    func `an import of agents of whom nobody said anything changes nothing that is desired, and is not held`()
        async throws
    {
        try await withManagement { fixture in
            let many = (1...40).map { "n\($0)" }
            let report = try await fixture.importFile(fixture.fileOfSessions(many, prefix: "i"))
            #expect(report.added == 40 && report.held.isEmpty)
            #expect(try await fixture.heldChanges().isEmpty)
        }
    }

    @Test
    func `some agents' parts may be approved while the others wait, and be refused later`() async throws {
        try await withManagement { fixture in
            try await fixture.addOnShift(six)
            let change = try #require(try await fixture.importFile(fixture.fileOfSessions(six, prefix: "j")).heldChange)
            let some = try await fixture.send("POST", "/v1/guard/\(change)/approve", json: #"{"agents":["a1","a3"]}"#)
            #expect(try some.json()["state"] as? String == "held" && some.json()["waiting"] as? Int == 4)
            #expect(try await fixture.session(of: "a1") == "j-a1")
            #expect(try await fixture.session(of: "a2") == "i-a2")
            let none = try await fixture.send("POST", "/v1/guard/\(change)/approve", json: #"{"agents":["a1"]}"#)
            #expect(try none.code() == "already_decided")
            #expect(try await fixture.openIncidents() == ["change_held"])
            #expect(try await fixture.send("POST", "/v1/guard/\(change)/refuse").status == 200)
            #expect(try await fixture.state(of: change) == "mixed")
            #expect(try await fixture.session(of: "a2") == "i-a2")
            #expect(try await fixture.openIncidents().isEmpty)
        }
    }

    @Test
    func `the same file again waits once, another takes its place, and one that says what is so ends it`() async throws
    {
        try await withManagement { fixture in
            try await fixture.addOnShift(["a1", "a2"])
            let file = fixture.fileOfSessions(["a1", "a2"], prefix: "j")
            let first = try await fixture.importFile(file)
            let again = try await fixture.importFile(file)
            #expect(again.heldChange == first.heldChange && again.held == ["a1", "a2"])
            #expect(try await fixture.count("SELECT count(*) AS count FROM guard_items") == 2)
            let other = try await fixture.importFile(fixture.fileOfSessions(["a1"], prefix: "k"))
            #expect(other.heldChange != first.heldChange)
            #expect(try await fixture.heldChanges().count == 2)
            let back = try await fixture.importFile(fixture.fileOfSessions(["a1", "a2"], prefix: "i"))
            #expect(back.held.isEmpty)
            #expect(try await fixture.heldChanges().isEmpty)
            #expect(try await fixture.state(of: try #require(first.heldChange)) == "superseded")
            #expect(try await fixture.openIncidents().isEmpty)
            #expect(try await fixture.session(of: "a1") == "i-a1")
        }
    }

    @Test
    func `what nobody decides on in a day is dropped`() async throws {
        try await withManagement { fixture in
            try await fixture.addOnShift(["a1"])
            let change = try #require(
                try await fixture.importFile(fixture.fileOfSessions(["a1"], prefix: "j")).heldChange
            )
            await fixture.keeper.tend()
            #expect(try await fixture.state(of: change) == "held")
            _ = try await fixture.pool.query("UPDATE guard_changes SET expires_at = now()")
            await fixture.keeper.tend()
            #expect(try await fixture.state(of: change) == "expired")
            #expect(try await fixture.waiting(of: "a1").isEmpty)
            #expect(try await fixture.openIncidents().isEmpty)
            #expect(try await fixture.send("POST", "/v1/guard/\(change)/approve").status == 409)
        }
    }

    @Test
    func `an agent whose first session waits gets it with its next clock event`() async throws {
        try await withManagement { fixture in
            try await fixture.addOnShift(six, withSession: false)
            let change = try #require(try await fixture.importFile(fixture.fileOfSessions(six, prefix: "i")).heldChange)
            await fixture.keeper.tend()
            #expect(try await fixture.session(of: "a2") == nil)
            try await fixture.addEvent(.clockIn, of: "a2", ago: .zero, matched: true)
            try await fixture.refold("a2")
            await fixture.keeper.tend()
            #expect(try await fixture.session(of: "a2") == "i-a2")
            #expect(try await fixture.session(of: "a1") == nil)
            #expect(try await fixture.state(of: change) == "held")
        }
    }

    @Test
    func `unmatched events that an import would have many sessions run by wait, and new ones do not`() async throws {
        try await withManagement { fixture in
            for agent in six {
                try await fixture.addAgent(agent)
                try await fixture.addEvent(
                    .clockIn,
                    of: "hr-\(agent)",
                    ago: .seconds(600),
                    source: "hr",
                    matched: false
                )
            }
            let file = "agent_id,aliases\n" + six.map { "\($0),hr:hr-\($0)\n" }.joined()
            let report = try await fixture.importFile(file)
            #expect(report.held == six && report.applied == 0)
            #expect(try await fixture.waiting(of: "a1") == ["events"])
            let agent = try await fixture.send("GET", "/v1/agents/a1").json()
            #expect(agent["shift"] as? String == "out" && (agent["aliases"] as? [Any])?.count == 1)
            // An edit of such an agent does not take them up by the way, nor does mapping the name once more.
            #expect(try await fixture.send("PUT", "/v1/agents/a1", json: #"{"name":"New"}"#).status == 202)
            let mapped = try await fixture.send("PUT", "/v1/sources/hr/aliases/hr-a1", json: #"{"agent_id":"a1"}"#)
            #expect(mapped.status < 300)
            #expect(try await fixture.send("GET", "/v1/agents/a1").json()["shift"] as? String == "out")
            let change = try #require(report.heldChange)
            #expect(try await fixture.send("POST", "/v1/guard/\(change)/approve").status == 200)
            for agent in six {
                #expect(try await fixture.send("GET", "/v1/agents/\(agent)").json()["shift"] as? String == "in")
            }
            let parts = try await fixture.send("GET", "/v1/guard/\(change)").json()["parts"] as? [[String: Any]]
            #expect(parts?.allSatisfy { $0["outcome"] as? String == "done" } == true)
        }
    }

    @Test
    func `what was approved and not carried out is carried out by any replica, once the one that had it is gone`()
        async throws
    {
        try await withManagement { fixture in
            try await fixture.addOnShift(["a1"])
            _ = try await fixture.importFile(fixture.fileOfSessions(["a1"], prefix: "j"))
            _ = try await fixture.pool.query(
                "UPDATE guard_items SET state = 'approved', decided_by = 'eva', claimed_until = now() + interval '1 minute'"
            )
            await fixture.keeper.tend()
            #expect(try await fixture.session(of: "a1") == "i-a1")
            _ = try await fixture.pool.query("UPDATE guard_items SET claimed_until = now()")
            await fixture.keeper.tend()
            #expect(try await fixture.session(of: "a1") == "j-a1")
            #expect(try await fixture.audit("agent.put").last == "hr, approved by eva")
        }
    }

    @Test
    func `a session that was given away meanwhile is not taken, and that is said`() async throws {
        try await withManagement { fixture in
            try await fixture.addOnShift(["a1"])
            let change = try #require(
                try await fixture.importFile(fixture.fileOfSessions(["a1"], prefix: "j")).heldChange
            )
            try await fixture.addAgent("b1", instance: "j-a1")
            let answer = try await fixture.send("POST", "/v1/guard/\(change)/approve")
            let parts = try #require(try answer.json()["parts"] as? [[String: Any]])
            #expect(parts.first?["outcome"] as? String == "instance_taken")
            #expect(try await fixture.session(of: "a1") == "i-a1")
            #expect(try await fixture.session(of: "b1") == "j-a1")
        }
    }

    @Test
    func `a key that is bound to teams sees and decides its own agents' parts alone`() async throws {
        try await withManagement { fixture in
            try await fixture.addOnShift(["a1"], team: "a")
            try await fixture.addOnShift(["b1"], team: "b")
            let change = try #require(
                try await fixture.importFile(fixture.fileOfSessions(["a1", "b1"], prefix: "j")).heldChange
            )
            let (own, strange) = (
                try await fixture.key(.manage, teams: ["a"]), try await fixture.key(.manage, teams: ["c"])
            )
            #expect(try await fixture.heldChanges(key: own) == [change])
            #expect(try await fixture.heldChanges(key: strange).isEmpty)
            #expect(try await fixture.send("GET", "/v1/guard/\(change)", key: strange).status == 404)
            #expect(try await fixture.send("POST", "/v1/guard/\(change)/approve", key: strange).status == 404)
            let seen = try await fixture.send("GET", "/v1/guard/\(change)", key: own)
            #expect(try seen.json()["agents"] as? Int == 1 && !seen.text.contains("b1"))
            let incident = try await fixture.send("GET", "/v1/incidents", key: own).items().first
            #expect(incident?["kind"] as? String == "change_held" && incident?["agents"] as? Int == 1)
            #expect(try await fixture.send("GET", "/v1/incidents", key: strange).items().isEmpty)
            #expect(try await fixture.send("POST", "/v1/guard/\(change)/approve", key: own).status == 200)
            #expect(try await fixture.session(of: "a1") == "j-a1")
            #expect(try await fixture.session(of: "b1") == "i-b1")
            #expect(try await fixture.state(of: change) == "held")
        }
    }

    @Test(arguments: [#"{"agents":"a1"}"#, #"{"agents":["a b"]}"#, #"[]"#])
    func `a decision that names nobody properly is refused`(body: String) async throws {
        try await withManagement { fixture in
            try await fixture.addOnShift(["a1"])
            let change = try #require(
                try await fixture.importFile(fixture.fileOfSessions(["a1"], prefix: "j")).heldChange
            )
            #expect(try await fixture.send("POST", "/v1/guard/\(change)/approve", json: body).status == 422)
            #expect(try await fixture.state(of: change) == "held")
        }
    }
}
