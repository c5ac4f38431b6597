import Domain
import Foundation
import LibPQ
import Service
import Testing

@Suite("Agent list")
struct AgentListTests {
    /// Follows `next_cursor` to the end and returns all agent ids.
    private func ids(_ fixture: ManagementFixture, _ query: String, key: String? = nil) async throws -> [String] {
        var ids: [String] = []
        var cursor = ""
        for _ in 0..<100 {
            let page = try await fixture.send("GET", "/v1/agents?\(query)\(cursor)", key: key ?? fixture.keys[.view])
            #expect(page.status == 200)
            ids += try page.items().compactMap { $0["agent_id"] as? String }
            guard let next = try page.json()["next_cursor"] as? String else { return ids }
            cursor = "&cursor=\(next)"
        }
        Issue.record("the list does not end")
        return ids
    }

    /// Six agents: 1-3 in team a, 4-5 in team b, 6 without an instance in team a.
    private func withSixAgents(_ body: @escaping @Sendable (ManagementFixture) async throws -> Void) async throws {
        try await withManagement { fixture in
            for number in 1...5 { try await fixture.addAgent("n\(number)", team: number < 4 ? "a" : "b") }
            _ = try await fixture.send("PUT", "/v1/agents/n6", json: #"{"team":"a","name":"Zoë"}"#)
            for number in 1...5 { try await fixture.observe("n\(number)", "STOPPED") }
            try await body(fixture)
        }
    }

    @Test(arguments: [1, 2, 5, 500])
    func `pages of any size show everybody once, in order`(limit: Int) async throws {
        try await withSixAgents { fixture in
            #expect(try await ids(fixture, "limit=\(limit)") == ["n1", "n2", "n3", "n4", "n5", "n6"])
            #expect(try await ids(fixture, "limit=\(limit)&team=a") == ["n1", "n2", "n3", "n6"])
            let both = try await fixture.key(.view, teams: ["b", "a", "none"])
            #expect(try await ids(fixture, "limit=\(limit)", key: both) == ["n1", "n2", "n3", "n6", "n4", "n5"])
            #expect(try await ids(fixture, "limit=\(limit)&condition=converged") == ["n1", "n2", "n3", "n4", "n5"])
        }
    }

    @Test
    func `teams that are named in any order and twice are walked once each`() async throws {
        try await withSixAgents { fixture in
            let reads = fixture.dependencies.reads
            let filter = AgentFilter(teams: ["b", "a", "b"])
            var (ids, cursor) = ([String](), String?.none)
            repeat {
                let page = try await reads.page(filter, cursor: cursor, limit: 1)
                ids += page.agents.map(\.agentID)
                cursor = page.nextCursor
            } while cursor != nil && ids.count < 20
            #expect(ids == ["n1", "n2", "n3", "n6", "n4", "n5"])
        }
    }

    @Test
    func `filters narrow the list`() async throws {
        try await withSixAgents { fixture in
            try await fixture.addEvent(.clockIn, of: "n2", ago: .seconds(60), matched: true)
            try await fixture.refold("n2")
            try await fixture.observe("n3", "STOPPED", .needsAttention, reason: .startRefused)
            try await fixture.observe("n4", "STOPPED", ago: .seconds(3600))
            try await fixture.observe("n5", "STOPPED", .needsAttention, reason: .startRefused, ago: .seconds(3600))
            #expect(try await ids(fixture, "shift=in") == ["n2"])
            #expect(try await ids(fixture, "shift=out&team=b") == ["n4", "n5"])
            #expect(try await ids(fixture, "condition=unassigned") == ["n6"])
            #expect(try await ids(fixture, "condition=needs_attention") == ["n3"])
            #expect(try await ids(fixture, "condition=needs_attention&team=b").isEmpty)
            #expect(try await ids(fixture, "condition=unknown") == ["n4", "n5"])
            #expect(try await ids(fixture, "condition=converged&team=a") == ["n1", "n2"])
            #expect(try await ids(fixture, "condition=held").isEmpty)
        }
    }

    @Test
    func `the search finds parts without case and takes no patterns`() async throws {
        try await withSixAgents { fixture in
            let found67 = try await ids(fixture, "q=N4")
            #expect(found67 == ["n4"])
            let found68 = try await ids(fixture, "q=S-I-N5")
            #expect(found68 == ["n5"])
            let found69 = try await ids(fixture, "q=zo%C3%AB")
            #expect(found69 == ["n6"])
            let found70 = try await ids(fixture, "q=agent+n1")
            #expect(found70 == ["n1"])
            let found71 = try await ids(fixture, "q=%25").isEmpty
            #expect(found71)
            let found72 = try await ids(fixture, "q=_").isEmpty
            #expect(found72)
            let found73 = try await ids(fixture, "q=n&team=b&condition=converged&shift=out&limit=1")
            #expect(found73 == ["n4", "n5"])
        }
    }

    @Test
    func `exceptions come in pages too`() async throws {
        try await withSixAgents { fixture in
            for number in 1...5 {
                try await fixture.observe("n\(number)", "STOPPED", .drifted, reason: .wentDown)
            }
            #expect(try await ids(fixture, "condition=drifted&limit=2").sorted() == ["n1", "n2", "n3", "n4", "n5"])
            let key = try await fixture.key(.view, teams: ["b"])
            #expect(try await ids(fixture, "condition=drifted&limit=1", key: key).sorted() == ["n4", "n5"])
        }
    }

    @Test
    func `agents whose session starts or stops are found through what is in line`() async throws {
        try await withSixAgents { fixture in
            for number in [1, 2, 4] {
                try await fixture.observe("n\(number)", "STARTING", .starting, reason: .booting)
            }
            try await fixture.observe("n3", "WORKING", .stopping, reason: .stopSent)
            #expect(try await ids(fixture, "condition=starting&limit=1").sorted() == ["n1", "n2", "n4"])
            #expect(try await ids(fixture, "condition=starting&team=a").sorted() == ["n1", "n2"])
            #expect(try await ids(fixture, "condition=stopping") == ["n3"])
            #expect(try await ids(fixture, "condition=stopping&q=n4").isEmpty)
            try await fixture.observe("n4", "STARTING", .starting, reason: .booting, ago: .seconds(3600))
            #expect(try await ids(fixture, "condition=starting").sorted() == ["n1", "n2"])
        }
    }

    @Test
    func `an agent looks the same alone and in the list`() async throws {
        try await withSixAgents { fixture in
            var alone = try await fixture.send("GET", "/v1/agents/n1").json()
            alone["aliases"] = nil
            alone["waiting"] = nil
            let listed = try #require(try await fixture.send("GET", "/v1/agents?q=n1").items().first)
            #expect(NSDictionary(dictionary: alone) == NSDictionary(dictionary: listed))
        }
    }

    @Test
    func `an engine account that came a moment ago has its name in the list`() async throws {
        try await withSixAgents { fixture in
            _ = try await fixture.send("GET", "/v1/agents")  // From here on the accounts are known, for half a minute.
            try await Registry(pool: fixture.dependencies.pool).accounts(["second"])
            let answer = try await fixture.send(
                "PUT",
                "/v1/agents/n7",
                json: #"{"team":"b","instance":{"engine":"second","instance_id":"i-n7"}}"#
            )
            #expect(answer.status == 201)
            let engines = try await fixture.send("GET", "/v1/agents?team=b").items().map { item in
                (item["instance"] as? [String: Any])?["engine"] as? String
            }
            #expect(engines == ["main", "main", "second"])
        }
    }
}
