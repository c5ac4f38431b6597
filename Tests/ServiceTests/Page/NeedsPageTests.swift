import Domain
import LibPQ
import Service
import Testing

/// Which of many who need somebody the page shows.
@Suite("Needs on the page", .timeLimit(.minutes(2)))
struct NeedsPageTests {
    /// Agents at work without a session, 90 of them; the higher the number, the longer they are here.
    ///
    /// Whoever is here longest was added last: how old a row is says nothing of how long somebody waits.
    private func fill(_ page: PageFixture) async throws {
        _ = try await page.management.pool.query(
            """
            WITH a AS (
                INSERT INTO agents (agent_id, team, created_at)
                SELECT 'n' || lpad(n::text, 4, '0'), '', now() - make_interval(days => 100 - n)
                FROM generate_series(1, 90) AS n
                RETURNING agent, agent_id
            )
            INSERT INTO agent_states (agent, shift, shift_since, desired)
            SELECT agent, 1, now() - make_interval(mins => right(agent_id, 4)::integer), 1
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
    func `who cannot be stopped stands before all that a list brought, however many those are`() async throws {
        try await withPage { page in
            for agent in (10...60).map({ "l\($0)" }) {
                try await page.management.addAgent(agent)
                try await page.management.observe(agent, "WORKING", .needsAttention, reason: .listedOnly)
            }
            try await page.management.addAgent("r1")
            try await page.management.observe("r1", "WORKING", .needsAttention, reason: .stopRefused)
            let source = try await page.send("GET", "/", try await page.signIn(as: .view)).text
            #expect(needs(source).count == 50 && needs(source).first == "r1")
            #expect(source.contains(#"data-agent="l10" data-agreement="listed_on""#))
        }
    }

    @Test
    func `nobody waits longer than they are here, however old their row or their hold is`() async throws {
        try await withPage { page in
            let pool = page.management.pool
            // By turns without a session, held, and with one that was not read for long; the first of each came last.
            for agent in ["h1", "h2", "q1", "q2"] { try await page.management.addAgent(agent) }
            for agent in ["u1", "u2"] {
                _ = try await page.management.send(
                    "PUT",
                    "/v1/agents/\(agent)",
                    json: #"{"name":"","team":"","time_zone":"UTC"}"#
                )
            }
            for agent in ["h1", "h2"] { try await page.management.observe(agent, "STOPPED", .held, reason: .stopped) }
            for agent in ["q1", "q2"] {
                try await page.management.observe(agent, "WORKING", .converged, reason: .working)
            }
            let changes: [PQStatement] = [
                "UPDATE agents SET created_at = now() - interval '92 days'",
                """
                UPDATE agent_states s SET shift = 1, desired = 1,
                    shift_since = now() - CASE WHEN a.agent_id LIKE '%1' THEN interval '2 minutes' ELSE interval '3 hours' END
                FROM agents a WHERE a.agent = s.agent
                """,
                """
                UPDATE agent_states s SET desired = 0, hold_state = 0, hold_until = now() + interval '1 hour',
                    hold_reason = 'moving', hold_author = 'Mia'
                FROM agents a WHERE a.agent = s.agent AND a.agent_id LIKE 'h%'
                """,
                "UPDATE observed_states SET since = now() - interval '92 days' + make_interval(secs => instance)",
                """
                UPDATE observed_states SET read_at = now() - interval '92 days'
                WHERE condition = 'converged'
                """,
                """
                UPDATE looks SET looked_at = now() - interval '92 days'
                WHERE instance IN (SELECT instance FROM observed_states WHERE condition = 'converged')
                """,
            ]
            for change in changes { _ = try await pool.query(change) }
            let signIn = try await page.signIn(as: .view)
            let source = try await page.send("GET", "/", signIn).text
            #expect(needs(source) == ["u2", "u1", "q2", "q1", "h2", "h1"])
            #expect(!source.contains("for 92 d"))
            for agent in ["u2", "q2", "h2"] {
                let shown = try await page.send("GET", "/v1/agents/\(agent)", signIn).json()
                #expect(shown["since"] as? String == shown["shift_since"] as? String, "\(agent)")
            }
            // Who is not here has what they have for as long as it is so.
            _ = try await pool.query("UPDATE agent_states SET shift = 0")
            let away = try await page.send("GET", "/v1/agents/h2", signIn).json()
            #expect(away["since"] as? String != away["shift_since"] as? String)
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
    func `that nobody needs anything is not said while some session may be otherwise than it was seen`() async throws {
        try await withPage { page in
            let pool = page.management.pool
            try await page.management.addAgent("a1")
            try await page.management.observe("a1", "STOPPED")
            let signIn = try await page.signIn(as: .view)
            let others = try await page.signIn(key: try await page.management.key(.view, teams: ["others"]))
            func isCalm(_ signIn: SignIn) async throws -> Bool {
                try await page.send("GET", "/", signIn).text.contains(#"<p id="calm" class="calm" >"#)
            }
            #expect(try await !isCalm(signIn), "nobody acts for the engine")
            #expect(try await isCalm(others), "whose sessions are none of theirs")
            try await page.attendEngines()
            _ = try await pool.query("INSERT INTO engine_accounts (name) VALUES ('unused')")
            #expect(try await isCalm(signIn))
            let troubles: [PQStatement] = [
                "UPDATE engine_pulses SET beat_at = now(), silent_since = now() - interval '4 s'",
                "UPDATE engine_pulses SET beat_at = now(), unwritten_since = now()",
            ]
            for trouble in troubles {
                let isWell: PQStatement =
                    "UPDATE engine_pulses SET beat_at = now(), silent_since = NULL, unwritten_since = NULL"
                _ = try await pool.query(isWell)
                #expect(try await isCalm(signIn))
                _ = try await pool.query(trouble)
                #expect(try await !isCalm(signIn), "\(trouble)")
            }
        }
    }

    @Test
    func `a row says for how long something is so, and a card nothing of a look that there never was`() async throws {
        try await withPage { page in
            try await fill(page)
            let source = try await page.send("GET", "/", try await page.signIn(as: .view)).text
            #expect(source.contains(#"data-field="shift_since"><time data-age="for""#))
            #expect(source.contains(#"data-field="since"><time data-age="for""#))
            #expect(!source.contains(#"since"><time data-age datetime"#))
            #expect(needs(source).count == 50 && source.contains(#"data-field="seen" hidden>"#))
            #expect(!source.contains(#"data-field="seen" >"#))
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
            for number in 0..<60 { try await page.management.addAgent("n\(number)") }
            let signIn = try await page.signIn(as: .view)
            let sentence = #"id="page-order""#
            #expect(try await !page.send("GET", "/?sort=name", signIn).text.contains(sentence), "one page")
            try await page.management.addAgent("p1")
            #expect(try await page.send("GET", "/?sort=name", signIn).text.contains(sentence))
            #expect(try await !page.send("GET", "/", signIn).text.contains(sentence), "the list's own order")
            #expect(try await !page.send("GET", "/?sort=name&q=n1", signIn).text.contains(sentence))
        }
    }

    @Test
    func `who needs somebody while Rollcall is at it is not said to need nobody`() async throws {
        try await withPage { page in
            try await page.management.addAgent("d1")
            try await page.management.observe("d1", "STOPPED", .drifted, reason: .wentDown)
            _ = try await page.management.pool.query("UPDATE agent_states SET shift = 1, desired = 1")
            try await page.attendEngines()
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
    func `words for acting come to who may act alone`() async throws {
        try await withPage { page in
            for (role, mayAct) in [(Role.view, false), (.manage, true)] {
                let source = try await page.send("GET", "/", try await page.signIn(as: role)).text
                #expect(
                    source.contains(#"data-key="bulk."#) == mayAct && source.contains(#"data-key="pairing."#) == mayAct
                )
                for agreement in Agreement.allCases {
                    let key = #"data-key="agreement.\#(agreement.rawValue)""#
                    #expect(source.ranges(of: key).count == 1, "once, as a choice: \(agreement)")
                }
                #expect(source.contains(#"data-key="fleet.news."#) && !source.contains(#"data-key="fleet.calm""#))
            }
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
