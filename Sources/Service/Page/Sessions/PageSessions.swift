import Domain
import FoundationEssentials
package import Hummingbird
package import LibPQ

/// The sign-ins of browsers: a cookie in place of a key.
///
/// A session can do what its key can, and ends with it. It also ends when no person did anything for ``idleTimeout``, and
/// ``lifetime`` after the sign-in in any case. A person's act is a page that is opened, a change, and what the script says of
/// keys and pointers (`PUT /session`); what an open page asks for by itself, its stream first of all, is none, and where it
/// asks as a person would, it says so (`X-Rollcall-Reread`).
package struct PageSessions: Sendable {
    /// A working day and a bit: whoever works with the page stays signed in, a page that is left open does not.
    static let idleTimeout = Duration.seconds(12 * 3600)
    static let lifetime = Duration.seconds(7 * 86_400)
    /// The oldest session of a key ends when it gets more than this.
    static let limitPerKey: Int64 = 100
    static let cookieName = "rollcall_session"
    /// By less than this no end is moved, so that a page which is used costs no write per request.
    private static let step = Duration.seconds(60)
    /// How long a request waits for its session's end to be moved.
    private static let patience = Duration.seconds(1)

    private let pool: PQPool
    private let readPool: PQPool
    private let keyRing: KeyRing
    private let publicURL: String?
    /// Whose word counts for where a sign-in comes from.
    let trustedProxies: TrustedProxies

    /// - Parameters:
    ///   - pool: may write to `page_sessions` and `audit`; asked for nobody but who is signed in or has a key.
    ///   - readPool: asks the same server, so that a session is found as soon as it is begun; whatever cookie anybody sends
    ///     is looked up here.
    ///   - keyRing: whose keys open sessions, and end them.
    ///   - publicURL: where browsers find us, if that was set.
    ///   - trustedProxies: whose word counts for where a sign-in comes from.
    package init(
        pool: PQPool,
        readPool: PQPool,
        keyRing: KeyRing,
        publicURL: String?,
        trustedProxies: TrustedProxies = .loopback
    ) {
        self.pool = pool
        self.readPool = readPool
        self.keyRing = keyRing
        self.publicURL = publicURL
        self.trustedProxies = trustedProxies
    }

    /// Whose key this is; `nil` when there is no such live key.
    func owner(of key: String) -> Caller? {
        keyRing.caller(forBearer: key)
    }

    /// Signs a browser in for the owner of a key.
    ///
    /// - Returns: the secret for the cookie, and the session.
    func start(for caller: Caller) async throws(PQError) -> (secret: SessionSecret, session: PageSession) {
        let secret = SessionSecret()
        let results = try await pool.pipeline([
            clean(keyID: caller.keyID),
            """
            INSERT INTO page_sessions (session_hash, csrf_hash, key_id, expires_at)
            VALUES (
                \(secret.digest.bytes), \(KeyDigest(of: secret.csrf).bytes), \(caller.keyID),
                now() + make_interval(secs => \(Self.idleTimeout.inSeconds))
            )
            RETURNING expires_at
            """,
            """
            INSERT INTO audit (actor, deed, subject)
            VALUES (\(caller.name), 'session.start', \(caller.keyID.uuidString.lowercased()))
            """,
        ])
        let expiresAt = try results[1][0].column("expires_at", as: Timestamp.self)
        return (secret, PageSession(caller: caller, csrf: secret.csrf, expiresAt: expiresAt))
    }

    /// Finds the session of a secret, and moves its end where a person did something: at most once in a ``step``.
    ///
    /// An end that cannot be moved within ``patience`` stays where it is until the next act: who looks is not kept out by who
    /// writes.
    ///
    /// Index: `page_sessions_pkey`. `timeout`: how long the caller waits for the session; `nil` is the pool's own limit.
    ///
    /// - Returns: `nil` when it is over, or its key was revoked.
    func find(_ secret: SessionSecret, isAct: Bool, timeout: Duration? = nil) async throws(PQError) -> PageSession? {
        let result = try await readPool.query(
            """
            SELECT key_id, csrf_hash, expires_at, least(
                created_at + make_interval(secs => \(Self.lifetime.inSeconds)),
                now() + make_interval(secs => \(Self.idleTimeout.inSeconds))
            ) AS extended_to
            FROM page_sessions
            WHERE session_hash = \(secret.digest.bytes)
              AND expires_at > now()
              AND created_at > now() - make_interval(secs => \(Self.lifetime.inSeconds))
            """,
            timeout: timeout
        )
        guard let row = result.first,
            let caller = keyRing.caller(keyID: try row.column("key_id", as: UUID.self)),
            KeyDigest(try row.column("csrf_hash", as: [UInt8].self)) == KeyDigest(of: secret.csrf)
        else { return nil }
        var session = PageSession(
            caller: caller,
            csrf: secret.csrf,
            expiresAt: try row.column("expires_at", as: Timestamp.self)
        )
        let end = try row.column("extended_to", as: Timestamp.self)
        if isAct, session.expiresAt + Self.step < end, await extend(secret, to: end) { session.expiresAt = end }
        return session
    }

    /// Moves the end of a session, unless it is over or somebody else has just moved it; tells whether the database did it.
    ///
    /// Index: `page_sessions_pkey`.
    private func extend(_ secret: SessionSecret, to end: Timestamp) async -> Bool {
        let moved = try? await pool.query(
            """
            UPDATE page_sessions
            SET expires_at = \(end)
            WHERE session_hash = \(secret.digest.bytes)
              AND expires_at > now()
              AND expires_at + make_interval(secs => \(Self.step.inSeconds)) < \(end)
            """,
            timeout: Self.patience
        )
        return moved != nil
    }

    /// Signs a browser out.
    ///
    /// Index: `page_sessions_pkey`.
    func end(_ secret: SessionSecret, of caller: Caller) async throws(PQError) {
        _ = try await pool.pipeline([
            "DELETE FROM page_sessions WHERE session_hash = \(secret.digest.bytes)",
            """
            INSERT INTO audit (actor, deed, subject)
            VALUES (\(caller.name), 'session.end', \(caller.keyID.uuidString.lowercased()))
            """,
        ])
    }

    /// Signs every browser out that was signed in with a key.
    ///
    /// Reads the whole table, as ``clean(keyID:)``.
    func endAll(of caller: Caller) async throws(PQError) {
        _ = try await pool.pipeline([
            "DELETE FROM page_sessions WHERE key_id = \(caller.keyID)",
            """
            INSERT INTO audit (actor, deed, subject)
            VALUES (\(caller.name), 'session.end_all', \(caller.keyID.uuidString.lowercased()))
            """,
        ])
    }

    /// Removes sessions that are over, and the oldest ones of a key that has too many.
    ///
    /// Reads the whole table, which holds at most a hundred rows per key.
    private func clean(keyID: UUID) -> PQStatement {
        """
        DELETE FROM page_sessions
        WHERE expires_at <= now()
           OR created_at <= now() - make_interval(secs => \(Self.lifetime.inSeconds))
           OR session_hash IN (
               SELECT session_hash
               FROM page_sessions
               WHERE key_id = \(keyID)
               ORDER BY created_at DESC
               OFFSET \(Self.limitPerKey - 1)
           )
        """
    }
}

extension PageSessions {
    /// The secret in a request's cookie, if there is one.
    static func secret(in request: Request) -> SessionSecret? {
        request.cookies[cookieName].flatMap { SessionSecret($0.value) }
    }

    /// The session a request belongs to; `nil` without one.
    ///
    /// `isAct`: whether a person is behind it.
    ///
    /// Not inlined: Swift 6.3.1 crashes where it splits the caller's coroutine with this in it, optimised.
    @inline(never)
    func session(of request: Request, isAct: Bool = false) async throws(PQError) -> PageSession? {
        guard let secret = Self.secret(in: request) else { return nil }
        return try await find(secret, isAct: isAct)
    }

    /// Whether a request can come from our own page.
    func isSameOrigin(_ request: Request) -> Bool {
        request.isSameOrigin(publicURL: publicURL)
    }

    /// The header that gives a browser its cookie; without a secret, the one that takes it away.
    func cookie(_ secret: SessionSecret?) -> String {
        var parts = ["\(Self.cookieName)=\(secret?.text ?? "")", "Path=/", "HttpOnly", "SameSite=Strict"]
        if secret == nil { parts.append("Max-Age=0") }
        if publicURL?.hasPrefix("https://") ?? false { parts.append("Secure") }
        return parts.joined(separator: "; ")
    }

    /// For ``Authenticate``: whose session a request belongs to.
    ///
    /// - Throws: `forbidden` for a request that changes something and does not prove that it comes from the page.
    package func caller(of request: Request, context: AppRequestContext) async throws -> Caller? {
        guard let session = try await session(of: request) else { return nil }
        if request.method != .get, request.method != .head {
            try checkOrigin(of: request, session)
            // What the script asks for again by itself, as the picture in an open pairing, is nobody's act.
            if request.headers[.rollcallReread] != nil { return session.caller }
            return try await self.session(of: request, isAct: true)?.caller
        }
        return session.caller
    }

    /// Checks that a request which changes something comes from the page itself.
    ///
    /// - Throws: `forbidden`.
    func checkOrigin(of request: Request, _ session: PageSession) throws(Problem) {
        guard let sent = request.headers[.rollcallCSRF], KeyDigest(of: sent) == KeyDigest(of: session.csrf),
            isSameOrigin(request)
        else {
            throw Problem(.forbidden, "A change by cookie needs X-Rollcall-CSRF with the value the sign-in answered.")
        }
    }
}
