import Hummingbird

/// Every route that `serve` has.
struct ServedRoutes: Sendable {
    let page: PageDependencies
    let clock: ClockRoutes
    let sources: SourceRoutes
    let engines: EngineRoutes

    /// Adds the routes, ``ProblemMiddleware`` before all of them.
    func add(to router: Router<AppRequestContext>) {
        let management = page.management
        router.add(
            middleware: ProblemMiddleware(
                limits: management.limits,
                routes: RouteTable(managementRoutes + eventRoutes + pageRoutes)
            )
        )
        addManagementRoutes(to: router, management)
        addPageRoutes(to: router, page)
        sources.add(to: router)
        engines.addOpen(to: router)
        let keyed = router.group().add(middleware: Authenticate(management.keyRing, session: management.session))
        clock.add(to: keyed)
        engines.add(to: keyed.requireRole(.admin))
    }
}
