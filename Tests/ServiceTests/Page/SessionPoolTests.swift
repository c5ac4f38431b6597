import LibPQ
import Testing

@testable import Service

/// What cookies and keys that anybody may send ask of the connections on which events are taken.
@Suite("Session pools", .timeLimit(.minutes(2)))
struct SessionPoolTests {
    private static let nobodys = SignIn(cookie: "rollcall_session=" + String(repeating: "A", count: 43), csrf: "")
    private static let formless = SignIn(cookie: "rollcall_session=" + String(repeating: ".", count: 43), csrf: "")

    /// Runs a body while every connection of a pool, or so many of them, are taken.
    private func holding(
        _ pool: PQPool,
        _ connections: Int? = nil,
        _ body: @Sendable () async throws -> Void
    ) async throws {
        let left = connections ?? pool.configuration.maxConnections
        guard left > 0 else { return try await body() }
        try await pool.withTransaction { transaction in
            _ = try await transaction.query("SELECT 1")
            try await holding(pool, left - 1, body)
        }
    }

    /// When a session ends, as it is told.
    private func end(_ page: PageFixture, _ signIn: SignIn) async throws -> String {
        let answer = try await page.send("GET", "/session", signIn)
        return try #require(try answer.json()["expires_at"] as? String)
    }

    @Test
    func `a cookie is looked up beside the events, whether it is anybody's or not`() async throws {
        try await withPage(hasReaders: true) { page in
            let signIn = try await page.signIn(as: .view)
            try await holding(page.management.pool) { () async throws in
                #expect(try await page.send("GET", "/", Self.nobodys).text.contains("id=\"key\""))
                for path in ["/v1/agents", "/v1/stream", "/session", "/unmatched/count"] {
                    #expect(try await page.send("GET", path, Self.nobodys).status == 401, "\(path)")
                }
                #expect(try await page.send("PUT", "/session", Self.nobodys).status == 401)
                #expect(try await page.send("DELETE", "/session", Self.nobodys).status == 204)
                #expect(try await page.send("GET", "/", signIn).text.contains("id=\"fleet\""))
                for path in ["/v1/agents", "/session", "/unmatched/count"] {
                    #expect(try await page.send("GET", path, signIn).status == 200, "\(path)")
                }
            }
        }
    }

    @Test
    func `an end that cannot be moved keeps nobody out, and the next act moves it, once`() async throws {
        try await withPage(hasReaders: true) { page in
            let pool = page.management.pool
            let signIn = try await page.signIn(as: .view)
            _ = try await pool.query("UPDATE page_sessions SET expires_at = now() + interval '1 hour'")
            let soon = try await end(page, signIn)
            try await holding(pool) { () async throws in
                #expect(try await page.send("GET", "/", signIn).text.contains("id=\"fleet\""))
                #expect(try await end(page, signIn) == soon)
            }
            #expect(try await page.send("GET", "/", signIn).status == 200)
            let moved = try await end(page, signIn)
            #expect(moved > soon)
            #expect(try await page.send("GET", "/", signIn).status == 200)
            #expect(try await end(page, signIn) == moved, "it was moved within the minute")
        }
    }

    @Test
    func `what cannot be a cookie of ours is looked up nowhere`() async throws {
        #expect(SessionSecret(SessionSecret().text) != nil)
        let letters = [42, 44].map { String(repeating: "A", count: $0) }
        for text in letters + ["", String(repeating: ".", count: 43), String(repeating: "é", count: 21) + "A"] {
            #expect(SessionSecret(text) == nil, "\(text)")
        }
        try await withPage(hasReaders: true) { page in
            try await holding(page.management.dependencies.readPool) { () async throws in
                #expect(try await page.send("GET", "/v1/agents", Self.formless).status == 401)
                #expect(try await page.send("GET", "/", Self.formless).text.contains("id=\"key\""))
            }
        }
    }

    @Test
    func `who tried too many keys is refused beside the events`() async throws {
        try await withPage(hasReaders: true) { page in
            let pool = page.management.pool
            let readPool = page.management.dependencies.readPool
            let here = SharedSignInLimit(pool: pool, readPool: readPool)
            #expect(await here.reserve("192.0.2.1") == .counted(isShared: true))
            _ = try await pool.query("UPDATE sign_in_failures SET forgiven_at = now() + interval '1 hour'")
            try await holding(pool) { () async throws in
                // Another replica, which has counted nothing itself.
                let there = SharedSignInLimit(pool: pool, readPool: readPool)
                for _ in 0...SignInLimiter.burst {
                    guard case .refused(let wait) = await there.reserve("192.0.2.1") else {
                        Issue.record("it asks for a connection on which events are taken")
                        return
                    }
                    #expect(wait > .seconds(60))
                }
            }
        }
    }
}
