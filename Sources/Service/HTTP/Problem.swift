package import HTTPTypes
package import Hummingbird
package import LibPQ
import NIOCore

/// An HTTP answer that says what went wrong: `application/problem+json` (RFC 9457).
///
/// Nothing in it comes from an error of the inside; `detail` is written for the sender.
package struct Problem: Error, HTTPResponseError, Hashable {
    package var code: ProblemCode
    /// What is wrong with this very request; the title when there is no more to say.
    package var detail: String
    /// The value at fault, as a path (`instance.engine`, `aliases[2].source`).
    package var field: String?
    /// Seconds after which the same request may succeed.
    package var retryAfter: Int?

    package init(_ code: ProblemCode, _ detail: String? = nil, field: String? = nil, retryAfter: Int? = nil) {
        self.code = code
        self.detail = detail ?? code.title
        self.field = field
        self.retryAfter = retryAfter ?? (code.status == .serviceUnavailable ? 1 : nil)
    }

    /// A value that is missing or not allowed.
    package static func invalid(_ field: String, _ detail: String) -> Problem {
        Problem(.invalidField, detail, field: field)
    }

    package var status: HTTPResponse.Status { code.status }

    package func response(from request: Request, context: some RequestContext) -> Response {
        response
    }

    /// The whole answer.
    package var response: Response {
        var headers: HTTPFields = [.contentType: "application/problem+json", .cacheControl: "no-store"]
        if let retryAfter { headers[.retryAfter] = String(retryAfter) }
        if code == .unauthenticated { headers[.wwwAuthenticate] = "Bearer" }
        var buffer = ByteBuffer()
        write(to: &buffer)
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: buffer))
    }

    /// Writes the problem as a JSON object, also as one item among the results of a batch.
    ///
    /// `agentID`: whom the item is about.
    package func write(to buffer: inout ByteBuffer, agentID: String? = nil) {
        var object = JSONObjectWriter(&buffer)
        if let agentID { object.member("agent_id", agentID, into: &buffer) }
        object.member("type", "urn:rollcall:problem:\(code.rawValue)", into: &buffer)
        object.member("title", code.title, into: &buffer)
        object.member("status", code.status.code, into: &buffer)
        object.member("detail", detail, into: &buffer)
        object.member("code", code.rawValue, into: &buffer)
        object.member("hint", code.hint, into: &buffer)
        if let field { object.member("field", field, into: &buffer) }
        object.end(&buffer)
    }
}

extension Problem {
    /// What the outside is told of a failure of the database.
    ///
    /// - Returns: 503 with `Retry-After` where the same request may succeed later, else an answer that says nothing.
    package init(_ error: PQError) {
        switch error.kind {
        case .poolTimeout, .poolOverloaded:
            self.init(.overloaded)
        case .server where !error.isTransient, .invalidInput, .decoding:
            self.init(.internalError)
        default:
            self.init(.databaseUnavailable)
        }
    }
}
