import Gzip
import HTTPTypes
import Hummingbird
import NIOCore

/// Compresses answers of some types for who takes gzip.
///
/// Nothing that it compresses may hold a secret beside what a sender chose: the length would tell of it. So the session's
/// answers, which carry a proof, are not among the types of the page.
struct Compress: RouterMiddleware {
    typealias Context = AppRequestContext

    /// Beginnings of content types.
    let types: [String]

    /// Shorter answers gain nothing.
    private static let least = 1024

    func handle(
        _ request: Request,
        context: AppRequestContext,
        next: @concurrent (Request, AppRequestContext) async throws -> Response
    ) async throws -> Response {
        var response = try await next(request, context)
        guard let type = response.headers[.contentType], types.contains(where: { type.hasPrefix($0) }) else {
            return response
        }
        response.headers[.vary] = "Accept-Encoding"
        // For HEAD it would cost the length, which is known only of what is packed.
        guard request.method != .head, request.acceptsGzip, response.headers[.contentEncoding] == nil,
            let length = response.body.contentLength, length >= Self.least
        else { return response }
        response.headers[.contentEncoding] = "gzip"
        response.headers[.contentLength] = nil
        // A body whose length is known comes in one piece.
        response.body = response.body.map { buffer in
            guard let packed = Gzip.compress(Array(buffer.readableBytesView), effort: .quick) else {
                throw Problem(.internalError)
            }
            return ByteBuffer(bytes: packed)
        }
        return response
    }
}

extension Request {
    /// Whether the sender takes gzip: named in `Accept-Encoding`, and not with a weight of 0.
    var acceptsGzip: Bool {
        (headers[.acceptEncoding] ?? "").prefix(500).split(separator: ",").contains { part in
            let pieces = part.split(separator: ";").map { $0.filter { !$0.isWhitespace }.lowercased() }
            guard let name = pieces.first, name == "gzip" || name == "*" else { return false }
            let weight = pieces.dropFirst().first { $0.hasPrefix("q=") }.flatMap { Double($0.dropFirst(2)) } ?? 1
            return weight > 0
        }
    }
}
