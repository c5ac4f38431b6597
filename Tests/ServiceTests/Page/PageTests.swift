import Domain
import LibPQ
import Service
import Testing

@Suite("Page")
struct PageTests {
    @Test
    func `who is not signed in sees the sign-in and no agent`() async throws {
        try await withPage { page in
            try await page.management.addAgent("a1")
            for path in ["/", "/agents/a1", "/?q=a1"] {
                let answer = try await page.send("GET", path, nil)
                #expect(answer.status == 200)
                #expect(answer.text.contains("id=\"key\""))
                #expect(!answer.text.contains("Agent a1") && !answer.text.contains("data-agent"))
            }
        }
    }

    @Test
    func `nothing but our own files runs or is framed`() async throws {
        try await withPage { page in
            let signIn = try await page.signIn(as: .view)
            for path in ["/", "/assets/page.css", "/assets/fleet.js", "/session"] {
                let answer = try await page.send("GET", path, signIn)
                let policy = try #require(answer.headers["content-security-policy"])
                #expect(policy.contains("default-src 'none'"))
                #expect(policy.contains("frame-ancestors 'none'"))
                #expect(!policy.contains("unsafe"))
                #expect(answer.headers["x-content-type-options"] == "nosniff")
                #expect(answer.headers["referrer-policy"] == "no-referrer")
            }
            let source = try await page.send("GET", "/", signIn).text
            #expect(!source.contains(" style="))
            #expect(!source.contains(" onclick="))
            #expect(!source.contains("http://") && !source.contains("https://"))
        }
    }

    @Test
    func `the source of a page holds no key, cookie, proof or session name`() async throws {
        try await withPage { page in
            try await page.management.addAgent("a1")
            let signIn = try await page.signIn(as: .manage)
            let secrets =
                page.management.keys.values + [
                    signIn.csrf, String(signIn.cookie.dropFirst("rollcall_session=".count)), "s-i-a1",
                ]
            for path in ["/", "/agents/a1"] {
                let answer = try await page.send("GET", path, signIn)
                #expect(answer.text.contains("a1"))
                for secret in secrets { #expect(!answer.text.contains(secret), "\(path)") }
            }
        }
    }

    @Test
    func `what people typed is text and never markup`() async throws {
        try await withPage { page in
            try await page.management.addAgent("a1")
            let evil = #"<script>alert(1)</script>\" onload=x"#
            let answer = try await page.management.send(
                "PUT",
                "/v1/agents/a1",
                json: #"{"name":"\#(evil)","team":"\#(evil)"}"#
            )
            #expect(answer.status == 200)
            let signIn = try await page.signIn(as: .view)
            for path in ["/", "/agents/a1", "/?q=%3Cscript%3E&team=%22%3E%3Cb%3E"] {
                let source = try await page.send("GET", path, signIn).text
                #expect(!source.contains("<script>"))
                #expect(!source.contains("\" onload"))
                #expect(!source.contains("\"><b>"))
            }
        }
    }

    @Test
    func `the table shows every agent with what is known, who needs somebody first`() async throws {
        try await withPage { page in
            for agent in ["a1", "a2", "a3"] { try await page.management.addAgent(agent) }
            try await page.management.observe("a1", "STOPPED")
            try await page.management.observe("a2", "STOPPED")
            try await page.management.observe("a3", "FAILED", .needsAttention, reason: .restartBudgetUsed)
            let signIn = try await page.signIn(as: .view)
            let source = try await page.send("GET", "/", signIn).text
            let places = ["a3", "a1", "a2"].compactMap { source.firstRange(of: "data-agent=\"\($0)\"")?.lowerBound }
            #expect(places.count == 3)
            #expect(places == places.sorted(), "the cards stand above the table")
            #expect(source.contains(Reason.restartBudgetUsed.sentence))
            #expect(source.contains("on, stuck: cannot be stopped"))
            #expect(source.contains("turn: look into it."))
            #expect(source.contains("Agent a1"))
        }
    }

    @Test
    func `names that nobody knows are told of where there are some, and nothing stands there where there are none`()
        async throws
    {
        try await withPage { page in
            try await page.management.addAgent("a1")
            let signIn = try await page.signIn(as: .view)
            #expect(try await !page.send("GET", "/", signIn).text.contains("class=\"banner quiet\""))
        }
        try await withPage { page in
            try await page.management.addEvent(.clockIn, of: "nobody", ago: .seconds(5), matched: false)
            let signIn = try await page.signIn(as: .view)
            #expect(try await page.send("GET", "/", signIn).text.contains("class=\"banner quiet\""))
        }
    }

    @Test
    func `what is old is shown as old`() async throws {
        try await withPage { page in
            try await page.management.addAgent("a1")
            try await page.management.observe("a1", "STOPPED", ago: .seconds(3600))
            try await page.management.addAgent("a2")
            let signIn = try await page.signIn(as: .view)
            let source = try await page.send("GET", "/", signIn).text
            #expect(source.contains("last seen: stopped"))
            #expect(source.contains("1 h 0 min ago"))
            #expect(source.contains("not seen yet"))
            #expect(!source.contains(#"data-word="STOPPED">stopped<"#))
        }
    }

    @Test
    func `exceptions come first however far down the list they are, and more is a click away`() async throws {
        try await withPage { page in
            _ = try await page.management.pool.query(
                """
                WITH a AS (
                    INSERT INTO agents (agent_id, team)
                    SELECT 'n' || lpad(n::text, 4, '0'), 't'
                    FROM generate_series(1, 450) AS n
                    RETURNING agent
                )
                INSERT INTO agent_states (agent)
                SELECT agent FROM a
                """
            )
            try await page.management.addAgent("z9")
            try await page.management.observe("z9", "FAILED", .needsAttention, reason: .failedRestart)
            let signIn = try await page.signIn(as: .view)
            let first = try await page.send("GET", "/", signIn).text
            #expect(first.firstRange(of: "data-agent=\"z9\"") != nil)
            #expect(rows(first) == 60)
            #expect(needs(first) == ["z9"])
            var shown = rows(first)
            var source = first
            while let link = source.firstMatch(of: #/id="more" class="button" href="([^"]+)"/#) {
                let address = String(link.1).replacing("&amp;", with: "&")
                source = try await page.send("GET", address, signIn).text
                shown += rows(source)
            }
            #expect(shown == 451)
        }
    }

    @Test(arguments: [
        ("?q=a2", ["a2"]), ("?team=red", ["a1"]), ("?condition=needs_attention", ["a2"]), ("?shift=in", []),
        ("?team=none", []),
    ])
    func `the address filters the table`(query: String, agents: [String]) async throws {
        try await withPage { page in
            try await page.management.addAgent("a1", team: "red")
            try await page.management.addAgent("a2", team: "blue")
            try await page.management.observe("a2", "FAILED", .needsAttention, reason: .failedRestart)
            let signIn = try await page.signIn(as: .view)
            let source = try await page.send("GET", "/\(query)", signIn).text
            #expect(source.matches(of: #/<tr role="row" data-agent="([^"]+)"/#).map { String($0.1) } == agents)
        }
    }

    @Test
    func `an address that makes no sense says so to a person`() async throws {
        try await withPage { page in
            let signIn = try await page.signIn(as: .view)
            for (path, status) in [
                ("/?condition=nonsense", 422), ("/?agreement=drifted", 422), ("/?cursor=zz", 422),
                ("/agents/nobody", 404),
            ] {
                let answer = try await page.send("GET", path, signIn)
                #expect(answer.status == status)
                #expect(answer.headers["content-type"]?.hasPrefix("text/html") == true)
            }
        }
    }

    @Test
    func `an agent's page tells why, and what happened`() async throws {
        try await withPage { page in
            try await page.management.addAgent("a1")
            try await page.management.addEvent(.clockIn, of: "a1", ago: .seconds(120), matched: true)
            try await page.management.refold("a1")
            try await page.management.observe("a1", "WORKING", .converged, reason: .working)
            _ = try await page.management.pool.query(
                """
                INSERT INTO commands (
                    instance, command_id, account, action, agent, term, intended_at, sent_at, ended_at, reason, verdict
                )
                SELECT x.instance, 1, x.account, 1, x.agent, 1, now(), now(), now() + interval '40 ms', 'should_run', 'accepted'
                FROM instances x
                """
            )
            let signIn = try await page.signIn(as: .view)
            let source = try await page.send("GET", "/agents/a1", signIn).text
            #expect(source.contains("clock-in"))
            #expect(source.contains("on shift"))
            #expect(source.contains("because the shift says so"))
            #expect(source.contains("WORKING"))
            #expect(source.contains(Reason.shouldRun.commandSentence))
            #expect(source.contains("40 ms"))
            #expect(source.contains("By default it would be stopped."))
        }
    }

    @Test(arguments: [(Role.view, false), (.manage, true), (.admin, true)])
    func `only who may act sees how`(role: Role, mayAct: Bool) async throws {
        try await withPage { page in
            try await page.management.addAgent("a1")
            let signIn = try await page.signIn(as: role)
            let source = try await page.send("GET", "/agents/a1", signIn).text
            #expect(source.contains("id=\"acts\"") == mayAct)
        }
    }

    @Test
    func `a browser asks for style and scripts only once`() async throws {
        try await withPage { page in
            for name in [
                "page.css", "parts.css", "pictures.css", "fleet.js", "agent.js", "live.js", "words.js", "sign-in.js",
                "ending.js", "icon.svg",
            ] {
                let first = try await page.send("GET", "/assets/\(name)", nil)
                #expect(first.status == 200)
                let tag = try #require(first.headers["etag"])
                let again = try await page.send("GET", "/assets/\(name)", nil, headers: ["If-None-Match": tag])
                #expect(again.status == 304)
            }
            #expect(try await page.send("GET", "/assets/..%2Fserver", nil).status == 404)
        }
    }

    @Test(arguments: [("/", false), ("/agents/a1", true), ("/stats", true), ("/sources", false), ("/unmatched", false)])
    func `only a page with pictures loads their style, and none brings words that its script does not say`(
        path: String,
        hasPictures: Bool
    ) async throws {
        try await withPage { page in
            try await page.management.addAgent("a1")
            let signIn = try await page.signIn(as: .admin)
            let source = try await page.send("GET", path, signIn).text
            #expect(source.contains(#"href="/assets/parts.css""#))
            #expect(source.contains(#"href="/assets/pictures.css""#) == hasPictures)
            #expect(source.contains(#"data-key="live.reconnecting""#))
            for key in ["bulk.title", "bulk.unpick", "fleet.picked", "live.connecting", "problem.back"] {
                #expect(!source.contains(#"data-key="\#(key)""#), "\(key)")
            }
        }
    }

    private func rows(_ source: String) -> Int {
        source.matches(of: #/<tr role="row" data-agent="[^"]+"/#).count
    }

    private func needs(_ source: String) -> [String] {
        source.matches(of: #/<li class="need" data-agent="([^"]+)"/#).map { String($0.1) }
    }

    @Test
    func `what is to be said of an event is set apart, and since when something is so is a span`() async throws {
        try await withPage { page in
            try await page.management.addAgent("a1")
            _ = try await page.management.pool.query(
                """
                INSERT INTO clock_events (dedupe, agent, source_id, kind, occurred_at, effective_at, received_at, event_id)
                SELECT gen_random_uuid(), a.agent, s.source_id, 1, now() - interval '3 hours', now() - interval '3 hours',
                    now() - interval '1 hour', 'e'
                FROM agents a, clock_sources s
                WHERE s.name = 'api'
                """
            )
            try await page.management.refold("a1")
            let source = try await page.send("GET", "/agents/a1", try await page.signIn(as: .view)).text
            #expect(source.contains("decides · late"))
            let shift = try #require(source.firstMatch(of: #/<dt>Shift<.+/#)).0
            #expect(shift.contains("for 3 h 0 min") && !shift.contains("ago"), "\(shift)")
        }
    }
}
