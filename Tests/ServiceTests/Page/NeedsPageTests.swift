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

    @Test(arguments: [
        ("?condition=converged", "0", 0, false), ("?shift=in", "90", 50, true), ("?shift=out", "0", 0, false),
        ("?condition=unassigned&shift=in", "90", 50, true), ("?q=n000", "9", 9, false), ("?q=n00", "90", 50, true),
    ])
    func `how many need somebody goes by the whole filter, as those do who are shown`(
        query: String,
        count: String,
        shown: Int,
        isMore: Bool
    ) async throws {
        try await withPage { page in
            try await fill(page)
            let source = try await page.send("GET", "/\(query)", try await page.signIn(as: .view)).text
            #expect(needs(source).count == shown)
            #expect(source.contains(#"data-count="needs_somebody">\#(count)<"#))
            #expect(source.contains(#"<p id="need-more" >"#) == isMore)
            #expect(source.contains(#"<p id="calm" class="calm" >"#) == (shown == 0))
            #expect(source.contains("</span>Nobody who fits this filter needs anything at the moment."))
        }
    }

    @Test
    func `a count leads to those whom it counts, and back`() async throws {
        try await withPage { page in
            try await fill(page)
            try await page.management.addAgent("t1", team: "red")
            let signIn = try await page.signIn(as: .view)
            func address(_ mark: String, _ source: String) -> String? {
                source.matches(of: #/<a [^>]*?href="([^"]*)"[^>]*>/#).first { $0.0.contains(mark) }
                    .map { String($0.1).replacing("&amp;", with: "&") }
            }
            let narrow = try await page.send("GET", "/?no_team=true&shift=in&q=n0&sort=name", signIn).text
            #expect(address(#"data-condition="unassigned""#, narrow) == "/?no_team=true&condition=unassigned&sort=name")
            #expect(narrow.contains(#"<a href="/?team=red&amp;sort=name""#))
            let chosen = try await page.send("GET", "/?shift=in&condition=unassigned", signIn).text
            #expect(address(#"data-condition="unassigned""#, chosen) == "/?shift=in")
        }
    }

    @Test
    func `that an order holds within a page alone is said where there is more than one`() async throws {
        try await withPage { page in
            try await fill(page)
            let signIn = try await page.signIn(as: .view)
            let sentence = #"id="page-order""#
            #expect(try await !page.send("GET", "/?sort=name", signIn).text.contains(sentence), "one page")
            for number in 0..<12 { try await page.management.addAgent("p\(number)") }
            #expect(try await page.send("GET", "/?sort=name", signIn).text.contains(sentence))
            #expect(try await !page.send("GET", "/", signIn).text.contains(sentence), "the list's own order")
            #expect(try await !page.send("GET", "/?sort=name&q=n00", signIn).text.contains(sentence))
        }
    }

    @Test
    func `who needs somebody while Rollcall is at it is not said to need nobody`() async throws {
        try await withPage { page in
            try await page.management.addAgent("d1")
            try await page.management.observe("d1", "STOPPED", .drifted, reason: .wentDown)
            _ = try await page.management.pool.query("UPDATE agent_states SET shift = 1, desired = 1")
            let signIn = try await page.signIn(as: .view)
            let sentence = "Somebody is needed only if it lasts: Rollcall is dealing with it."
            let fleet = try await page.send("GET", "/", signIn).text
            #expect(fleet.contains(#"data-turn="rollcall">"# + sentence))
            #expect(try await page.send("GET", "/agents/d1", signIn).text.contains("</span>\(sentence)</p>"))
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
