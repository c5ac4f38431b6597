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

    /// Agents of two teams in every condition, read just now or long ago, on every shift, without a hold, held, or with a hold that is
    /// over; every fourth is being removed.
    private func addEveryStanding(_ pool: PQPool) async throws {
        let statements: [PQStatement] = [
            """
            INSERT INTO agents (agent_id, team, removal_asked_at)
            SELECT 'e' || lpad(n::text, 4, '0'), CASE WHEN n % 3 = 0 THEN 'a' ELSE 'b' END, CASE WHEN n % 4 = 0 THEN now() END
            FROM generate_series(1, 1200) AS n
            """,
            """
            INSERT INTO agent_states (agent, shift, desired, hold_state, hold_until, hold_reason, hold_author)
            SELECT agent, s, (agent % 2)::smallint,
                CASE WHEN h > 0 THEN (h % 2)::smallint END,
                CASE WHEN h > 0 THEN now() + CASE WHEN h > 2 THEN interval '-1 hour' ELSE interval '1 hour' END END, '', ''
            FROM (SELECT agent, (agent % 3)::smallint AS s, agent / 3 % 5 AS h FROM agents) a
            """,
            """
            INSERT INTO instances (account, instance_id, agent)
            SELECT e.account, 'I-' || a.agent, a.agent
            FROM agents a
            CROSS JOIN engine_accounts e
            WHERE a.agent % 11 <> 0
            """,
            """
            INSERT INTO observed_states (instance, reading, read_at, condition, reason, attention)
            SELECT x.instance, 'STOPPED', now() - CASE WHEN x.agent % 7 = 0 THEN interval '1 hour' ELSE interval '0' END, c.name,
                CASE WHEN x.agent % 2 = 0 THEN 'account_refused' WHEN x.agent % 5 = 0 THEN 'listed_only' ELSE 'stopped' END,
                c.code
            FROM instances x
            JOIN unnest(
                \(Condition.allCases.map(\.rawValue)),
                \(Condition.allCases.map { $0.isException ? $0.code : nil })
            ) WITH ORDINALITY AS c (name, code, number) ON c.number = x.agent / 16 % 8 + 1
            """,
            """
            INSERT INTO reconcile_queue (instance, account, priority, due_at)
            SELECT instance, account, 0, now() + interval '1 day'
            FROM instances
            """,
        ]
        for statement in statements { _ = try await pool.query(statement) }
    }

    /// What a list says of each agent.
    private func agreements(_ fixture: ManagementFixture, _ query: String) async throws -> [String: String] {
        var agreements: [String: String] = [:]
        var cursor = ""
        while true {
            let page = try await fixture.send("GET", "/v1/agents?limit=500\(query)\(cursor)")
            for item in try page.items() {
                agreements[try #require(item["agent_id"] as? String)] = try #require(item["agreement"] as? String)
            }
            guard let next = try page.json()["next_cursor"] as? String else { return agreements }
            cursor = "&cursor=\(next)"
        }
    }

    @Test
    func `an agreement is asked for by the word that each agent says of itself`() async throws {
        try await withManagement { fixture in
            try await addEveryStanding(fixture.pool)
            let all = try await agreements(fixture, "")
            #expect(all.count == 1200)
            #expect(Set(all.values) == Set(Agreement.allCases.map(\.rawValue)))
            let ofTeam = try await agreements(fixture, "&team=a")
            for agreement in Agreement.allCases.map(\.rawValue) {
                let own = all.filter { $0.value == agreement }
                #expect(try await agreements(fixture, "&agreement=\(agreement)") == own, "\(agreement)")
                let found = try await agreements(fixture, "&team=a&agreement=\(agreement)")
                #expect(found == ofTeam.filter { $0.value == agreement }, "\(agreement)")
            }
            let some = try await ids(fixture, "agreement=alone&limit=2")
            #expect(some.sorted() == all.filter { $0.value == "alone" }.keys.sorted(), "also in small pages")
            let mute = try await ids(fixture, "agreement=mute&condition=drifted")
            #expect(mute.sorted() == all.filter { $0.value == "mute" }.keys.sorted())
            #expect(try await ids(fixture, "agreement=mute&condition=held").isEmpty)
            #expect(try await ids(fixture, "agreement=mute&shift=out").isEmpty)
        }
    }

    @Test
    func `a word that is no agreement is refused, with those that are`() async throws {
        try await withManagement { fixture in
            let answer = try await fixture.send("GET", "/v1/agents?agreement=drifted")
            #expect(try answer.status == 422 && answer.code() == "invalid_field")
            #expect(answer.text.contains("agreement") && answer.text.contains("must_scan"), "\(answer.text)")
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
