import Domain
import LibPQ
import Testing

@testable import Service

/// By which clock the page of figures counts a day.
@Suite("Stats page", .timeLimit(.minutes(2)))
struct StatsPageTests {
    /// Three agents: most of `east` in Kolkata, one in Berlin.
    private func fill(_ page: PageFixture) async throws {
        _ = try await page.management.pool.query(
            """
            WITH a AS (
                INSERT INTO agents (agent_id, team, time_zone)
                VALUES ('k1', 'east', 'Asia/Kolkata'), ('k2', 'east', 'Asia/Kolkata'), ('b1', 'west', 'Europe/Berlin')
                RETURNING agent
            )
            INSERT INTO agent_states (agent)
            SELECT agent
            FROM a
            """
        )
    }

    /// From when to when, as machines read it, and in which zone.
    private func window(_ source: String) throws -> [String] {
        let line = try #require(source.firstMatch(of: #/<p id="window">.*/#)).0
        return line.matches(of: #/datetime="([^"]+)"/#).map { String($0.1) }
            + line.matches(of: #/those of ([A-Za-z\/]+)/#).map { String($0.1) }
    }

    @Test
    func `a day is one of the zone that most of the agents live in, which is said, or of the one that is chosen`()
        async throws
    {
        try await withPage { page in
            try await fill(page)
            let signIn = try await page.signIn(as: .view)
            func day(_ query: String) async throws -> [String] {
                try window(try await page.send("GET", "/stats?day=2026-03-29" + query, signIn).text)
            }
            #expect(try await day("") == ["2026-03-28T18:30:00Z", "2026-03-29T18:30:00Z", "Asia/Kolkata"])
            // The clocks are put forward on this day: it has 23 hours.
            let berlin = ["2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", "Europe/Berlin"]
            #expect(try await day("&team=west") == berlin)
            #expect(try await day("&zone=Europe/Berlin") == berlin)
            #expect(try await day("&zone=UTC") == ["2026-03-29T00:00:00Z", "2026-03-30T00:00:00Z", "UTC"])
            let page0 = try await page.send("GET", "/stats?day=2026-03-29", signIn).text
            #expect(page0.contains("2026-03-29 00:00:00"), "the reader sees the zone's own times")
            #expect(page0.contains(#"value="Europe/Berlin""#))
            for query in ["zone=Mars/Olympus", "zone=..%2Fpasswd", "day=2026-02-31", "day=now"] {
                #expect(try await page.send("GET", "/stats?" + query, signIn).status == 422, "\(query)")
            }
        }
    }

    @Test
    func `figures of a team are said to be of those who are in it today`() async throws {
        try await withPage { page in
            try await fill(page)
            let sentence = "The figures are of those who are in the team today."
            let all = try await page.signIn(as: .view)
            #expect(try await !page.send("GET", "/stats", all).text.contains(sentence))
            #expect(try await page.send("GET", "/stats?team=east", all).text.contains(sentence))
            let bound = try await page.signIn(key: try await page.management.key(.view, teams: ["east"]))
            #expect(try await page.send("GET", "/stats", bound).text.contains(sentence))
        }
    }

    @Test
    func `hours begin where the zone's hours begin`() async throws {
        try await withMigratedDatabase { pool, _ in
            // 00:10 of Kolkata is 18:40 of UTC: in one hour with 01:00 less a minute there, and in another with 19:00 of UTC.
            _ = try await pool.pipeline([
                "INSERT INTO engine_accounts (name) VALUES ('main')",
                "INSERT INTO agents (agent_id) VALUES ('a')",
                "INSERT INTO agent_states (agent) SELECT agent FROM agents",
                "INSERT INTO instances (account, instance_id, agent) SELECT e.account, 'i', a.agent FROM engine_accounts e, agents a",
                """
                INSERT INTO clock_events (dedupe, agent, source_id, kind, occurred_at, effective_at, received_at, event_id)
                SELECT gen_random_uuid(), a.agent, s.source_id, 1, t, t, t, t::text
                FROM agents a, clock_sources s,
                    unnest(ARRAY['2026-03-01T18:40:00Z', '2026-03-01T19:20:00Z', '2026-03-01T19:40:00Z']::timestamptz[]) t
                WHERE s.name = 'api'
                """,
                """
                INSERT INTO commands (instance, command_id, account, action, agent, term, intended_at, sent_at, ended_at, reason, verdict)
                SELECT x.instance, (extract(epoch FROM e.received_at) * 1000000)::bigint, x.account, 1, e.agent, 1, e.received_at,
                    e.received_at, e.received_at, 'should_run', 'ok'
                FROM clock_events e, instances x
                """,
                """
                INSERT INTO session_changes (instance, at, recorded_at, reading)
                SELECT c.instance, c.sent_at + interval '1 second', c.sent_at + interval '1 second', 'WORKING' FROM commands c
                """,
            ])
            let midnight = try #require(LocalClock(zoneName: "Asia/Kolkata").day(of: "2026-03-02"))
            let freshness = FreshnessBook(pool: pool, sweep: SweepPolicy(), callsPerSecond: [:])
            let stats = try await StatsReads(pool: pool, freshness: freshness).stats(
                StatsReads.Question(teams: nil, from: midnight.from, to: midnight.to, hoursFrom: midnight.from)
            )
            #expect(stats.hours.map(\.at.rfc3339) == ["2026-03-01T18:30:00Z", "2026-03-01T19:30:00Z"])
            #expect(stats.hours.map(\.total.count) == [2, 1])
        }
    }

    @Test
    func `drift and hibernation are drawn by the hour with an axis, and their numbers are in sight`() async throws {
        try await withPage { page in
            try await page.management.addAgent("a1")
            _ = try await page.management.pool.query("UPDATE session_owners SET from_at = '2026-03-02T06:30:00Z'")
            _ = try await page.management.pool.query(
                """
                INSERT INTO session_changes (instance, at, recorded_at, reading)
                SELECT x.instance, t, t, r
                FROM instances x,
                    (VALUES ('2026-03-02T06:30:00Z'::timestamptz, 'STOPPED'), ('2026-03-02T08:15:00Z', 'WORKING')) AS v (t, r)
                """
            )
            let signIn = try await page.signIn(as: .view)
            let source = try await page.send("GET", "/stats?day=2026-03-02&zone=UTC", signIn).text
            #expect(source.contains(#"data-chart="drift""#) && source.contains(#"data-chart="hibernation""#))
            #expect(source.contains("<title>2026-03-02 08:00:00: 1 found, 0 repaired</title>"))
            #expect(source.contains("<title>2026-03-02 07:00:00: 1 h stopped</title>"))
            #expect(source.contains("<span>06:00</span>") && source.contains(#"<span dir="auto">0.5 h</span>"#))
            #expect(source.contains(#"<time dir="ltr" datetime="2026-03-02T07:00:00Z">2026-03-02 07:00:00</time>"#))
            #expect(source.contains("<details open>"))
            #expect(source.contains(#"<dd class="figure" id="hibernated">1.8</dd>"#))
            #expect(!source.contains("unread-") && !source.contains("Hours not known"))
        }
    }

    @Test
    func `what is not known is said, with its hours and what was found after it, in every language`() async throws {
        try await withPage { page in
            try await page.management.addAgent("a1")
            _ = try await page.management.pool.pipeline([
                "UPDATE session_owners SET from_at = '2026-03-02T05:00:00Z'",
                """
                INSERT INTO session_changes (instance, at, recorded_at, reading)
                SELECT x.instance, t, t, r
                FROM instances x,
                    (VALUES ('2026-03-02T05:00:00Z'::timestamptz, 'STOPPED'), ('2026-03-02T08:15:00Z', 'WORKING')) AS v (t, r)
                """,
                "INSERT INTO look_gaps (instance, from_at, to_at) SELECT instance, '2026-03-02T06:30:00Z', '2026-03-02T08:15:00Z' FROM instances",
            ])
            let signIn = try await page.signIn(as: .view)
            let source = try await page.send("GET", "/stats?day=2026-03-02&zone=UTC&lang=en", signIn).text
            #expect(source.contains(#"<dd class="figure" id="hibernated">1.5</dd>"#))
            #expect(source.contains(#"<dd class="figure" id="unread-hours">1.8</dd>"#))
            #expect(source.contains("For 1.8 h, added up, sessions were not looked at."))
            #expect(source.contains("1 session was found changed by the first look after such a time"))
            #expect(source.contains(#"<dd class="figure" id="drift">0 found, 0 repaired</dd>"#))
            let hour = try #require(
                source.firstMatch(of: #/<tr[^>]*>(?:(?!<\/tr>).)*2026-03-02 07:00:00.*?<\/tr>/#.dotMatchesNewlines())
            )
            #expect(hour.0.contains(#"data-label="Hours not known">1</td>"#), "\(hour.0)")
            for language in ["es", "ar"] {
                let other = try await page.send("GET", "/stats?day=2026-03-02&zone=UTC&lang=\(language)", signIn).text
                #expect(other.contains(#"id="unread-hours">1.8</dd>"#) && other.contains(#"id="unread-words""#))
                #expect(!other.contains("⟦"))
            }
        }
    }
}
