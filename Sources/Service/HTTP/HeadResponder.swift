import HTTPTypes
import Hummingbird

/// Sends no body with what is answered to HEAD, whatever it is.
///
/// The framework finds the route of GET, but would send the body of a problem, which stood where the next answer of the
/// connection begins. The length stays that of the body that GET gets. A body without one, like a stream's, is told as empty: an
/// answer that names no length is ended by a chunk, which is a body as well.
struct HeadResponder: HTTPResponder {
    let routes: RouterResponder<AppRequestContext>

    func respond(to request: Request, context: AppRequestContext) async throws -> Response {
        let response = try await routes.respond(to: request, context: context)
        return request.method == .head ? response.createHeadResponse() : response
    }
}
