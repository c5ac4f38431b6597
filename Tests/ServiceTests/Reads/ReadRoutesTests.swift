import Domain
import Foundation
import LibPQ
import Service
import Testing

@Suite("Read routes")
struct ReadRoutesTests {
    @Test
    func `the summary counts by team, shift and condition`() async throws {
        try await withManagement { fixture in
            for number in 1...3 { try await fixture.addAgent("n\(number)", team: number < 3 ? "a" : "b") }
            _ = try await fixture.send("PUT", "/v1/agents/n4", json: #"{"team":"b"}"#)
            try await fixture.observe("n1", "STOPPED")
            try await fixture.observe("n2", "STOPPED", ago: .seconds(3600))
            try await fixture.addEvent(.clockIn, of: "n3", ago: .seconds(60), matched: true)
            try await fixture.refold("n3")
            let summary = try await fixture.send("GET", "/v1/summary", as: .view).json()
            #expect(summary["agents"] as? Int == 4)
            #expect((summary["shift"] as? [String: Int])?["in"] == 1)
            let conditions = try #require(summary["condition"] as? [String: Int])
            #expect(Set(conditions.keys) == Set(Condition.allCases.map(\.rawValue)))
            #expect(conditions["converged"] == 1 && conditions["unknown"] == 2 && conditions["unassigned"] == 1)
            let teams = try #require(summary["teams"] as? [[String: Any]])
            #expect(teams.map { $0["team"] as? String } == ["a", "b"])
            #expect(teams.map { $0["agents"] as? Int } == [2, 2])
        }
    }

    @Test
    func `an explanation names the rule, the losers, the event and what would change it`() async throws {
        try await withManagement { fixture in
            try await fixture.addAgent("a1")
            try await fixture.addEvent(.clockIn, of: "a1", ago: .seconds(60), matched: true)
            try await fixture.refold("a1")
            let until = fixture.clock.now() + .seconds(600)
            _ = try await fixture.send(
                "PUT",
                "/v1/agents/a1/hold",
                as: .manage,
                json: #"{"state":"stopped","until":"\#(until.rfc3339)","reason":"ill"}"#
            )
            let explanation = try await fixture.send("GET", "/v1/agents/a1/explain", as: .view).json()
            let desired = try #require(explanation["desired"] as? [String: Any])
            #expect(desired["state"] as? String == "stopped")
            #expect(desired["rule"] as? String == "hold")
            #expect(desired["next_change_at"] as? String == until.rfc3339)
            let losing = try #require(desired["losing"] as? [[String: String]])
            #expect(losing == [["rule": "shift", "state": "running"], ["rule": "default", "state": "stopped"]])
            #expect((explanation["event"] as? [String: Any])?["kind"] as? String == "clock_in")
            let changes = try #require(explanation["changes"] as? [String])
            #expect(changes.contains { $0.contains(until.rfc3339) })
            #expect(explanation["next_look_at"] is String)
            #expect((explanation["commands"] as? [Any])?.isEmpty == true)
        }
    }

    @Test
    func `commands show in the explanation and in the timeline`() async throws {
        try await withManagement { fixture in
            try await fixture.addAgent("a1")
            let intendedAt = fixture.clock.now() - .seconds(30)
            _ = try await fixture.pool.query(
                """
                INSERT INTO commands (
                    instance, command_id, account, action, agent, generation, term, intended_at, sent_at, ended_at, reason,
                    verdict, claim, http_status
                )
                SELECT x.instance, \(intendedAt.microseconds), x.account, 1, x.agent, 1, 1, \(intendedAt), \(intendedAt),
                    \(intendedAt + .seconds(1)), 'should_run', 'ok', 'STARTING', 200
                FROM instances x
                """
            )
            let explanation = try await fixture.send("GET", "/v1/agents/a1/explain").json()
            let commands = try #require(explanation["commands"] as? [[String: Any]])
            #expect(commands.count == 1)
            #expect(commands[0]["action"] as? String == "start" && commands[0]["http_status"] as? Int == 200)
            let timeline = try await fixture.send("GET", "/v1/agents/a1/timeline").json()
            #expect((timeline["commands"] as? [Any])?.count == 1)
            let observed = try #require(timeline["observed"] as? [[String: Any]])
            #expect(observed.contains { $0["state"] as? String == "STARTING" && $0["reason"] as? String == "claimed" })
        }
    }

    @Test(arguments: [
        "from=2026-01-01T00:00:00Z&to=2026-03-01T00:00:00Z", "from=x", "to=2000-01-01", "from=2999-01-01T00:00:00Z",
    ])
    func `a span that makes no sense is refused`(query: String) async throws {
        try await withManagement { fixture in
            try await fixture.addAgent("a1")
            let answer = try await fixture.send("GET", "/v1/agents/a1/timeline?\(query)")
            #expect(answer.status == 422)
        }
    }

    @Test
    func `incidents are shown to those whose agents they touch, with their own counts`() async throws {
        try await withManagement { fixture in
            try await fixture.addAgent("a1", team: "a")
            try await fixture.addAgent("b1", team: "b")
            _ = try await fixture.pool.query(
                """
                INSERT INTO incidents (account, kind, detail, closed_at)
                SELECT account, k, '', CASE WHEN k = 'old' THEN now() - interval '8 days' END
                FROM engine_accounts CROSS JOIN unnest(ARRAY['refused', 'old']) AS k
                """
            )
            let all = try await fixture.send("GET", "/v1/incidents").items()
            #expect(all.map { $0["kind"] as? String } == ["refused"])
            #expect(all.first?["agents"] as? Int == 2)
            let key = try await fixture.key(.view, teams: ["a"])
            #expect(try await fixture.send("GET", "/v1/incidents", key: key).items().first?["agents"] as? Int == 1)
            let stranger = try await fixture.key(.view, teams: ["c"])
            #expect(try await fixture.send("GET", "/v1/incidents", key: stranger).items().isEmpty)
        }
    }

    @Test
    func `health needs no key and says how durable a promise is`() async throws {
        try await withManagement { fixture in
            #expect(try await fixture.send("GET", "/livez", as: nil).status == 200)
            let ready = try await fixture.send("GET", "/readyz", as: nil)
            #expect(ready.status == 200)
            #expect(try ready.json()["durability"] as? String == "local")
            #expect(try ready.json()["migrations"] as? String == "applied")
            let page = try await fixture.send("GET", "/openapi.yaml", as: nil)
            #expect(page.status == 200)
            #expect(page.text.hasPrefix("openapi: 3.1.0"))
        }
    }

    @Test
    func `every route and every code is in the description`() async throws {
        try await withManagement { fixture in
            let text = try await fixture.send("GET", "/openapi.yaml", as: nil).text
            for route in managementRoutes + eventRoutes + pageRoutes.filter({ $0.path.hasPrefix("/v1/") }) {
                let methods = try Self.lines(of: route.path, in: text).filter { $0.hasPrefix("    ") }
                let isThere = methods.contains { $0.hasPrefix("    \(route.method.lowercased()):") }
                #expect(isThere, "\(route.method) \(route.path)")
            }
            #expect(try Self.words(of: "Problem", in: text) == Set(ProblemCode.allCases.map(\.rawValue)))
            #expect(try Self.words(of: "Condition", in: text) == Set(Condition.allCases.map(\.rawValue)))
            #expect(try Self.words(of: "Reason", in: text) == Set(Reason.allCases.map(\.rawValue)))
        }
    }

    /// What the description says under an address.
    private static func lines(of path: String, in text: String) throws -> ArraySlice<Substring> {
        let lines = text.split(separator: "\n")
        let start = try #require(lines.firstIndex { $0 == "  \(path):" }, "\(path)")
        return lines[(start + 1)...].prefix { $0.hasPrefix("   ") }
    }

    /// The first list of allowed words in a schema.
    private static func words(of schema: String, in text: String) throws -> Set<String> {
        let schemas = try #require(text.range(of: "\n  schemas:\n"))
        let start = try #require(text[schemas.lowerBound...].range(of: "\n    \(schema):\n"))
        let list = try #require(text[start.upperBound...].range(of: "enum:"))
        let words = text[list.upperBound...].drop { $0 != "[" }.dropFirst().prefix { $0 != "]" }
        return Set(words.split { $0 == "," || $0.isWhitespace }.map(String.init))
    }

    @Test
    func `an incident that is open is never hidden by many that are over`() async throws {
        try await withManagement { fixture in
            _ = try await fixture.pool.pipeline([
                "INSERT INTO incidents (account, kind, detail) SELECT account, 'account_refused', 'open' FROM engine_accounts",
                """
                INSERT INTO incidents (account, kind, detail, opened_at, closed_at)
                SELECT e.account, 'engine_outage', 'over', now() - make_interval(mins => n), now() - make_interval(mins => n - 1)
                FROM engine_accounts e, generate_series(1, 230) n
                """,
            ])
            let items = try await fixture.send("GET", "/v1/incidents").items()
            #expect(items.count == 200)
            #expect(items.first?["kind"] as? String == "account_refused")
            let ends = items.compactMap { $0["closed_at"] as? String }
            #expect(ends.count == 199 && ends == ends.sorted(by: >), "then the latest that ended")
        }
    }
}
