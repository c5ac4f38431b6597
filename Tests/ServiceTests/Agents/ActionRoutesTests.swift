import Domain
import LibPQ
import Service
import Testing

@Suite("Orders about many agents")
struct ActionRoutesTests {
    private func order(_ action: String, _ agents: [String], hold: String? = nil) -> String {
        let names = agents.map { "\"\($0)\"" }.joined(separator: ",")
        return #"{"action":"\#(action)","agents":[\#(names)]\#(hold.map { ",\"hold\":" + $0 } ?? "")}"#
    }

    private func results(_ answer: WireResponse) throws -> [[String: Any]] {
        try #require(try answer.json()["results"] as? [[String: Any]])
    }

    @Test
    func `each agent is held, looked at, rebooted and released as by its own route`() async throws {
        try await withManagement { fixture in
            for agent in ["a1", "a2"] { try await fixture.addAgent(agent, instance: agent) }
            let until = (fixture.clock.now() + .seconds(3600)).rfc3339
            let hold = #"{"state":"running","until":"\#(until)","reason":"training"}"#
            let held = try await fixture.send(
                "POST",
                "/v1/actions",
                as: .manage,
                json: order("hold", ["a1", "a2", "a1"], hold: hold)
            )
            #expect(held.status == 200, "\(held.text)")
            #expect(try results(held).map { $0["agent_id"] as? String } == ["a1", "a2"])
            #expect(try results(held).map { $0["status"] as? Int } == [200, 200])
            let agent = try await fixture.send("GET", "/v1/agents/a2").json()
            #expect((agent["hold"] as? [String: String])?["reason"] == "training")
            #expect((agent["hold"] as? [String: String])?["author"] == "manage")
            let refused = try await fixture.send("POST", "/v1/actions", json: order("reconcile", ["a1"]))
            #expect(refused.status == 207)
            #expect(try results(refused).first?["code"] as? String == "held")
            let released = try await fixture.send("POST", "/v1/actions", json: order("release", ["a1", "a2"]))
            #expect(try results(released).map { $0["status"] as? Int } == [204, 204])
            let looked = try await fixture.send("POST", "/v1/actions", json: order("reconcile", ["a1", "a2"]))
            #expect(try results(looked).map { $0["status"] as? Int } == [202, 202])
            let rebooted = try await fixture.send("POST", "/v1/actions", json: order("reboot", ["a1"]))
            #expect(try results(rebooted).first?["code"] as? String == "not_on_shift")
        }
    }

    @Test
    func `what is refused for one agent holds up no other, and says whom it is about`() async throws {
        try await withManagement { fixture in
            try await fixture.addAgent("a1", team: "red", instance: "i1")
            try await fixture.addAgent("b1", team: "blue", instance: "i2")
            let key = try await fixture.key(.manage, teams: ["red"])
            let answer = try await fixture.send(
                "POST",
                "/v1/actions",
                key: key,
                json: order("reconcile", ["b1", "nobody", "a1"])
            )
            #expect(answer.status == 207)
            let items = try results(answer)
            #expect(items.map { $0["agent_id"] as? String } == ["b1", "nobody", "a1"])
            #expect(items.map { $0["status"] as? Int } == [404, 404, 202])
            #expect(items[0]["code"] as? String == "not_found")
            let deeds = try await fixture.count("SELECT count(*) AS count FROM audit WHERE deed = 'agent.reconcile'")
            #expect(deeds == 1)
        }
    }

    /// Has the connection end in the middle of the order about `a3`.
    private func breakOff(_ fixture: ManagementFixture) async throws {
        try await fixture.asOwner([
            """
            CREATE FUNCTION break_off() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
            BEGIN
                PERFORM pg_terminate_backend(pg_backend_pid());
                PERFORM pg_sleep(10);
                RETURN NEW;
            END
            $$
            """,
            """
            CREATE TRIGGER breaks_off BEFORE INSERT ON audit FOR EACH ROW
            WHEN (NEW.deed = 'agent.reconcile' AND NEW.subject = 'a3') EXECUTE FUNCTION break_off()
            """,
        ])
    }

    @Test
    func `once it is done for one, a database that goes away is told of those who are left`() async throws {
        try await withManagement { fixture in
            for agent in ["a1", "a2", "a3", "a4"] { try await fixture.addAgent(agent, instance: agent) }
            try await breakOff(fixture)
            let nothing = try await fixture.send("POST", "/v1/actions", json: order("reconcile", ["nobody", "a3"]))
            #expect(nothing.status == 503, "nobody is done: \(nothing.text)")
            #expect(try nothing.code() == "database_unavailable")
            let four = ["a1", "a2", "a3", "a4"]
            let broken = try await fixture.send("POST", "/v1/actions", json: order("reconcile", four))
            #expect(broken.status == 207, "\(broken.text)")
            let items = try results(broken)
            #expect(items.map { $0["agent_id"] as? String } == four)
            #expect(items.map { $0["status"] as? Int } == [202, 202, 503, 503])
            #expect(items.map { $0["code"] as? String } == [nil, nil, "database_unavailable", "database_unavailable"])
            let deeds = try await fixture.count("SELECT count(*) AS count FROM audit WHERE deed = 'agent.reconcile'")
            #expect(deeds == 2)
            try await fixture.asOwner(["DROP TRIGGER breaks_off ON audit"])
            let again = try await fixture.send("POST", "/v1/actions", json: order("reconcile", ["a3", "a4"]))
            #expect(try results(again).map { $0["status"] as? Int } == [202, 202], "\(again.text)")
        }
    }

    @Test(arguments: [
        (#"{"agents":["a"]}"#, "action"), (#"{"action":"dance","agents":["a"]}"#, "action"),
        (#"{"action":"release"}"#, "agents"), (#"{"action":"release","agents":[]}"#, "agents"),
        (#"{"action":"release","agents":["a","b c"]}"#, "agents[1]"), (#"{"action":"hold","agents":["a"]}"#, "hold"),
        (#"{"action":"hold","agents":["a"],"hold":{"state":"running"}}"#, "hold.until"),
        (#"{"action":"hold","agents":["a"],"hold":{"until":"2030-01-01T00:00:00Z"}}"#, "hold.state"),
    ])
    func `an order that cannot be meant is refused as a whole`(body: String, field: String) async throws {
        try await withManagement { fixture in
            let answer = try await fixture.send("POST", "/v1/actions", as: .manage, json: body)
            #expect(answer.status == 422)
            #expect(try answer.json()["field"] as? String == field)
        }
    }

    @Test
    func `no more than 500 agents at a time, and only who may manage`() async throws {
        try await withManagement { fixture in
            let many = order("release", (0...500).map { "a\($0)" })
            #expect(try await fixture.send("POST", "/v1/actions", as: .manage, json: many).status == 422)
            let asViewer = try await fixture.send("POST", "/v1/actions", as: .view, json: order("release", ["a"]))
            #expect(asViewer.status == 403)
        }
    }
}
