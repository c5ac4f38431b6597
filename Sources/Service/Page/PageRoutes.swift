import HTTPTypes
package import Hummingbird
import LibPQ

/// What the page needs.
package struct PageDependencies: Sendable {
    package var management: ManagementDependencies
    package var sessions: PageSessions
    package var feed: ChangeFeed

    package init(management: ManagementDependencies, sessions: PageSessions, feed: ChangeFeed) {
        self.management = management
        self.sessions = sessions
        self.feed = feed
    }
}

/// Adds the page, the sign-in and the stream.
///
/// ``ProblemMiddleware`` has to stand on the router already, and the page's sessions in `Authenticate` of the other routes.
package func addPageRoutes(to router: Router<AppRequestContext>, _ dependencies: PageDependencies) {
    let management = dependencies.management
    let views = PageRoutes.builtInViews
    let stream = StreamRoute(
        feed: dependencies.feed,
        keyRing: management.keyRing,
        sessions: dependencies.sessions
    )
    router.group("v1")
        .add(middleware: Authenticate(management.keyRing, session: dependencies.sessions.caller))
        .add(middleware: RequireRole(.view))
        .get("stream", use: stream.stream)

    let page = router.group().add(middleware: PageHeaders()).add(middleware: Compress(types: ["text/html"]))
    let pages = PageRoutes(dependencies, views: views)
    SessionRoutes(
        sessions: dependencies.sessions,
        limiter: SharedSignInLimit(pool: management.pool, readPool: management.readPool),
        limits: management.limits,
        views: views,
        frame: { pages.signInFrame(of: $0) }
    ).add(to: page)
    let assets = PageRoutes.builtInAssets
    page.get("assets/{name}") { request, context in
        try assets.response(to: request, name: try context.pathParameter("name"))
    }
    pages.add(to: page)
}

/// The addresses of this file's routes, for telling a wrong method from a wrong address.
package let pageRoutes: [(method: String, path: String)] = [
    ("GET", "/"), ("GET", "/agents/{agent}"), ("GET", "/unmatched"), ("GET", "/unmatched/count"),
    ("GET", "/sources"), ("GET", "/sources/{source}"), ("GET", "/stats"),
    ("GET", "/assets/{name}"), ("GET", "/v1/stream"),
    ("POST", "/session"), ("GET", "/session"), ("PUT", "/session"), ("DELETE", "/session"),
]

/// The pages that people see.
struct PageRoutes: Sendable {
    /// The templates and sentences that are built into the program, read at boot, once for all services of a process.
    fileprivate static let builtInViews = PageViews()
    /// The scripts and style, likewise.
    fileprivate static let builtInAssets = PageAssets()

    private let sessions: PageSessions
    private let reads: PageReads
    private let views: PageViews

    init(_ dependencies: PageDependencies, views: PageViews) {
        sessions = dependencies.sessions
        reads = PageReads(dependencies)
        self.views = views
    }

    func add(to routes: some RouterMethods<AppRequestContext>) {
        routes.get("/") { request, context in
            try await show(request) { caller, frame in
                views.fleet(
                    try await reads.fleet.fleet(try FleetFilter(QueryParameters(request)), for: caller, frame: frame)
                )
            }
        }
        routes.get("/unmatched") { request, context in
            try await show(request) { caller, frame in
                views.unmatched(try await reads.unmatchedNames(try QueryParameters(request), for: caller, frame: frame))
            }
        }
        routes.get("/unmatched/count") { request, context in try await unmatchedCount(request) }
        routes.get("/agents/{agent}") { request, context in
            try await show(request) { caller, frame in
                let query = try QueryParameters(request)
                return views.agent(
                    try await reads.story.agent(try context.agentID(), query, for: caller, frame: frame)
                )
            }
        }
        routes.get("/sources") { request, context in
            try await show(request) { caller, frame in
                views.sources(try await reads.sources.all(for: caller, frame: frame))
            }
        }
        routes.get("/sources/{source}") { request, context in
            try await show(request) { caller, frame in
                let name = try context.pathParameter("source")
                let query = try QueryParameters(request)
                return views.source(try await reads.sources.source(name, query, for: caller, frame: frame))
            }
        }
        routes.get("/stats") { request, context in
            try await show(request) { caller, frame in
                views.stats(try await reads.stats.page(try QueryParameters(request), for: caller, frame: frame))
            }
        }
    }

    /// How many names are nobody's, and since when, for the page that is open already.
    private func unmatchedCount(_ request: Request) async throws -> Response {
        guard let session = try await sessions.session(of: request) else { throw Problem(.unauthenticated) }
        let count = try await reads.unmatched.count(for: session.caller)
        let words = views.languages[views.languages.language(of: request)]
        return .json { buffer in
            var object = JSONObjectWriter(&buffer)
            object.member("names", count.names, into: &buffer)
            object.member("text", unmatchedSentence(count.names, words), into: &buffer)
            object.member("since", count.since, into: &buffer)
            object.end(&buffer)
        }
    }

    /// Shows a page to who is signed in, and the sign-in to everybody else; each in a language of theirs.
    private func show(
        _ request: Request,
        _ page: (Caller, PageFrame) async throws -> Response
    ) async throws -> Response {
        var response = try await answer(request, page)
        // What the script reads again by itself chooses nothing for the other pages that are open.
        if request.headers[.rollcallReread] == nil, let chosen = PageLanguages.chosen(by: request) {
            response.headers[.setCookie] = PageLanguages.cookie(chosen)
        }
        return response
    }

    private func answer(
        _ request: Request,
        _ page: (Caller, PageFrame) async throws -> Response
    ) async throws -> Response {
        var frame = frame(of: request, caller: nil)
        do {
            // What the script reads again by itself is nobody's act.
            guard let session = try await sessions.session(of: request, isAct: !frame.isReread) else {
                return views.signIn(frame: frame)
            }
            frame = self.frame(of: request, caller: session.caller)
            return try await page(session.caller, frame)
        } catch let problem as Problem {
            return views.problem(problem, frame: frame)
        } catch let error as PQError {
            return views.problem(Problem(error), frame: frame)
        }
    }

    /// What stands around the sign-in after a refusal, whose own address is no page.
    func signInFrame(of request: Request) -> PageFrame {
        var frame = frame(of: request, caller: nil)
        frame.address = "/"
        return frame
    }

    private func frame(of request: Request, caller: Caller?) -> PageFrame {
        PageFrame(
            words: views.languages[views.languages.language(of: request)],
            caller: caller,
            address: PageFrame.address(path: request.uri.path, query: request.uri.query),
            now: reads.clock.now(),
            isReread: request.headers[.rollcallReread] != nil
        )
    }
}
