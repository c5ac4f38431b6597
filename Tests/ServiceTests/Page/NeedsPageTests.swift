import Domain
import LibPQ
import Service
import Testing

/// Which of many who need somebody the page shows.
@Suite("Needs on the page", .timeLimit(.minutes(2)))
struct NeedsPageTests {
    /// Agents at work without a session, 90 of them; the higher the number, the longer they wait.
    private func fill(_ page: PageFixture) async throws {
        _ = try await page.management.pool.query(
            """
            WITH a AS (
                INSERT INTO agents (agent_id, team, created_at)
                SELECT 'n' || lpad(n::text, 4, '0'), '', now() - make_interval(mins => n)
                FROM generate_series(1, 90) AS n
                RETURNING agent
            )
            INSERT INTO agent_states (agent, shift, desired)
            SELECT agent, 1, 1
            FROM a
            """
        )
    }

    private func needs(_ source: String) -> [String] {
        source.matches(of: #/<li class="need" data-agent="([^"]+)"/#).map { String($0.1) }
    }

    @Test
    func `of more than fifty those stand there that have waited longest, whoever is worse off before them`()
        async throws
    {
        try await withPage { page in
            try await fill(page)
            // Two who are stuck since a moment ago come before anybody without a session.
            for agent in ["z1", "z2"] {
                try await page.management.addAgent(agent)
                try await page.management.observe(agent, "FAILED", .needsAttention, reason: .failedRestart)
            }
            _ = try await page.management.pool.query(
                "UPDATE agent_states SET shift = 1, desired = 1 WHERE agent IN (SELECT agent FROM agents WHERE name LIKE '%z_')"
            )
            let signIn = try await page.signIn(as: .view)
            let source = try await page.send("GET", "/", signIn).text
            let waiting = (43...90).reversed().map { "n00\($0)" }
            #expect(needs(source).prefix(2).sorted() == ["z1", "z2"])
            #expect(Array(needs(source).dropFirst(2)) == waiting)
            #expect(source.contains(#"data-count="needs_somebody">92<"#))
            #expect(source.contains("There are more than are shown here"))
        }
    }

    @Test
    func `who is in no team has a row of counts, and a list of their own`() async throws {
        try await withPage { page in
            try await fill(page)
            try await page.management.addAgent("t1", team: "red")
            let signIn = try await page.signIn(as: .view)
            let source = try await page.send("GET", "/", signIn).text
            let row = #/<tr role="row" data-team="([^"]*)"><th[^>]*><a href="([^"]*)" ?><bdi>([^<]*)</#
            let rows = source.matches(of: row).map { [String($0.1), String($0.2), String($0.3)] }
            #expect(rows.prefix(2) == [["red", "/?team=red", "red"], ["", "/?no_team=true", "without a team"]])
            let own = try await page.send("GET", "/?no_team=true", signIn).text
            #expect(own.contains("/v1/agents?no_team=true&amp;limit=500"))
            #expect(!own.contains(#"<tr role="row" data-agent="t1""#))
            #expect(own.contains(#"data-count="agents">90<"#))
            let items = try await page.send("GET", "/v1/agents?no_team=true&limit=500", signIn).items()
            #expect(items.count == 90)
            let bound = try await page.management.key(.view, teams: ["red"])
            let theirs = try await page.management.send("GET", "/v1/agents?no_team=true", key: bound)
            #expect(try theirs.items().isEmpty)
        }
    }

    @Test
    func `a page that is read again by its script brings neither the list nor the words once more`() async throws {
        try await withPage { page in
            try await fill(page)
            let signIn = try await page.signIn(as: .view)
            let whole = try await page.send("GET", "/", signIn).text
            let again = try await page.send("GET", "/", signIn, headers: ["X-Rollcall-Reread": "true"]).text
            #expect(needs(again) == needs(whole) && again.contains(#"data-count="needs_somebody">90<"#))
            #expect(whole.contains(#"<tr role="row" data-agent="n0001""#))
            #expect(!again.contains(#"<tr role="row" data-agent="n0001""#) && !again.contains("<i data-key="))
        }
    }
}
