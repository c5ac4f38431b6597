import Domain
import LibPQ
import Service
import Testing

@Suite("Agent orders")
struct AgentOrdersTests {
    private func hold(_ state: String, _ until: Timestamp, reason: String = "exam") -> String {
        #"{"state":"\#(state)","until":"\#(until.rfc3339)","reason":"\#(reason)"}"#
    }

    @Test
    func `a hold decides at once, is replaced by the next, and ends`() async throws {
        try await withManagement { fixture in
            try await fixture.addAgent("a1")
            let until = fixture.clock.now() + .seconds(3600)
            _ = fixture.bell.take()
            let held = try await fixture.send("PUT", "/v1/agents/a1/hold", as: .manage, json: hold("running", until))
            #expect(held.status == 200)
            #expect(try held.json()["desired"] as? String == "running")
            #expect(try held.json()["rule"] as? String == "hold")
            #expect((try held.json()["hold"] as? [String: String])?["author"] == "manage")
            #expect(fixture.bell.take().count == 1)
            let replaced = try await fixture.send(
                "PUT",
                "/v1/agents/a1/hold",
                as: .manage,
                json: hold("stopped", until)
            )
            #expect(try replaced.json()["desired"] as? String == "stopped")
            #expect(try await fixture.count("SELECT count(*) AS count FROM holds") == 2)
            #expect(try await fixture.count("SELECT count(*) AS count FROM holds WHERE ended_at IS NULL") == 1)
            #expect(try await fixture.send("DELETE", "/v1/agents/a1/hold", as: .manage).status == 204)
            #expect(try await fixture.send("DELETE", "/v1/agents/a1/hold", as: .manage).status == 204)
            #expect(try await fixture.send("GET", "/v1/agents/a1").json()["rule"] as? String == "default")
        }
    }

    @Test
    func `a hold that is over never shows`() async throws {
        try await withManagement { fixture in
            try await fixture.addAgent("a1")
            let until = fixture.clock.now() + .seconds(3600)
            _ = try await fixture.send("PUT", "/v1/agents/a1/hold", json: hold("running", until))
            _ = try await fixture.pool.query("UPDATE agent_states SET hold_until = now() - interval '1 second'")
            let agent = try await fixture.send("GET", "/v1/agents/a1").json()
            #expect(agent["desired"] as? String == "stopped")
            #expect(agent["hold"] as? [String: String] == nil)
        }
    }

    @Test
    func `a hold needs an instance, a state, a reason and an end within 366 days`() async throws {
        try await withManagement { fixture in
            let now = fixture.clock.now()
            _ = try await fixture.send("PUT", "/v1/agents/a1", json: "{}")
            let none = try await fixture.send("PUT", "/v1/agents/a1/hold", json: hold("running", now + .seconds(60)))
            #expect(try none.code() == "no_instance")
            try await fixture.addAgent("a1")
            for (body, field) in [
                (hold("running", now - .seconds(1)), "until"), (hold("running", now + .seconds(367 * 86_400)), "until"),
                (hold("paused", now + .seconds(60)), "state"),
                (hold("running", now + .seconds(60), reason: ""), "reason"),
                (#"{"state":"running","reason":"r"}"#, "until"), (#"{"until":"tomorrow","state":"running"}"#, "until"),
            ] {
                let answer = try await fixture.send("PUT", "/v1/agents/a1/hold", json: body)
                #expect(answer.status == 422)
                #expect(try answer.json()["field"] as? String == field)
            }
            let longest = hold("running", now + .seconds(366 * 86_400))
            #expect(try await fixture.send("PUT", "/v1/agents/a1/hold", json: longest).status == 200)
        }
    }

    @Test
    func `reconcile looks now, with a fresh budget once per window`() async throws {
        try await withManagement { fixture in
            try await fixture.addAgent("a1")
            let spend: PQStatement = "UPDATE observed_states SET attempts = 4, restarts = ARRAY[now()]"
            let spent: PQStatement =
                "SELECT count(*) AS count FROM observed_states WHERE attempts = 4 AND restarts IS NOT NULL"
            _ = try await fixture.pool.query(spend)
            _ = try await fixture.pool.query("DELETE FROM reconcile_queue")
            _ = fixture.bell.take()
            #expect(try await fixture.send("POST", "/v1/agents/a1/reconcile", as: .manage).status == 202)
            #expect(try await fixture.count(spent) == 0)
            #expect(fixture.bell.take().count == 1)
            // Our reading of the database's clock may be ahead of it by a little.
            let due: PQStatement =
                "SELECT count(*) AS count FROM reconcile_queue WHERE due_at <= now() + interval '100 milliseconds'"
            #expect(try await fixture.count(due) == 1)
            _ = try await fixture.pool.query(spend)
            #expect(try await fixture.send("POST", "/v1/agents/a1/reconcile", as: .manage).status == 202)
            #expect(try await fixture.count(spent) == 1)
            _ = try await fixture.pool.query("UPDATE restart_grants SET granted_at = now() - interval '31 minutes'")
            #expect(try await fixture.send("POST", "/v1/agents/a1/reconcile", as: .manage).status == 202)
            #expect(try await fixture.count(spent) == 0)
        }
    }

    @Test
    func `a reboot needs somebody on shift and no hold`() async throws {
        try await withManagement { fixture in
            try await fixture.addAgent("a1")
            #expect(try await fixture.send("POST", "/v1/agents/a1/reboot", as: .manage).code() == "not_on_shift")
            try await fixture.addEvent(.clockIn, of: "a1", ago: .seconds(60), matched: true)
            try await fixture.refold("a1")
            #expect(try await fixture.send("POST", "/v1/agents/a1/reboot", as: .manage).status == 202)
            let asked = try await fixture.count(
                "SELECT count(*) AS count FROM observed_states WHERE reboot_asked_at IS NOT NULL"
            )
            #expect(asked == 1)
            let until = fixture.clock.now() + .seconds(60)
            _ = try await fixture.send("PUT", "/v1/agents/a1/hold", json: hold("running", until))
            for order in ["reboot", "reconcile"] {
                let answer = try await fixture.send("POST", "/v1/agents/a1/\(order)", as: .manage)
                #expect(answer.status == 409)
                #expect(try answer.code() == "held")
            }
            _ = try await fixture.send("PUT", "/v1/agents/a2", json: "{}")
            for order in ["reboot", "reconcile"] {
                #expect(try await fixture.send("POST", "/v1/agents/a2/\(order)").code() == "no_instance")
                #expect(try await fixture.send("POST", "/v1/agents/none/\(order)").code() == "not_found")
            }
        }
    }

    @Test
    func `a session that no reboot can help gets none, and it is said why`() async throws {
        try await withManagement { fixture in
            let cases: [(reading: String, code: String?)] = [
                ("SCAN_QR_CODE", "pairing_required"), ("MISSING", "session_missing"), ("MIGRATING", "unknown_word"),
                ("FAILED", nil),
            ]
            let agents = cases.indices.map { "a\($0)" }
            for (agent, known) in zip(agents, cases) {
                try await fixture.addAgent(agent, instance: agent)
                try await fixture.addEvent(.clockIn, of: agent, ago: .seconds(60), matched: true)
                try await fixture.refold(agent)
                try await fixture.observe(agent, known.reading, .needsAttention, reason: .restartBudgetUsed)
                let answer = try await fixture.send("POST", "/v1/agents/\(agent)/reboot", as: .manage)
                #expect(answer.status == (known.code == nil ? 202 : 409), "\(answer.text)")
                if let code = known.code { #expect(try answer.code() == code) }
            }
            let asked: PQStatement = "SELECT count(*) AS count FROM observed_states WHERE reboot_asked_at IS NOT NULL"
            #expect(try await fixture.count(asked) == 1)
            let names = agents.map { "\"\($0)\"" }.joined(separator: ",")
            let order = #"{"action":"reboot","agents":[\#(names)]}"#
            let bulk = try await fixture.send("POST", "/v1/actions", as: .manage, json: order)
            #expect(bulk.status == 207, "\(bulk.text)")
            let results = try #require(try bulk.json()["results"] as? [[String: Any]])
            #expect(results.map { $0["agent_id"] as? String } == agents)
            #expect(results.map { $0["status"] as? Int } == [409, 409, 409, 202])
            #expect(results.map { $0["code"] as? String } == cases.map { $0.code })
        }
    }
}
