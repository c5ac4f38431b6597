import Domain
import LibPQ
import Service
import Testing

/// When a sign-in ends that nobody uses: only a person keeps it.
@Suite("Idle sessions", .timeLimit(.minutes(2)))
struct IdleTests {
    /// Lets every session end in an hour, does something, and tells whether that moved the end.
    private func moves(_ page: PageFixture, _ body: () async throws -> Void) async throws -> Bool {
        _ = try await page.management.pool.query("UPDATE page_sessions SET expires_at = now() + interval '1 hour'")
        try await body()
        let moved = try await page.management.count(
            "SELECT count(*) AS count FROM page_sessions WHERE expires_at > now() + interval '11 hours'"
        )
        return moved > 0
    }

    @Test(arguments: ["/", "/agents/a1", "/sources", "/stats", "/unmatched"])
    func `opening a page keeps it, reading the page again by itself does not`(path: String) async throws {
        try await withPage { page in
            try await page.management.addAgent("a1")
            let signIn = try await page.signIn(as: .view)
            let byItself = try await moves(page) { () async throws in
                let answer = try await page.send("GET", path, signIn, headers: ["X-Rollcall-Reread": "true"])
                #expect(answer.status == 200)
            }
            #expect(!byItself)
            let opened = try await moves(page) { () async throws in
                #expect(try await page.send("GET", path, signIn).status == 200)
            }
            #expect(opened)
        }
    }

    @Test(arguments: ["/v1/agents", "/unmatched/count", "/session", "/v1/guard"])
    func `what an open page asks for by itself does not keep it`(path: String) async throws {
        try await withPage { page in
            let signIn = try await page.signIn(as: .view)
            let moved = try await moves(page) { () async throws in
                #expect(try await page.send("GET", path, signIn).status == 200)
            }
            #expect(!moved)
        }
    }

    @Test
    func `a change keeps it, and so does the script's word that somebody is there`() async throws {
        try await withPage { page in
            try await page.management.addAgent("a1")
            let signIn = try await page.signIn(as: .manage)
            let proof = ["X-Rollcall-CSRF": signIn.csrf]
            let refused = try await moves(page) { () async throws in
                #expect(try await page.send("PUT", "/session", signIn).status == 403)
                #expect(try await page.send("POST", "/v1/agents/a1/reconcile", signIn).status == 403)
            }
            #expect(!refused, "without the proof it is another site's word")
            let said = try await moves(page) { () async throws in
                let answer = try await page.send("PUT", "/session", signIn, headers: proof)
                #expect(answer.status == 200)
                #expect(try answer.json()["expires_at"] as? String != nil)
            }
            #expect(said)
            let changed = try await moves(page) { () async throws in
                #expect(try await page.send("POST", "/v1/agents/a1/reconcile", signIn, headers: proof).status == 202)
            }
            #expect(changed)
            #expect(try await page.send("PUT", "/session", nil, headers: proof).status == 401)
        }
    }

    @Test(arguments: ["/v1/agents/a1/pairing", "/v1/agents/a1/reconcile"])
    func `a change that the script repeats by itself does not keep it`(path: String) async throws {
        try await withPage { page in
            try await page.management.addAgent("a1")
            let signIn = try await page.signIn(as: .manage)
            let repeated = ["X-Rollcall-CSRF": signIn.csrf, "X-Rollcall-Reread": "true"]
            let byItself = try await moves(page) { () async throws in
                let answer = try await page.send("POST", path, signIn, json: #"{"as":"qr"}"#, headers: repeated)
                #expect(![401, 403].contains(answer.status), "it is answered as any other")
            }
            #expect(!byItself)
            let refused = try await page.send("POST", path, signIn, headers: ["X-Rollcall-Reread": "true"])
            #expect(refused.status == 403, "it is no way around the proof")
            let byPerson = try await moves(page) { () async throws in
                let proof = ["X-Rollcall-CSRF": signIn.csrf]
                _ = try await page.send("POST", path, signIn, json: #"{"as":"qr"}"#, headers: proof)
            }
            #expect(byPerson)
        }
    }

    @Test
    func `a stream keeps no session, says so at its end, and is not begun again`() async throws {
        try await withPage { page in
            let signIn = try await page.signIn(as: .view)
            let moved = try await moves(page) { () async throws in
                try await page.follow(headers: ["Cookie": signIn.cookie]) { stream in
                    try await stream.next("summary")
                    _ = try await page.management.pool.query(
                        "UPDATE page_sessions SET expires_at = now() + interval '2 seconds'"
                    )
                    // It looks whether it may go on every ten seconds.
                    try await stream.next("signed_out")
                    await stream.end()
                }
            }
            #expect(!moved)
            let again = try await page.send("GET", "/v1/stream", signIn)
            #expect(again.status == 401)
        }
    }

    @Test
    func `a stream that asks whether it may go on does not wait for the answer until it could not say that it waits`()
        async throws
    {
        try await withPage { page in
            let pool = page.management.pool
            let signIn = try await page.signIn(as: .view)
            try await page.management.addAgent("a1")
            try await page.follow(headers: ["Cookie": signIn.cookie]) { stream in
                try await stream.next("summary")
                try await pool.withTransaction { transaction in
                    _ = try await transaction.run([
                        "SET LOCAL ROLE NONE", "LOCK TABLE page_sessions IN ACCESS EXCLUSIVE MODE",
                    ])
                    // It asks every ten seconds.
                    try await page.wait {
                        try await pool.query(
                            "SELECT pid FROM pg_locks WHERE relation = 'page_sessions'::regclass AND NOT granted"
                        )
                        .rowCount > 0
                    }
                    let began = ContinuousClock.now
                    try await page.management.observe("a1", "STARTING")
                    try await stream.next { $0.agentID == "a1" && $0.object["observed"] as? String == "STARTING" }
                    #expect(ContinuousClock.now - began < .seconds(10), "the pool itself would wait for 30 s")
                }
            }
        }
    }

    @Test
    func `a stream of a key that is revoked says so too`() async throws {
        try await withPage { page in
            let (record, secret) = try await page.management.keyRing.create(
                NewAPIKey(name: "x", role: .view),
                by: "test"
            )
            try await page.follow(key: secret) { stream in
                try await stream.next("summary")
                _ = try await page.management.keyRing.revoke(record.id, by: "test")
                try await stream.next("signed_out")
                await stream.end()
            }
        }
    }
}
