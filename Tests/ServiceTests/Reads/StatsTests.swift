import Domain
import LibPQ
import Testing

@testable import Service

@Suite("Stats", .timeLimit(.minutes(2)))
struct StatsTests {
    /// Writes the rows of one start: the event, the intent, the call and what was read, each so many milliseconds after the one
    /// before; `nil` for a session that never ran.
    func addStart(
        _ agentID: String,
        ago: Duration,
        steps: (accept: Int64, queue: Int64, call: Int64, boot: Int64?, seen: Int64),
        in fixture: ManagementFixture
    ) async throws {
        let now = fixture.clock.now() - ago
        func at(_ milliseconds: Int64) -> Timestamp { now + .milliseconds(milliseconds) }
        try await fixture.addEvent(.clockIn, of: agentID, ago: fixture.clock.now() - now, matched: true)
        _ = try await fixture.pool.query("UPDATE observed_states SET reading = NULL")
        let sent = steps.accept + steps.queue
        let ended = sent + steps.call
        var statements: [PQStatement] = [
            """
            INSERT INTO commands (instance, command_id, account, action, agent, generation, term, intended_at, sent_at, ended_at, reason, verdict)
            SELECT x.instance, \(at(0).microseconds), x.account, 1, a.agent, 1, 1, e.received_at + make_interval(secs => \(Double(steps.accept) / 1000)),
                e.received_at + make_interval(secs => \(Double(sent) / 1000)), e.received_at + make_interval(secs => \(Double(ended) / 1000)),
                'should_run', 'ok'
            FROM agents a
            JOIN instances x ON x.agent = a.agent
            JOIN clock_events e ON e.agent = a.agent
            WHERE a.agent_id = \(agentID)
            ORDER BY e.sequence DESC
            LIMIT 1
            """
        ]
        if let boot = steps.boot {
            statements.append(
                """
                INSERT INTO session_changes (instance, at, recorded_at, reading)
                SELECT c.instance, c.ended_at + make_interval(secs => \(Double(boot) / 1000)),
                    c.ended_at + make_interval(secs => \(Double(boot + steps.seen) / 1000)), 'WORKING'
                FROM commands c
                ORDER BY c.intended_at DESC
                LIMIT 1
                """
            )
        }
        _ = try await fixture.pool.pipeline(statements)
    }

    func stages(_ answer: WireResponse) throws -> [String: (count: Int, median: Double?, p95: Double?)] {
        let items = try #require(try answer.json()["stages"] as? [[String: Any]])
        var stages: [String: (count: Int, median: Double?, p95: Double?)] = [:]
        for item in items {
            let name = try #require(item["stage"] as? String)
            stages[name] = (try #require(item["count"] as? Int), item["p50_ms"] as? Double, item["p95_ms"] as? Double)
        }
        return stages
    }

    @Test
    func `the way from a clock event to a session that runs is told by its stages, for the teams one may see`()
        async throws
    {
        try await withManagement { fixture in
            for (agent, team) in [("a1", "red"), ("a2", "red"), ("b1", "blue")] {
                try await fixture.addAgent(agent, team: team, instance: agent)
            }
            try await addStart("a1", ago: .seconds(7200), steps: (10, 100, 50, 4_000, 5), in: fixture)
            try await addStart("a2", ago: .seconds(3600), steps: (30, 300, 70, 6_000, 5), in: fixture)
            try await addStart("b1", ago: .seconds(1800), steps: (20, 200, 60, nil, 0), in: fixture)
            let all = try stages(try await fixture.send("GET", "/v1/stats", as: .view))
            #expect(all["accept"]?.count == 3 && all["accept"]?.median == 20)
            #expect(all["queue"]?.median == 200)
            #expect(all["call"]?.median == 60)
            #expect(all["boot"]?.count == 2 && all["boot"]?.median == 5_000)
            #expect(all["boot"]?.p95 == 5_900)
            #expect(all["seen"]?.median == 5)
            #expect(all["total"]?.count == 2 && all["total"]?.median == 5_285)
            let key = try await fixture.key(.view, teams: ["blue"])
            let blue = try stages(try await fixture.send("GET", "/v1/stats", key: key))
            #expect(blue["accept"]?.count == 1 && blue["accept"]?.median == 20)
            #expect(blue["total"]?.count == 0 && blue["total"]?.median == nil)
            let red = try stages(try await fixture.send("GET", "/v1/stats?team=red", as: .view))
            #expect(red["accept"]?.count == 2)
            let others = try stages(try await fixture.send("GET", "/v1/stats?team=red", key: key))
            #expect(others["accept"]?.count == 0)
            let hours = try #require(
                try await fixture.send("GET", "/v1/stats?team=red").json()["hours"] as? [[String: Any]]
            )
            #expect(hours.compactMap { $0["count"] as? Int }.reduce(0, +) == 2)
            let since = (fixture.clock.now() - .seconds(2700)).rfc3339
            let later = try stages(try await fixture.send("GET", "/v1/stats?from=\(since)", as: .view))
            #expect(later["accept"]?.count == 1)
        }
    }

    @Test
    func `stopped hours count from the change before the span, and only within it`() async throws {
        try await withManagement { fixture in
            try await fixture.addAgent("a1", instance: "a1")
            try await fixture.addAgent("a2", instance: "a2")
            let now = fixture.clock.now()
            for (agent, hoursAgo, reading) in [
                ("a1", 30, "STOPPED"), ("a1", 10, "WORKING"), ("a1", 4, "STOPPED"), ("a2", 40, "WORKING"),
            ] {
                _ = try await fixture.pool.query(
                    """
                    INSERT INTO session_changes (instance, at, recorded_at, reading)
                    SELECT x.instance, \(now - .seconds(Int64(hoursAgo) * 3600)), now(), \(reading)
                    FROM instances x
                    WHERE x.instance_id = \(agent)
                    """
                )
            }
            _ = try await fixture.pool.query("UPDATE session_owners SET from_at = now() - interval '50 hours'")
            let answer = try await fixture.send("GET", "/v1/stats?from=\((now - .seconds(86_400)).rfc3339)")
            let hours = try #require(try answer.json()["hibernated_hours"] as? Double)
            #expect(abs(hours - 18) < 0.2, "\(hours)")
        }
    }

    @Test(arguments: ["from=2030-01-01T00:00:00Z", "from=2020-01-01T00:00:00Z", "from=yesterday", "to=now"])
    func `a span that cannot be is refused`(query: String) async throws {
        try await withManagement { fixture in
            let answer = try await fixture.send("GET", "/v1/stats?\(query)")
            #expect(answer.status == 422, "\(answer.text)")
        }
    }

    @Test
    func `old changes go, but for what a session still is`() async throws {
        try await withManagement { fixture in
            try await fixture.addAgent("a1", instance: "a1")
            _ = try await fixture.pool.query(
                """
                INSERT INTO session_changes (instance, at, recorded_at, reading)
                SELECT x.instance, now() - make_interval(days => d), now(), 'STOPPED'
                FROM instances x, unnest(ARRAY[300, 200, 100, 95]) AS d
                """
            )
            let history = OldHistory(pool: fixture.pool)
            #expect(try await history.forget(keep: Retention.changesKept) == 3)
            #expect(try await history.forget(keep: Retention.changesKept) == 0)
            #expect(try await fixture.count("SELECT count(*) AS count FROM session_changes") == 1)
        }
    }

    @Test
    func `no change outlives its instance and whoever had it`() async throws {
        try await withManagement { fixture in
            for agent in ["a1", "a2"] {
                try await fixture.addAgent(agent, instance: agent)
            }
            _ = try await fixture.pool.query(
                "INSERT INTO session_changes (instance, at, recorded_at, reading) SELECT instance, now(), now(), 'STOPPED' FROM instances"
            )
            _ = try await fixture.pool.pipeline([
                "DELETE FROM session_owners WHERE instance IN (SELECT instance FROM instances WHERE instance_id = 'a1')",
                "DELETE FROM instances WHERE instance_id = 'a1'",
            ])
            #expect(try await fixture.count("SELECT count(*) AS count FROM session_changes") == 1)
        }
    }

    @Test
    func `what really happened is in the figures and on the timeline`() async throws {
        try await withRunningService { service in
            try await service.add("ana")
            #expect(try await service.clock("clock-in", "ana", wait: 30).status == 200)
            try await service.until("ana") { $0.observed == "WORKING" && $0.condition == "converged" }
            try await service.engine.put(["i-ana"], "STOPPED")
            try await service.sweep()
            try await service.until("ana") { $0.observed == "WORKING" && $0.condition == "converged" }
            // They are a quarter of a minute old.
            try await service.until(within: .seconds(60)) {
                let drift = try await service.send("GET", "/v1/stats").json()["drift"] as? [String: Any]
                return drift?["found"] as? Int == 1 && drift?["repaired"] as? Int == 1
            }
            let answer = try await service.send("GET", "/v1/stats")
            let figures = try stages(answer)
            for stage in Stats.Stage.allCases { #expect(figures[stage.rawValue]?.count == 1, "\(stage)") }
            let parts = Stats.Stage.allCases.filter { $0 != .total }.compactMap { figures[$0.rawValue]?.median }
            let total = try #require(figures["total"]?.median)
            #expect(parts.allSatisfy { $0 >= 0 })
            #expect(abs(parts.reduce(0, +) - total) < 1)
            let drift = try #require(try answer.json()["drift"] as? [String: Any])
            #expect(drift["found"] as? Int == 1 && drift["repaired"] as? Int == 1)
            let timeline = try await service.send("GET", "/v1/agents/ana/timeline").json()
            let observed = try #require(timeline["observed"] as? [[String: Any]])
            let read = observed.filter { $0["reason"] as? String == "read" }.compactMap { $0["state"] as? String }
            #expect(read.filter { $0 == "WORKING" }.count == 2)
            #expect(read.contains("STOPPED"))
        }
    }

    /// Readings and commands of one session, so many minutes ago; a command's action is that of `Action`'s code.
    private struct Course: Sendable {
        var readings: [(Int, String)]
        var commands: [(Int, Action)] = []
        var found, repaired: Int
    }

    private static let courses: [Course] = [
        // Nobody did anything about it, and nobody was to.
        Course(readings: [(600, "STOPPED"), (300, "WORKING")], found: 1, repaired: 0),
        // Found once, however often it was tried to mend it, and right again in the end.
        Course(
            readings: [
                (590, "WORKING"), (500, "STOPPED"), (490, "FAILED"), (480, "STARTING"), (470, "FAILED"),
                (400, "WORKING"),
            ],
            commands: [(595, .start), (495, .restart), (485, .restart), (410, .restart)],
            found: 1,
            repaired: 1
        ),
        // Again after it was right again.
        Course(
            readings: [(590, "WORKING"), (500, "STOPPED"), (400, "WORKING"), (300, "SCAN_QR_CODE")],
            commands: [(595, .start)],
            found: 2,
            repaired: 1
        ),
        // What we did is none.
        Course(
            readings: [(590, "WORKING"), (500, "STOPPED"), (400, "STARTING"), (395, "WORKING")],
            commands: [(600, .start), (501, .stop), (401, .start)],
            found: 0,
            repaired: 0
        ),
    ]

    @Test(arguments: courses.indices)
    func `a session that was found otherwise counts once until it is right again, whether anything was done or not`(
        number: Int
    ) async throws {
        let course = Self.courses[number]
        try await withManagement { fixture in
            try await fixture.addAgent("a1", instance: "a1")
            _ = try await fixture.pool.query("UPDATE session_owners SET from_at = now() - interval '11 hours'")
            let now = fixture.clock.now()
            for (minutes, reading) in course.readings {
                _ = try await fixture.pool.query(
                    """
                    INSERT INTO session_changes (instance, at, recorded_at, reading)
                    SELECT instance, \(now - .seconds(Int64(minutes) * 60)), now(), \(reading) FROM instances
                    """
                )
            }
            for (minutes, action) in course.commands {
                let at = now - .seconds(Int64(minutes) * 60)
                _ = try await fixture.pool.query(
                    """
                    INSERT INTO commands (instance, command_id, account, action, term, intended_at, sent_at, ended_at, reason)
                    SELECT instance, \(at.microseconds), account, \(action.code), 1, \(at), \(at), \(at), 'x' FROM instances
                    """
                )
            }
            let drift = try #require(try await fixture.send("GET", "/v1/stats").json()["drift"] as? [String: Any])
            #expect(drift["found"] as? Int == course.found && drift["repaired"] as? Int == course.repaired, "\(drift)")
            let hours = try #require(drift["hours"] as? [[String: Any]])
            #expect(hours.compactMap { $0["found"] as? Int }.reduce(0, +) == course.found)
        }
    }

    @Test
    func `a flicker that passes by itself is no drift`() async throws {
        try await withManagement { fixture in
            try await fixture.addAgent("a1", instance: "a1")
            _ = try await fixture.pool.query("UPDATE session_owners SET from_at = now() - interval '11 hours'")
            _ = try await fixture.pool.query(
                """
                INSERT INTO session_changes (instance, at, recorded_at, reading)
                SELECT x.instance, now() - make_interval(secs => v.ago), now(), v.reading
                FROM instances x, (VALUES (7200, 'WORKING'), (3600, 'STARTING'), (3590, 'WORKING')) AS v (ago, reading)
                """
            )
            let drift = try #require(try await fixture.send("GET", "/v1/stats").json()["drift"] as? [String: Any])
            #expect(drift["found"] as? Int == 0)
        }
    }
}
