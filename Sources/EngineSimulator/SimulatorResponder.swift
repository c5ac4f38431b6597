import Domain
import HTTPTypes
import Hummingbird
import Logging
import NIOCore

/// What a request brings along: the connection, which some faults close.
struct SimulatorContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }
}

/// Takes every request; without a router, for two prefixes need none and calls come by the ten thousand.
struct SimulatorResponder: HTTPResponder {
    /// The longest body that is read, in bytes.
    private static let bodyLimit = 8 << 20
    private static let jsonHeaders: HTTPFields = [.contentType: ContractReply.ContentType.json.rawValue]

    let fleet: Fleet
    let admin: AdminRoutes

    func respond(to request: Request, context: SimulatorContext) async throws -> Response {
        let received = RealTime.now
        let target = request.head.path ?? "/"
        let end = target.utf8.firstIndex(of: UInt8(ascii: "?")) ?? target.utf8.endIndex
        let path = target[..<end]
        let query = end == target.endIndex ? "" : target[target.utf8.index(after: end)...]

        if path.hasPrefix("/_sim") {
            let body = try await request.body.collect(upTo: Self.bodyLimit)
            return response(admin.respond(method: request.method.rawValue, path: path, query: query, body: body))
        }
        switch Contract(path: path) {
        case .wawp:
            switch Operation.route(method: request.method.rawValue, path: path) {
            case .unknown: return response(ContractError.unknownRoute.reply(.json))
            case .wrongMethod: return response(ContractError.wrongMethod.reply(.json))
            case .operation(let operation):
                let call = ContractCall(
                    operation: operation,
                    query: query,
                    headers: request.headers,
                    body: try await body(of: request),
                    placements: fleet.withWorld { world, _ in world.behaviour.tokenPlacements }
                )
                return try await serve(call, received: received, channel: context.channel)
            }
        case .waha:
            let line = RequestLine(contract: .waha, method: request.method.rawValue, path: String(path))
            let (route, session) = Operation.wahaRoute(method: line.method, path: path)
            guard case .operation(let operation) = route else {
                // Its framework knows no wrong method, only a route that is not there.
                return response(ContractError.unknownRoute.reply(.json, to: line))
            }
            let call = ContractCall(
                waha: operation,
                line: line,
                session: session,
                query: query,
                headers: request.headers,
                body: try await body(of: request)
            )
            return try await serve(call, received: received, channel: context.channel)
        }
    }

    private func body(of request: Request) async throws -> ByteBuffer? {
        let length = request.headers[.contentLength]
        if length == "0" || (length == nil && request.headers[.transferEncoding] == nil) { return nil }
        return try await request.body.collect(upTo: Self.bodyLimit)
    }

    private func serve(
        _ call: ContractCall,
        received: RealTime,
        channel: any Channel
    ) async throws -> Response {
        switch try await fleet.serve(call, received: received).wire {
        case .answer(let reply):
            return response(reply)
        case .drop:
            // It may be closed already, which is what we want.
            try? await channel.close()
            return Response(status: .serviceUnavailable)
        case .hang(let duration):
            // A caller that gives up is not noticed: noticing would read the body a second time, which the
            // server does not allow.
            try await fleet.clock.sleep(until: fleet.clock.now + duration, nap: .milliseconds(250))
            try? await channel.close()
            return Response(status: .serviceUnavailable)
        case .cut(let reply, let pause):
            return cut(reply, after: pause)
        }
    }

    private func response(_ reply: ContractReply) -> Response {
        var headers = Self.jsonHeaders
        if reply.contentType != .json { headers[.contentType] = reply.contentType.rawValue }
        if let retryAfter = reply.retryAfter, let name = HTTPField.Name("Retry-After") { headers[name] = retryAfter }
        if let location = reply.location { headers[.location] = location }
        return Response(
            status: .init(code: reply.status),
            headers: headers,
            body: ResponseBody(byteBuffer: reply.body)
        )
    }

    /// Half of the body, and then the end of the connection.
    private func cut(_ reply: ContractReply, after pause: Duration) -> Response {
        let half = reply.body.getSlice(at: 0, length: reply.body.readableBytes / 2) ?? ByteBuffer()
        let body = ResponseBody(contentLength: reply.body.readableBytes) { writer in
            try await writer.write(half)
            if pause > .zero { try await fleet.clock.sleep(until: fleet.clock.now + pause, nap: .milliseconds(50)) }
            throw CutHere()
        }
        return Response(status: .init(code: reply.status), headers: Self.jsonHeaders, body: body)
    }

    private struct CutHere: Error {}
}
