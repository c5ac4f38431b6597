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
    let views = PageViews()
    let stream = StreamRoute(
        feed: dependencies.feed,
        keyRing: management.keyRing,
        sessions: dependencies.sessions
    )
    router.group("v1")
        .add(middleware: Authenticate(management.keyRing, session: dependencies.sessions.caller))
        .add(middleware: RequireRole(.view))
        .get("stream", use: stream.stream)

    let page = router.group().add(middleware: PageHeaders())
    SessionRoutes(
        sessions: dependencies.sessions,
        limiter: SignInLimiter(),
        limits: management.limits,
        views: views
    ).add(to: page)
    let assets = PageAssets()
    page.get("assets/{name}") { request, context in
        try assets.response(to: request, name: try context.pathParameter("name"))
    }
    PageRoutes(dependencies, views: views).add(to: page)
}

/// The addresses of this file's routes, for telling a wrong method from a wrong address.
package let pageRoutes: [(method: String, path: String)] = [
    ("GET", "/"), ("GET", "/agents/{agent}"), ("GET", "/unmatched"), ("GET", "/unmatched/count"),
    ("GET", "/sources"), ("GET", "/sources/{source}"),
    ("GET", "/assets/{name}"), ("GET", "/v1/stream"),
    ("POST", "/session"), ("GET", "/session"), ("DELETE", "/session"),
]

/// The pages that people see.
struct PageRoutes: Sendable {
    private let sessions: PageSessions
    private let fleet: FleetReads
    private let story: AgentStory
    private let names: UnmatchedNames
    private let unmatched: UnmatchedCount
    private let clock: DatabaseClock
    private let sources: SourceStory
    private let views: PageViews

    init(_ dependencies: PageDependencies, views: PageViews) {
        let management = dependencies.management
        sessions = dependencies.sessions
        names = management.unmatchedNames
        unmatched = management.unmatchedCount
        clock = management.clock
        fleet = FleetReads(
            agents: management.reads,
            summaries: dependencies.feed.sources.summaries,
            incidents: management.incidents,
            unmatched: unmatched,
            clock: management.clock
        )
        story = AgentStory(
            agents: management.reads,
            history: HistoryReads(pool: management.readPool),
            freshness: management.freshness,
            clock: management.clock
        )
        sources = SourceStory(
            sources: management.sourceReads,
            deliveries: management.deliveryReads,
            clock: management.clock
        )
        self.views = views
    }

    private func unmatchedNames(_ query: QueryParameters, for caller: Caller) async throws -> UnmatchedModel {
        let position = try query["cursor"].map { word throws(Problem) in try UnmatchedNames.Position(word: word) }
        let source = query["source"]
        let isBound = caller.teams != nil
        let page =
            isBound
            ? ([], nil)
            : try await names.page(
                source: source,
                after: position ?? UnmatchedNames.Position(),
                limit: UnmatchedModel.pageSize
            )
        return UnmatchedModel(caller: caller, source: source, names: page.0, next: page.1, now: clock.now())
    }

    /// How many names are nobody's, for the page that is open already.
    private func unmatchedCount(_ request: Request) async throws -> Response {
        guard let session = try await sessions.session(of: request) else { throw Problem(.unauthenticated) }
        let count = try await unmatched.count(for: session.caller)
        return .json { buffer in
            var object = JSONObjectWriter(&buffer)
            object.member("names", count, into: &buffer)
            object.member("text", unmatchedSentence(count), into: &buffer)
            object.end(&buffer)
        }
    }

    func add(to routes: some RouterMethods<AppRequestContext>) {
        routes.get("/") { request, context in
            try await show(request) { caller in
                views.fleet(try await fleet.fleet(try FleetFilter(QueryParameters(request)), for: caller))
            }
        }
        routes.get("/unmatched") { request, context in
            try await show(request) { caller in
                views.unmatched(try await unmatchedNames(try QueryParameters(request), for: caller))
            }
        }
        routes.get("/unmatched/count") { request, context in try await unmatchedCount(request) }
        routes.get("/agents/{agent}") { request, context in
            try await show(request) { caller in
                views.agent(try await story.agent(try context.agentID(), for: caller))
            }
        }
        routes.get("/sources") { request, context in
            try await show(request) { caller in views.sources(try await sources.all(for: caller)) }
        }
        routes.get("/sources/{source}") { request, context in
            try await show(request) { caller in
                let name = try context.pathParameter("source")
                return views.source(try await sources.source(name, try QueryParameters(request), for: caller))
            }
        }
    }

    /// Shows a page to who is signed in, and the sign-in to everybody else.
    private func show(_ request: Request, _ page: (Caller) async throws -> Response) async throws -> Response {
        do {
            guard let session = try await sessions.session(of: request) else { return views.signIn() }
            return try await page(session.caller)
        } catch let problem as Problem {
            return views.problem(problem)
        } catch let error as PQError {
            return views.problem(Problem(error))
        }
    }
}
