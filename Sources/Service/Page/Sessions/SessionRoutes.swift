import Domain
import HTTPTypes
import Hummingbird
import NIOCore

/// `/session`: a key for a cookie, and back.
struct SessionRoutes: Sendable {
    let sessions: PageSessions
    let limiter: SharedSignInLimit
    let limits: BodyLimits
    let views: PageViews
    /// Whose language somebody reads who is not signed in.
    let frame: @Sendable (Request) -> PageFrame

    func add(to routes: some RouterMethods<AppRequestContext>) {
        routes.post("/session") { request, context in try await signIn(request, context) }
        routes.get("/session") { request, context in try await current(request) }
        routes.put("/session") { request, context in try await prolong(request) }
        routes.delete("/session") { request, context in try await signOut(request) }
    }

    private func signIn(_ request: Request, _ context: AppRequestContext) async throws -> Response {
        guard sessions.isSameOrigin(request) else {
            throw Problem(.forbidden, "The sign-in comes from another site.")
        }
        let body = try await SignInBody.read(request, context: context, limits: limits)
        if body.endsSession {
            if body.endsEverywhere, let session = try await sessions.session(of: request) {
                try await sessions.endAll(of: session.caller)
            }
            try await endSession(of: request)
            return redirect(cookie: sessions.cookie(nil))
        }
        do {
            let sender = request.senderAddress(context.channel, trusting: sessions.trustedProxies)
            let (secret, session) = try await start(body.key, from: sender)
            try await endSession(of: request)
            return body.isForm
                ? redirect(cookie: sessions.cookie(secret)) : describe(session, cookie: sessions.cookie(secret))
        } catch let problem as Problem where body.isForm {
            return views.signIn(refusal: problem, frame: frame(request))
        }
    }

    /// Tries a key, unless its sender has tried too many.
    ///
    /// - Throws: `rate_limited`, `unauthenticated`; `forbidden` for a key that may not even look.
    private func start(
        _ key: String,
        from address: String
    ) async throws -> (secret: SessionSecret, session: PageSession) {
        // Counted first: between a look at the count and the count itself others would try as many keys as they like.
        let isShared: Bool
        switch await limiter.reserve(address) {
        case .refused(let wait):
            let seconds = Int(wait.inSeconds.rounded(.up))
            throw Problem(.rateLimited, "Too many wrong keys came from here.", retryAfter: max(seconds, 1))
        case .counted(let shared):
            isShared = shared
        }
        guard let caller = sessions.owner(of: key) else {
            throw Problem(.unauthenticated, "This key is not known or was revoked.")
        }
        await limiter.takeBack(address, isShared: isShared)
        guard caller.role.includes(.view) else {
            throw Problem(.forbidden, "This key posts clock events and may not look at the page.")
        }
        return try await sessions.start(for: caller)
    }

    /// What the script needs to know of a session; never the secret.
    private func current(_ request: Request) async throws -> Response {
        guard let session = try await sessions.session(of: request) else { throw Problem(.unauthenticated) }
        return describe(session, cookie: nil)
    }

    /// Somebody is at the page: says so of a page that asks for nothing by itself.
    private func prolong(_ request: Request) async throws -> Response {
        guard let session = try await sessions.session(of: request) else { throw Problem(.unauthenticated) }
        try sessions.checkOrigin(of: request, session)
        guard let longer = try await sessions.session(of: request, isAct: true) else { throw Problem(.unauthenticated) }
        return describe(longer, cookie: nil)
    }

    private func signOut(_ request: Request) async throws -> Response {
        let everywhere = try QueryParameters(request).flag("everywhere")
        if let session = try await sessions.session(of: request) {
            try sessions.checkOrigin(of: request, session)
            if everywhere { try await sessions.endAll(of: session.caller) }
        }
        try await endSession(of: request)
        return Response(status: .noContent, headers: [.setCookie: sessions.cookie(nil), .cacheControl: "no-store"])
    }

    private func endSession(of request: Request) async throws {
        guard let secret = PageSessions.secret(in: request), let session = try await sessions.find(secret, isAct: false)
        else {
            return
        }
        try await sessions.end(secret, of: session.caller)
    }

    private func describe(_ session: PageSession, cookie: String?) -> Response {
        var buffer = ByteBuffer()
        var object = JSONObjectWriter(&buffer)
        object.member("csrf", session.csrf, into: &buffer)
        object.member("name", session.caller.name, into: &buffer)
        object.member("role", session.caller.role.rawValue, into: &buffer)
        object.name("teams", into: &buffer)
        if let teams = session.caller.teams {
            buffer.writeJSONArray(teams.sorted()) { team, buffer in buffer.writeJSON(team) }
        } else {
            buffer.writeStaticString("null")
        }
        object.member("expires_at", session.expiresAt, into: &buffer)
        object.end(&buffer)
        var headers: HTTPFields = [.contentType: "application/json", .cacheControl: "no-store"]
        if let cookie { headers[.setCookie] = cookie }
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: buffer))
    }

    private func redirect(cookie: String) -> Response {
        Response(status: .seeOther, headers: [.location: "/", .setCookie: cookie, .cacheControl: "no-store"])
    }
}
