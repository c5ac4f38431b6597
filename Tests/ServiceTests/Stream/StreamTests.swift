import Domain
import LibPQ
import Testing

@testable import Service

@Suite("Stream", .timeLimit(.minutes(3)))
struct StreamTests {
    @Test
    func `a new stream begins with a reset, then everybody, then the counts`() async throws {
        try await withPage { page in
            for agent in ["a1", "a2", "a3"] { try await page.management.addAgent(agent) }
            try await page.follow { stream in
                let events = try await stream.all(to: "summary").filter { $0.comment == nil && $0.name != "pulse" }
                #expect(events.map(\.name) == ["reset", "agent", "agent", "agent", "summary"])
                #expect(events.compactMap(\.agentID) == ["a1", "a2", "a3"])
                #expect(events.last?.object["agents"] as? Int == 3)
                #expect(events.allSatisfy { $0.id.contains("-") })
            }
        }
    }

    @Test
    func `a change is told as the agent is in the list`() async throws {
        try await withPage { page in
            try await page.management.addAgent("a1")
            try await page.follow { stream in
                try await stream.next("summary")
                try await page.management.observe("a1", "STOPPED")
                let event = try await stream.next("agent")
                let listed = try await page.management.send("GET", "/v1/agents").items()[0]
                #expect(event.object["observed"] as? String == "STOPPED")
                #expect(Set(event.object.keys) == Set(listed.keys))
                let summary = try await stream.next("summary")
                #expect((summary.object["condition"] as? [String: Int])?["converged"] == 1)
            }
        }
    }

    @Test
    func `a hint brings a change before the round comes to it`() async throws {
        try await withPage { page in
            for agent in ["a1", "a2"] { try await page.management.addAgent(agent) }
            let hinted = try await page.management.pool.rows("SELECT agent FROM agents WHERE agent_id = 'a2'") {
                row throws(PQError) in try row.column("agent", as: Int64.self)
            }
            try await page.follow { stream in
                try await stream.next("summary")
                // The round tells of a1 first. It may happen to come between change and hint, but not every time.
                for word in ["STOPPED", "WORKING", "STARTING", "FAILED", "SCAN_QR_CODE"] {
                    for agent in ["a1", "a2"] { try await page.management.observe(agent, word) }
                    page.feed.touched(.some(agents: hinted, instances: []))
                    let first = try await stream.next { $0.object["observed"] as? String == word }.agentID
                    if first == "a2" { return }
                    try await stream.next { $0.object["observed"] as? String == word && $0.agentID == "a2" }
                }
                Issue.record("the round was always first")
            }
        }
    }

    @Test
    func `an observation that grows old is told although nothing happens`() async throws {
        try await withPage { page in
            try await page.management.addAgent("a1")
            // Off shift a look counts for 180 s. How soon the stream begins is not known, so more is left each time.
            for left in [4, 20, 60] {
                try await page.management.observe("a1", "STOPPED", ago: .seconds(180 - left))
                var wasCurrent = false
                try await page.follow { stream in
                    let first = try await stream.next("agent")
                    wasCurrent = first.object["condition"] as? String == "converged"
                    guard wasCurrent else { return }
                    let later = try await stream.next { $0.object["condition"] as? String == "unknown" }
                    #expect(later.object["reason"] as? String == "stale")
                }
                if wasCurrent { return }
            }
            Issue.record("the stream never began in time")
        }
    }

    @Test
    func `a stream that broke off goes on where it was`() async throws {
        try await withPage { page in
            try await page.management.addAgent("a1")
            try await page.follow { keeper in
                let last = try await keeper.next("summary")
                try await page.management.observe("a1", "STOPPED")
                try await keeper.next("agent")
                try await page.follow(headers: ["Last-Event-ID": last.id]) { stream in
                    let events = try await stream.all(to: "agent").filter { $0.comment == nil && $0.name != "pulse" }
                    #expect(events.map(\.name) == ["agent"])
                    #expect(events[0].object["observed"] as? String == "STOPPED")
                }
            }
        }
    }

    @Test(arguments: ["0123abcd-7", "nonsense", "", "-", "0123abcd-18446744073709551616"])
    func `a stream of another replica begins anew`(lastEventID: String) async throws {
        try await withPage { page in
            try await page.management.addAgent("a1")
            try await page.follow(headers: ["Last-Event-ID": lastEventID]) { stream in
                let events = try await stream.all(to: "summary").filter { $0.comment == nil && $0.name != "pulse" }
                #expect(events.map(\.name) == ["reset", "agent", "summary"])
            }
        }
    }

    @Test
    func `who broke off in the middle of everything gets everything again`() async throws {
        try await withPage { page in
            try await page.management.addAgent("a1")
            try await page.management.addAgent("a2")
            try await page.follow { keeper in
                try await keeper.next("reset")
                let middle = try await keeper.next("agent")
                try await page.follow(headers: ["Last-Event-ID": middle.id]) { stream in
                    let events = try await stream.all(to: "summary").filter { $0.comment == nil && $0.name != "pulse" }
                    #expect(events.map(\.name) == ["reset", "agent", "agent", "summary"])
                }
            }
        }
    }

    @Test
    func `to a key bound to a team the others do not exist`() async throws {
        try await withPage { page in
            try await page.management.addAgent("r1", team: "red")
            try await page.management.addAgent("b1", team: "blue")
            let key = try await page.management.key(.view, teams: ["red"])
            try await page.follow(key: key) { stream in
                let events = try await stream.all(to: "summary")
                #expect(events.compactMap(\.agentID) == ["r1"])
                #expect(events.last?.object["agents"] as? Int == 1)
                try await page.management.observe("b1", "STOPPED")
                try await page.management.observe("r1", "STOPPED")
                // Both changes lie in the same round; only one is told.
                #expect(try await stream.next { $0.name == "agent" || $0.name == "removed" }.agentID == "r1")
                _ = try await page.management.send("PUT", "/v1/agents/r1", json: #"{"team":"blue"}"#)
                #expect(try await stream.next { $0.name == "agent" || $0.name == "removed" }.name == "removed")
            }
        }
    }

    @Test
    func `a filter lets through who fits, and tells who no longer does`() async throws {
        try await withPage { page in
            try await page.management.addAgent("a1")
            try await page.management.observe("a1", "STOPPED")
            try await page.follow("?condition=drifted") { stream in
                #expect(try await stream.all(to: "summary").compactMap(\.agentID).isEmpty)
                try await page.management.observe("a1", "WORKING", .drifted, reason: .cameUp)
                #expect(try await stream.next("agent").agentID == "a1")
                try await page.management.observe("a1", "STOPPED")
                #expect(try await stream.next("removed").agentID == "a1")
            }
        }
    }

    @Test
    func `an agent that was deleted is told as removed`() async throws {
        try await withPage { page in
            try await page.management.addAgent("a1")
            try await page.management.observe("a1", "STOPPED")
            try await page.follow { stream in
                try await stream.next("summary")
                #expect(try await page.management.send("DELETE", "/v1/agents/a1").status == 204)
                #expect(try await stream.next("removed").agentID == "a1")
            }
        }
    }

    @Test
    func `without a snapshot the reset and the counts come, and news after them`() async throws {
        try await withPage { page in
            try await page.management.addAgent("a1")
            try await page.follow("?snapshot=false") { stream in
                try await stream.next("reset")
                #expect(try await stream.next("summary").object["agents"] as? Int == 1)
                try await page.management.observe("a1", "STOPPED")
                #expect(try await stream.next("agent").object["observed"] as? String == "STOPPED")
            }
        }
    }

    @Test
    func `an incident is told when it opens and when it is over`() async throws {
        try await withPage { page in
            try await page.management.addAgent("a1")
            try await page.follow { stream in
                try await stream.next("summary")
                _ = try await page.management.pool.query(
                    "INSERT INTO incidents (account, kind, detail) SELECT account, 'account_refused', 'x' FROM engine_accounts"
                )
                #expect(try await stream.next("incident").object["kind"] as? String == "account_refused")
                _ = try await page.management.pool.query("UPDATE incidents SET closed_at = now()")
                #expect(try await stream.next("incident").object["closed_at"] is String)
            }
        }
    }

    @Test
    func `a stream on which nothing happens says that it lives, again and again within 10 s`() async throws {
        try await withPage { page in
            try await page.follow { stream in
                try await stream.next { $0.comment != nil }
                let first = ContinuousClock.now
                for _ in 0..<2 { try await stream.next { $0.comment != nil } }
                #expect(ContinuousClock.now - first < .seconds(10))
            }
        }
    }

    @Test
    func `a browser that is closed leaves nothing behind`() async throws {
        try await withPage { page in
            for _ in 0..<20 {
                try await page.follow { stream in
                    try await stream.next { $0.comment != nil }
                    #expect(page.feed.subscriberCount > 0)
                }
            }
            try await page.wait { page.feed.subscriberCount == 0 }
        }
    }

    @Test
    func `a revoked key ends its streams`() async throws {
        try await withPage { page in
            let (record, secret) = try await page.management.keyRing.create(
                NewAPIKey(name: "x", role: .view),
                by: "test"
            )
            try await page.follow(key: secret) { stream in
                try await stream.next("summary")
                _ = try await page.management.keyRing.revoke(record.id, by: "test")
                await stream.end()
            }
            try await page.wait { page.feed.subscriberCount == 0 }
        }
    }

    @Test
    func `who may not look gets no stream`() async throws {
        try await withPage { page in
            let posts = try await page.management.send("GET", "/v1/stream", as: .clock)
            #expect(posts.status == 403)
            let nobody = try await page.management.send("GET", "/v1/stream", as: nil)
            #expect(nobody.status == 401)
            let nonsense = try await page.management.send("GET", "/v1/stream?condition=x", as: .view)
            #expect(nonsense.status == 422)
        }
    }

    @Test
    func `what was read before the database failed is told all the same`() async throws {
        try await withPage { page in
            for agent in ["a1", "a2"] {
                try await page.management.addAgent(agent)
                try await page.management.observe(agent, "STARTING")
            }
            try await page.follow { stream in
                try await stream.next("summary")
                // The last query of each reading fails from now on.
                try await page.management.asOwner(["ALTER TABLE engine_pulses RENAME TO engine_pulses_away"])
                for agent in ["a1", "a2"] { try await page.management.observe(agent, "STOPPED") }
                try await stream.next { $0.agentID == "a1" && $0.object["observed"] as? String == "STOPPED" }
                #expect(try await page.management.send("DELETE", "/v1/agents/a2").status == 204)
                #expect(try await stream.next("removed").agentID == "a2")
                _ = try await page.management.pool.query(
                    "INSERT INTO incidents (account, kind, detail) SELECT account, 'account_refused', 'x' FROM engine_accounts"
                )
                #expect(try await stream.next("incident").object["kind"] as? String == "account_refused")
            }
        }
    }
}
