import Domain
import LibPQ
import Service
import Testing

@Suite("Session", .timeLimit(.minutes(3)))
struct SessionTests {
    @Test
    func `a key is exchanged for a cookie that scripts cannot read`() async throws {
        try await withPage { page in
            let key = try #require(page.management.keys[.manage])
            let answer = try await page.send("POST", "/session", nil, json: #"{"key":"\#(key)"}"#)
            #expect(answer.status == 200)
            let cookie = try #require(answer.headers["set-cookie"])
            #expect(cookie.hasPrefix("rollcall_session="))
            for part in ["Path=/", "HttpOnly", "SameSite=Strict"] { #expect(cookie.contains("; \(part)")) }
            #expect(!cookie.contains("Secure"))
            #expect(!cookie.contains(key))
            let body = try answer.json()
            #expect(body["role"] as? String == "manage")
            #expect((body["csrf"] as? String)?.isEmpty == false)
            let stored = try await page.management.count(
                "SELECT count(*) AS count FROM page_sessions WHERE encode(session_hash, 'escape') = \(cookie)"
            )
            #expect(stored == 0)
        }
    }

    @Test
    func `over https the cookie is for https alone`() async throws {
        try await withPage(publicURL: "https://rollcall.example") { page in
            let key = try #require(page.management.keys[.view])
            let answer = try await page.send("POST", "/session", nil, json: #"{"key":"\#(key)"}"#)
            #expect(answer.headers["set-cookie"]?.contains("; Secure") == true)
        }
    }

    @Test
    func `the cookie reads as its key reads, teams and all`() async throws {
        try await withPage { page in
            try await page.management.addAgent("r1", team: "red")
            try await page.management.addAgent("b1", team: "blue")
            let signIn = try await page.signIn(key: try await page.management.key(.view, teams: ["red"]))
            let items = try await page.send("GET", "/v1/agents", signIn).items()
            #expect(items.compactMap { $0["agent_id"] as? String } == ["r1"])
            #expect(try await page.send("GET", "/v1/agents/b1", signIn).status == 404)
            #expect(try await page.send("GET", "/agents/b1", signIn).status == 404)
            #expect(try await page.send("GET", "/v1/agents", nil).status == 401)
        }
    }

    @Test
    func `a change by cookie needs the proof that it comes from the page`() async throws {
        try await withPage { page in
            try await page.management.addAgent("a1")
            let signIn = try await page.signIn(as: .manage)
            let path = "/v1/agents/a1/reconcile"
            #expect(try await page.send("POST", path, signIn).status == 403)
            #expect(try await page.send("POST", path, signIn, headers: ["X-Rollcall-CSRF": "0"]).status == 403)
            let proof = ["X-Rollcall-CSRF": signIn.csrf]
            #expect(try await page.send("POST", path, signIn, headers: proof).status == 202)
            let foreign = ["X-Rollcall-CSRF": signIn.csrf, "Origin": "https://evil.example"]
            #expect(try await page.send("POST", path, signIn, headers: foreign).status == 403)
            let other = try await page.signIn(as: .admin)
            #expect(try await page.send("POST", path, other, headers: proof).status == 403)
        }
    }

    @Test
    func `a cookie can do no more than its key`() async throws {
        try await withPage { page in
            try await page.management.addAgent("a1")
            let signIn = try await page.signIn(as: .view)
            let proof = ["X-Rollcall-CSRF": signIn.csrf]
            #expect(try await page.send("POST", "/v1/agents/a1/reconcile", signIn, headers: proof).status == 403)
            #expect(try await page.send("GET", "/v1/keys", signIn).status == 403)
        }
    }

    @Test
    func `who signs out is out`() async throws {
        try await withPage { page in
            let signIn = try await page.signIn(as: .view)
            #expect(try await page.send("DELETE", "/session", signIn).status == 403)
            #expect(try await page.send("GET", "/session", signIn).json()["csrf"] as? String == signIn.csrf)
            let answer = try await page.send("DELETE", "/session", signIn, headers: ["X-Rollcall-CSRF": signIn.csrf])
            #expect(answer.status == 204)
            #expect(answer.headers["set-cookie"]?.contains("Max-Age=0") == true)
            #expect(try await page.send("GET", "/v1/agents", signIn).status == 401)
            #expect(try await page.send("GET", "/session", signIn).status == 401)
            #expect(try await page.send("DELETE", "/session", signIn).status == 204)
        }
    }

    @Test
    func `who signs out everywhere is out in every browser of the key, and in no other`() async throws {
        try await withPage { page in
            let first = try await page.signIn(as: .view)
            let second = try await page.signIn(as: .view)
            let other = try await page.signIn(as: .manage)
            let path = "/session?everywhere=true"
            #expect(try await page.send("DELETE", path, first).status == 403, "another site cannot")
            #expect(try await page.send("GET", "/v1/agents", second).status == 200)
            let proof = ["X-Rollcall-CSRF": first.csrf]
            #expect(try await page.send("DELETE", path, first, headers: proof).status == 204)
            for signIn in [first, second] { #expect(try await page.send("GET", "/v1/agents", signIn).status == 401) }
            #expect(try await page.send("GET", "/v1/agents", other).status == 200)
        }
    }

    @Test
    func `a revoked key ends its sessions at once`() async throws {
        try await withPage { page in
            let (record, secret) = try await page.management.keyRing.create(
                NewAPIKey(name: "x", role: .view),
                by: "test"
            )
            let signIn = try await page.signIn(key: secret)
            #expect(try await page.send("GET", "/v1/agents", signIn).status == 200)
            _ = try await page.management.keyRing.revoke(record.id, by: "test")
            #expect(try await page.send("GET", "/v1/agents", signIn).status == 401)
            #expect(try await page.send("GET", "/", signIn).text.contains("id=\"key\""))
        }
    }

    @Test(arguments: ["expires_at = now()", "created_at = now() - interval '8 days'"])
    func `a session ends when nobody used it, and a week after the sign-in`(change: String) async throws {
        try await withPage { page in
            let signIn = try await page.signIn(as: .view)
            _ = try await page.management.pool.withConnection { connection in
                try await connection.simpleQuery("UPDATE page_sessions SET \(change)")
            }
            #expect(try await page.send("GET", "/v1/agents", signIn).status == 401)
        }
    }

    @Test
    func `use moves the end of a session`() async throws {
        try await withPage { page in
            let signIn = try await page.signIn(as: .view)
            _ = try await page.management.pool.query("UPDATE page_sessions SET expires_at = now() + interval '1 hour'")
            #expect(try await page.send("GET", "/", signIn).status == 200)
            let moved = try await page.management.count(
                "SELECT count(*) AS count FROM page_sessions WHERE expires_at > now() + interval '11 hours'"
            )
            #expect(moved == 1)
        }
    }

    @Test(arguments: [
        ("rk_nonsense", 401, "unauthenticated"), ("", 422, "invalid_field"),
    ])
    func `a wrong key gets no cookie`(key: String, status: Int, code: String) async throws {
        try await withPage { page in
            let answer = try await page.send("POST", "/session", nil, json: #"{"key":"\#(key)"}"#)
            #expect(answer.status == status)
            #expect(try answer.code() == code)
            #expect(answer.headers["set-cookie"] == nil)
        }
    }

    @Test
    func `a key that only posts events is not for the page`() async throws {
        try await withPage { page in
            let key = try #require(page.management.keys[.clock])
            #expect(try await page.send("POST", "/session", nil, json: #"{"key":"\#(key)"}"#).status == 403)
            #expect(try await page.management.count("SELECT count(*) AS count FROM page_sessions") == 0)
        }
    }

    @Test
    func `who tries keys is slowed down`() async throws {
        try await withPage { page in
            let key = try #require(page.management.keys[.view])
            var failures = 0
            var answer: WireResponse
            repeat {
                // A slow machine forgives a failure now and then, so it may take a few more.
                while try await page.send("POST", "/session", nil, json: #"{"key":"rk_\#(failures)"}"#).status == 401 {
                    failures += 1
                    try #require(failures < 100, "nobody is slowed down")
                }
                answer = try await page.send("POST", "/session", nil, json: #"{"key":"\#(key)"}"#)
            } while answer.status == 200
            #expect(failures >= 10)
            #expect(answer.status == 429)
            #expect(try answer.code() == "rate_limited")
            #expect(try #require(answer.headers["retry-after"].flatMap { Int($0) }) > 0)
            let elsewhere = try await page.send(
                "POST",
                "/session",
                nil,
                json: #"{"key":"\#(key)"}"#,
                headers: ["X-Forwarded-For": "192.0.2.7"]
            )
            #expect(elsewhere.status == 200)
        }
    }

    @Test
    func `a form signs in and out without script`() async throws {
        try await withPage { page in
            let key = try #require(page.management.keys[.view])
            let answer = try await form(page, "key=%20\(key)%0A")
            #expect(answer.status == 303)
            #expect(answer.headers["location"] == "/")
            let cookie = try #require(answer.headers["set-cookie"]?.split(separator: ";").first.map(String.init))
            #expect(try await page.send("GET", "/", SignIn(cookie: cookie, csrf: "")).text.contains("id=\"fleet\""))
            let wrong = try await form(page, "key=rk_wrong")
            #expect(wrong.status == 401)
            #expect(wrong.headers["content-type"]?.hasPrefix("text/html") == true)
            #expect(!wrong.text.contains("rk_wrong"))
            #expect(try await form(page, "end=true", cookie: cookie).status == 303)
            #expect(try await page.send("GET", "/v1/agents", SignIn(cookie: cookie, csrf: "")).status == 401)
        }
    }

    @Test
    func `another site cannot sign a browser in or out`() async throws {
        try await withPage { page in
            let key = try #require(page.management.keys[.view])
            for headers in [["Origin": "https://evil.example"], ["Sec-Fetch-Site": "cross-site"], ["Origin": "null"]] {
                let answer = try await page.send("POST", "/session", nil, json: #"{"key":"\#(key)"}"#, headers: headers)
                #expect(answer.status == 403)
            }
            let own = ["Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"]
            #expect(
                try await page.send("POST", "/session", nil, json: #"{"key":"\#(key)"}"#, headers: own).status == 200
            )
        }
    }

    private func form(_ page: PageFixture, _ body: String, cookie: String? = nil) async throws -> WireResponse {
        var headers = ["Content-Type": "application/x-www-form-urlencoded"]
        if let cookie { headers["Cookie"] = cookie }
        return try await page.send("POST", "/session", nil, json: body, headers: headers)
    }
}
