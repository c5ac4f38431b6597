import Domain
import LibPQ
import Testing

@testable import Service

@Suite("Guard: orders", .timeLimit(.minutes(3)))
struct GuardOrderTests {
    private let seven = (1...7).map { "a\($0)" }

    @Test
    func `five agents may be held within five minutes, the sixth waits, and clocks on meanwhile`() async throws {
        try await withManagement { fixture in
            try await fixture.addOnShift(seven)
            for agent in seven.prefix(5) { #expect(try await fixture.hold(agent) == 200) }
            #expect(try await fixture.hold("a6") == 202)
            #expect(try await fixture.waiting(of: "a6") == ["hold"])
            var agent = try await fixture.send("GET", "/v1/agents/a6").json()
            #expect(agent["desired"] as? String == "running" && agent["hold"] as? [String: Any] == nil)
            try await fixture.addEvent(.clockOut, of: "a6", ago: .zero, matched: true)
            try await fixture.refold("a6")
            agent = try await fixture.send("GET", "/v1/agents/a6").json()
            #expect(agent["desired"] as? String == "stopped" && agent["rule"] as? String == "shift")
            let change = try #require(try await fixture.heldChanges().first)
            let answer = try await fixture.send("POST", "/v1/guard/\(change)/approve", as: .manage)
            #expect((try answer.json()["parts"] as? [[String: Any]])?.first?["outcome"] as? String == "done")
            agent = try await fixture.send("GET", "/v1/agents/a6").json()
            #expect((agent["hold"] as? [String: Any])?["author"] as? String == "manage")
        }
    }

    @Test
    func `an approval counts though it cannot be carried out at once`() async throws {
        try await withManagement { fixture in
            try await fixture.addOnShift(seven)
            for agent in seven.prefix(5) { _ = try await fixture.hold(agent) }
            #expect(try await fixture.hold("a6") == 202)
            let change = try #require(try await fixture.heldChanges().first)
            try await fixture.asOwner(["ALTER TABLE holds RENAME TO holds_away"])
            #expect(try await fixture.send("POST", "/v1/guard/\(change)/approve", as: .manage).status == 200)
            try await fixture.asOwner(["ALTER TABLE holds_away RENAME TO holds"])
            #expect(try await fixture.state(of: change) == "approved")
            // Whoever was at it is not any more.
            _ = try await fixture.pool.query("UPDATE guard_items SET claimed_until = NULL")
            await fixture.keeper.tend()
            let agent = try await fixture.send("GET", "/v1/agents/a6").json()
            #expect((agent["hold"] as? [String: Any])?["author"] as? String == "manage")
        }
    }

    @Test
    func `an order about one agent that changes nothing that is desired at the moment is never held`() async throws {
        try await withManagement { fixture in
            // Who orders for one agent means that agent. An order about many is another thing: `GuardBulkTests`.
            for agent in seven {
                try await fixture.addAgent(agent)
                #expect(try await fixture.hold(agent, "stopped") == 200)
                #expect(try await fixture.send("DELETE", "/v1/agents/\(agent)/hold").status == 204)
            }
            #expect(try await fixture.count("SELECT count(*) AS count FROM desired_changes") == 0)
        }
    }

    @Test
    func `a newer order takes the place of one that waits`() async throws {
        try await withManagement { fixture in
            try await fixture.addOnShift(seven)
            for agent in seven.prefix(5) { _ = try await fixture.hold(agent) }
            _ = try await fixture.hold("a6")
            let first = try #require(try await fixture.heldChanges().first)
            // It changes nothing, so it is carried out at once.
            #expect(try await fixture.hold("a6", "running") == 200)
            #expect(try await fixture.heldChanges().isEmpty)
            #expect(try await fixture.state(of: first) == "superseded")
            _ = try await fixture.hold("a7")
            #expect(try await fixture.hold("a7", reason: "another") == 202)
            #expect(try await fixture.heldChanges().count == 1)
            #expect(try await fixture.waiting(of: "a7") == ["hold"])
        }
    }

    @Test
    func `a change that somebody adds to at that moment is not ended with the only part that it had`() async throws {
        try await withManagement { fixture in
            try await fixture.addOnShift(seven)
            for agent in seven.prefix(5) { _ = try await fixture.hold(agent) }
            _ = try await fixture.hold("a6")
            let change = try #require(try await fixture.heldChanges().first)
            let wait = LockWait()
            let order = try await fixture.pool.withTransaction { bulk in
                _ = try await bulk.run([
                    "SELECT change FROM guard_changes WHERE change = \(change) FOR UPDATE",
                    """
                    INSERT INTO guard_items (change, agent, kind, slot, what, desired_before, desired_after, reason)
                    SELECT i.change, a.agent, i.kind, i.slot, i.what, i.desired_before, i.desired_after, i.reason
                    FROM guard_items i
                    CROSS JOIN agents a
                    WHERE i.change = \(change)
                      AND a.agent_id = 'a7'
                    """,
                ])
                let order = wait.task { try await fixture.hold("a6", "running") }
                try await wait.until(1, in: bulk)
                return order
            }
            #expect(try await order.value == 200)
            await fixture.keeper.tend()
            #expect(try await fixture.state(of: change) == "held")
            #expect(try await fixture.waiting(of: "a7") == ["hold"])
            #expect(try await fixture.openIncidents() == ["change_held"])
            #expect(try await fixture.hold("a7", "running") == 200)
            #expect(try await fixture.state(of: change) == "superseded")
        }
    }

    @Test
    func `the end of many holds waits as well, and so do removals`() async throws {
        try await withManagement { fixture in
            try await fixture.addOnShift(seven)
            for agent in seven.prefix(5) { _ = try await fixture.hold(agent) }
            _ = try await fixture.pool.query("UPDATE desired_changes SET at = at - interval '6 minutes'")
            for agent in seven.prefix(5) {
                #expect(try await fixture.send("DELETE", "/v1/agents/\(agent)/hold").status == 204)
            }
            #expect(try await fixture.hold("a6") == 202)
            let removal = try await fixture.send("DELETE", "/v1/agents/a7?stop=true")
            #expect(removal.status == 202)
            #expect(try removal.json()["removal_asked_at"] == nil)
            #expect(try await fixture.waiting(of: "a7") == ["removal"])
            let change = try #require(try await fixture.heldChanges().first)
            #expect(try await fixture.send("POST", "/v1/guard/\(change)/approve").status == 200)
            #expect(try await fixture.send("GET", "/v1/agents/a7").json()["removal_asked_at"] is String)
        }
    }

    @Test
    func `a hold waits for nobody any longer than it would last`() async throws {
        try await withManagement { fixture in
            try await fixture.addOnShift(seven)
            for agent in seven.prefix(5) { _ = try await fixture.hold(agent) }
            #expect(try await fixture.hold("a6") == 202)
            #expect(try await fixture.send("DELETE", "/v1/agents/a7?stop=true").status == 202)
            let waits = try await fixture.pool.rows(
                """
                SELECT i.kind, (extract(epoch FROM g.expires_at - now()) / 3600)::double precision AS hours
                FROM guard_changes g
                JOIN guard_items i ON i.change = g.change
                ORDER BY g.change
                """
            ) { row throws(PQError) in
                (try row.column("kind", as: String.self), try row.column("hours", as: Double.self))
            }
            #expect(waits.map(\.0) == ["hold", "removal"])
            #expect(waits[0].1 < 1.001 && waits[1].1 > 23)
        }
    }

    @Test
    func `a hold that is over before anybody approves it is not set`() async throws {
        try await withManagement { fixture in
            try await fixture.addOnShift(seven)
            for agent in seven.prefix(5) { _ = try await fixture.hold(agent) }
            _ = try await fixture.hold("a6")
            _ = try await fixture.pool.query(
                #"UPDATE guard_items SET what = what || '{"until":"2001-01-01T00:00:00Z"}'"#
            )
            let change = try #require(try await fixture.heldChanges().first)
            let answer = try await fixture.send("POST", "/v1/guard/\(change)/approve")
            #expect((try answer.json()["parts"] as? [[String: Any]])?.first?["outcome"] as? String == "over")
            #expect(try await fixture.send("GET", "/v1/agents/a6").json()["desired"] as? String == "running")
        }
    }

    @Test
    func `of orders that come at once, no more pass than if they came one by one`() async throws {
        try await withManagement { fixture in
            let agents = (1...16).map { "c\($0)" }
            try await fixture.addOnShift(agents)
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for agent in agents { group.addTask { try await fixture.hold(agent) } }
                var statuses: [Int] = []
                for try await status in group { statuses.append(status) }
                return statuses
            }
            #expect(statuses.filter { $0 == 200 }.count == 5 && statuses.filter { $0 == 202 }.count == 11)
        }
    }

    @Test
    func `in a large fleet a tenth may change`() async throws {
        try await withManagement { fixture in
            try await fixture.addOnShift(seven)
            _ = try await fixture.pool.query(
                """
                INSERT INTO instances (account, instance_id)
                SELECT e.account, 'x-' || n FROM engine_accounts e CROSS JOIN generate_series(1, 63) AS n WHERE e.name = 'main'
                """
            )
            for agent in seven { #expect(try await fixture.hold(agent) == 200) }
            #expect(try await fixture.send("DELETE", "/v1/agents/a1/hold").status == 202)
        }
    }

    private func parts(
        _ fixture: ManagementFixture,
        _ change: Int64,
        key: String? = nil
    ) async throws -> [[String: Any]] {
        let path = "/v1/guard/\(change)"
        let answer = try await key == nil ? fixture.send("GET", path) : fixture.send("GET", path, key: key)
        return try #require(try answer.json()["parts"] as? [[String: Any]])
    }

    @Test
    func `who decides sees what each part is: until when, why, whose, and what the agent is called`() async throws {
        try await withManagement { fixture in
            try await fixture.addOnShift(seven)
            for agent in seven.prefix(5) { _ = try await fixture.hold(agent) }
            _ = try await fixture.hold("a6", reason: "the exam")
            _ = try await fixture.send("DELETE", "/v1/agents/a7?stop=true&erase=true")
            _ = try await fixture.send("DELETE", "/v1/agents/a1/hold")
            var found: [String: [String: Any]] = [:]
            for change in try await fixture.heldChanges() {
                for part in try await parts(fixture, change) { found[part["kind"] as? String ?? ""] = part }
            }
            #expect(found["hold"]?["name"] as? String == "Agent a6")
            let hold = try #require(found["hold"]?["hold"] as? [String: Any])
            #expect(hold["reason"] as? String == "the exam" && hold["state"] as? String == "stopped")
            #expect(hold["until"] is String && hold["author"] as? String == "manage")
            #expect(found["hold"]?["erases"] as? Bool == false)
            let ended = try #require(found["release"]?["hold"] as? [String: Any])
            #expect(ended["reason"] as? String == "exam" && ended["author"] as? String == "manage")
            #expect(found["removal"]?["hold"] is [String: Any] == false)
        }
    }

    @Test
    func `a key that is bound to teams is told its own numbers`() async throws {
        try await withManagement { fixture in
            try await fixture.addOnShift(seven)
            try await fixture.addOnShift(["b1", "b2"], team: "blue")
            try await fixture.addAgent("b3", team: "blue")
            let until = (fixture.clock.now() + .seconds(3600)).rfc3339
            let agents = (seven + ["b1", "b2"]).map { "\"\($0)\"" }.joined(separator: ",")
            let order = """
                {"action":"hold","agents":[\(agents)],"hold":{"state":"stopped","until":"\(until)","reason":"moving"}}
                """
            _ = try await fixture.send("POST", "/v1/actions", json: order)
            let all = try await fixture.send("GET", "/v1/guard").items()[0]
            #expect(all["affected"] as? Int == 9 && all["instances"] as? Int == 10)
            let key = try await fixture.key(.view, teams: ["blue"])
            let own = try await fixture.send("GET", "/v1/guard", key: key).items()[0]
            #expect(own["affected"] as? Int == 2 && own["instances"] as? Int == 3, "\(own)")
            #expect(own["agents"] as? Int == 2 && own["waiting"] as? Int == 2)
        }
    }
}
