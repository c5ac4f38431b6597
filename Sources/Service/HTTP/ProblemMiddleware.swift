package import Hummingbird
import LibPQ
import Logging

/// Turns every error into a problem that says nothing of the inside.
///
/// Stands outermost.
package struct ProblemMiddleware: RouterMiddleware {
    package typealias Context = AppRequestContext

    private let limits: BodyLimits
    /// The methods that an address exists for, where the framework only says "not found".
    private let routes: RouteTable

    package init(limits: BodyLimits, routes: RouteTable = RouteTable([])) {
        self.limits = limits
        self.routes = routes
    }

    package func handle(
        _ request: Request,
        context: AppRequestContext,
        next: @concurrent (Request, AppRequestContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch {
            let problem = problem(for: error, request, context)
            var response = problem.response
            if problem.code == .methodNotAllowed {
                response.headers[.allow] = routes.methods(at: request.uri.path).joined(separator: ", ")
            }
            if request.hasBody, problem.mayLeaveBodyUnread {
                response.headers[.connection] = "close"
                limits.deadlines.close(context.channel, in: BodyDeadlines.linger)
            }
            return response
        }
    }

    private func problem(for error: any Error, _ request: Request, _ context: AppRequestContext) -> Problem {
        switch error {
        case let problem as Problem:
            return problem
        case let error as PQError:
            let problem = Problem(error)
            context.logger.warning(
                "request failed in the database",
                metadata: [LogKeys.error: "\(error)", LogKeys.route: "\(context.endpointPath ?? "")"]
            )
            return problem
        case is CancellationError:
            return Problem(.overloaded)
        case let error as any HTTPResponseError where error.status == .notFound:
            return routes.methods(at: request.uri.path).isEmpty ? Problem(.notFound) : Problem(.methodNotAllowed)
        case let error as any HTTPResponseError where error.status == .contentTooLarge:
            return Problem(.bodyTooLarge)
        case let error as any HTTPResponseError where error.status.kind == .clientError:
            return Problem(.malformedJSON)
        default:
            context.logger.error(
                "request failed",
                metadata: [LogKeys.error: "\(type(of: error))", LogKeys.route: "\(context.endpointPath ?? "")"]
            )
            return Problem(.internalError)
        }
    }
}

extension Problem {
    /// Whether the handler may have answered before it had read the body to its end.
    fileprivate var mayLeaveBodyUnread: Bool {
        switch code {
        case .unauthenticated, .forbidden, .notFound, .methodNotAllowed, .bodyTimeout, .bodyTooLarge,
            .unsupportedMediaType, .rateLimited:
            true
        default:
            false
        }
    }
}

/// Which methods each address is for, so that a wrong method is told from a wrong address.
package struct RouteTable: Sendable {
    private let routes: [(method: String, path: [Substring])]

    /// - Parameter routes: method and path; a part in braces stands for any one part.
    package init(_ routes: [(method: String, path: String)]) {
        self.routes = routes.map { ($0.method, $0.path.split(separator: "/")) }
    }

    /// The methods of all routes that the path fits, HEAD wherever GET is.
    package func methods(at path: String) -> [String] {
        let parts = path.split(separator: "/")
        let fitting = routes.filter { route in
            route.path.count == parts.count
                && zip(route.path, parts).allSatisfy { pattern, part in pattern.first == "{" || pattern == part }
        }
        return fitting.flatMap { $0.method == "GET" ? ["GET", "HEAD"] : [$0.method] }
    }
}
