package import Hummingbird

/// Finds out whose request it is, and lets it pass only when somebody's it is.
///
/// The key comes as `Authorization: Bearer`; the page's requests come with a session cookie instead, for
/// which the page gives the function `session`.
package struct Authenticate: RouterMiddleware {
    package typealias Context = AppRequestContext

    /// Finds the caller of a request that has no `Authorization` header.
    ///
    /// It throws the problem to answer with when the request has a session but may not use it so.
    package typealias SessionLookup = @Sendable (Request, AppRequestContext) async throws -> Caller?

    private let keyRing: KeyRing
    private let session: SessionLookup?

    package init(_ keyRing: KeyRing, session: SessionLookup? = nil) {
        self.keyRing = keyRing
        self.session = session
    }

    package func handle(
        _ request: Request,
        context: AppRequestContext,
        next: @concurrent (Request, AppRequestContext) async throws -> Response
    ) async throws -> Response {
        var context = context
        if let authorization = request.headers[.authorization] {
            context.caller = keyRing.caller(authorization: authorization)
        } else if let session {
            context.caller = try await session(request, context)
        }
        guard context.caller != nil else { throw Problem(.unauthenticated) }
        return try await next(request, context)
    }
}

/// Lets a request pass only when its caller's role allows it.
///
/// Stands after ``Authenticate``.
package struct RequireRole: RouterMiddleware {
    package typealias Context = AppRequestContext

    private let role: Role

    package init(_ role: Role) {
        self.role = role
    }

    package func handle(
        _ request: Request,
        context: AppRequestContext,
        next: @concurrent (Request, AppRequestContext) async throws -> Response
    ) async throws -> Response {
        try context.require(role)
        return try await next(request, context)
    }
}

extension RouterMethods<AppRequestContext> {
    /// The routes below need `role`.
    package func requireRole(_ role: Role) -> RouterGroup<AppRequestContext> {
        group().add(middleware: RequireRole(role))
    }
}
