import Domain
import Foundation
import LibPQ
import Service
import Testing

@Suite("Agent routes")
struct AgentRoutesTests {
    @Test
    func `a new agent answers 201, the same again 200, and nothing else changes`() async throws {
        try await withManagement { fixture in
            let first = try await fixture.addAgent("a@1", instance: "i1")
            #expect(first.status == 201)
            let agent = try first.json()
            #expect(agent["agent_id"] as? String == "a@1")
            #expect(agent["shift"] as? String == "out")
            #expect(agent["desired"] as? String == "stopped")
            #expect(agent["rule"] as? String == "default")
            #expect(agent["condition"] as? String == "unknown")
            #expect(agent["reason"] as? String == "never_read")
            #expect(agent["reason_text"] as? String == Reason.neverRead.sentence)
            #expect(agent["observed"] is NSNull && agent["as_of"] is NSNull && agent["hold"] is NSNull)
            #expect((agent["instance"] as? [String: Any])?["instance_id"] as? String == "i1")
            #expect(fixture.bell.take().count == 1)

            let again = try await fixture.addAgent("a@1", instance: "i1")
            #expect(again.status == 200)
            #expect(fixture.bell.take().isEmpty)
            #expect(try await fixture.count("SELECT count(*) AS count FROM audit WHERE deed = 'agent.put'") == 1)
            let shown = try await fixture.send("GET", "/v1/agents/a%401", as: .view)
            #expect(shown.status == 200)
            #expect(try shown.json()["generation"] as? Int == agent["generation"] as? Int)
        }
    }

    @Test
    func `what a body does not name stays, and null takes the instance away`() async throws {
        try await withManagement { fixture in
            try await fixture.addAgent("a1", instance: "i1")
            _ = try await fixture.send(
                "PUT",
                "/v1/agents/a1",
                json: #"{"aliases":[{"source":"hr","external_id":"7"},{"source":"api","external_id":"x"}]}"#
            )
            let renamed = try await fixture.send("PUT", "/v1/agents/a1", json: #"{"name":"New"}"#)
            #expect(try renamed.json()["name"] as? String == "New")
            #expect(try renamed.json()["team"] as? String == "support")
            #expect(try renamed.json()["instance"] is [String: Any])
            #expect((try renamed.json()["aliases"] as? [[String: String]])?.count == 2)
            _ = fixture.bell.take()

            let unassigned = try await fixture.send("PUT", "/v1/agents/a1", json: #"{"instance":null,"aliases":[]}"#)
            #expect(try unassigned.json()["condition"] as? String == "unassigned")
            #expect((try unassigned.json()["aliases"] as? [Any])?.isEmpty == true)
            #expect(fixture.bell.take().count == 1)
            let retired = try await fixture.count(
                "SELECT count(*) AS count FROM instances x JOIN reconcile_queue q ON q.instance = x.instance WHERE x.agent IS NULL"
            )
            #expect(retired == 1)
        }
    }

    @Test
    func `an instance has one agent, and a retired one comes back with what is known of it`() async throws {
        try await withManagement { fixture in
            try await fixture.addAgent("a1", instance: "shared")
            let taken = try await fixture.addAgent("a2", instance: "shared")
            #expect(taken.status == 409)
            #expect(try taken.code() == "instance_taken")
            #expect(try await fixture.send("GET", "/v1/agents/a2").status == 404)

            try await fixture.observe("a1", "STOPPED")
            _ = try await fixture.send("PUT", "/v1/agents/a1", json: #"{"instance":null}"#)
            let given = try await fixture.addAgent("a2", instance: "shared")
            #expect(given.status == 201)
            #expect(try given.json()["observed"] as? String == "STOPPED")
            #expect(try await fixture.count("SELECT count(*) AS count FROM instances") == 1)
        }
    }

    @Test
    func `an agent goes at once only when its session is proved stopped`() async throws {
        try await withManagement { fixture in
            try await fixture.addAgent("a1")
            #expect(try await fixture.send("DELETE", "/v1/agents/a1").code() == "instance_running")
            try await fixture.observe("a1", "WORKING", reason: .working)
            #expect(try await fixture.send("DELETE", "/v1/agents/a1").code() == "instance_running")
            try await fixture.observe("a1", "STOPPED", ago: .seconds(3600))
            #expect(try await fixture.send("DELETE", "/v1/agents/a1").code() == "instance_running")
            try await fixture.observe("a1", "STOPPED")
            #expect(try await fixture.send("DELETE", "/v1/agents/a1").status == 204)
            #expect(try await fixture.send("GET", "/v1/agents/a1").status == 404)
            #expect(try await fixture.count("SELECT count(*) AS count FROM instances") == 0)
            #expect(try await fixture.send("DELETE", "/v1/agents/a1").status == 404)

            _ = try await fixture.send("PUT", "/v1/agents/a2", json: "{}")
            #expect(try await fixture.send("DELETE", "/v1/agents/a2").status == 204)
        }
    }

    @Test
    func `a look proves a stop as long as it is shown as current, whatever a start asks for`() async throws {
        var policy = ReconcilePolicy()
        policy.startLookAfter = .zero
        try await withManagement(policy: policy) { fixture in
            try await fixture.addAgent("a1")
            // Off shift a look counts for three minutes.
            try await fixture.observe("a1", "STOPPED", ago: .seconds(190))
            #expect(try await fixture.send("DELETE", "/v1/agents/a1").code() == "instance_running")
            try await fixture.observe("a1", "STOPPED", ago: .seconds(100))
            let gone = try await fixture.send("DELETE", "/v1/agents/a1")
            #expect(gone.status == 204, "\(gone.text)")
        }
    }

    @Test
    func `with stop the agent stays, desired stopped, until it is put again`() async throws {
        try await withManagement { fixture in
            try await fixture.addAgent("a1")
            try await fixture.observe("a1", "WORKING", reason: .working)
            try await fixture.addEvent(.clockIn, of: "a1", ago: .seconds(60), matched: true)
            try await fixture.refold("a1")
            #expect(try await fixture.send("GET", "/v1/agents/a1").json()["desired"] as? String == "running")
            _ = fixture.bell.take()
            let leaving = try await fixture.send("DELETE", "/v1/agents/a1?stop=true")
            #expect(leaving.status == 202)
            #expect(try leaving.json()["desired"] as? String == "stopped")
            #expect(try leaving.json()["removal_asked_at"] is String)
            #expect(fixture.bell.take().count == 1)
            let back = try await fixture.addAgent("a1")
            #expect(back.status == 200)
            #expect(try back.json()["desired"] as? String == "running")
            #expect(try back.json()["removal_asked_at"] == nil)
        }
    }

    @Test
    func `an old look is never shown as current`() async throws {
        try await withManagement { fixture in
            try await fixture.addAgent("a1")
            try await fixture.observe("a1", "STOPPED", ago: .seconds(170))
            #expect(try await fixture.send("GET", "/v1/agents/a1").json()["condition"] as? String == "converged")
            try await fixture.observe("a1", "STOPPED", ago: .seconds(190))
            let stale = try await fixture.send("GET", "/v1/agents/a1").json()
            #expect(stale["condition"] as? String == "unknown")
            #expect(stale["reason"] as? String == "stale")
            #expect(stale["observed"] as? String == "STOPPED")
        }
    }
}
