import Crypto
import Domain
import FoundationEssentials
import HTTPTypes
import Hummingbird
import NIOCore
import ServiceLifecycle

/// What comes from an engine, or asks for its state.
///
/// A webhook is a hint: it wakes a look and decides nothing.
struct EngineRoutes: Sendable {
    /// The account's webhook secret; `nil` refuses all webhooks.
    let secrets: [String: String]
    /// How each account's engine signs its webhooks.
    let signatures: [String: WebhookSignature]
    let reconciler: Reconciler
    let hints: HintDesk
    let limits: BodyLimits

    /// The longest a sweep's caller may wait, in seconds, and the default.
    private static let longestWait = 600
    private static let defaultWait = 60

    func addOpen(to router: some RouterMethods<AppRequestContext>) {
        router.post("/v1/engines/:account/events") { request, context in try await self.hint(request, context) }
    }

    func add(to group: RouterGroup<AppRequestContext>) {
        group.post("/v1/engines/:account/sweep") { request, context in try await self.sweep(request, context) }
    }

    private func hint(_ request: Request, _ context: AppRequestContext) async throws -> HTTPResponse.Status {
        let name = try context.pathParameter("account")
        guard reconciler.knows(name) else { throw Problem(.notFound) }
        let buffer = try await collectBody(request, context: context, limits: limits)
        let body = Array(buffer.readableBytesView)
        guard let secret = secrets[name], isProved(request, body, secret: secret, signature: signatures[name])
        else {
            throw Problem(.unauthenticated)
        }
        // What is genuine and no JSON will not be so the next time either. All else is taken, or it would come again.
        switch SessionHint.read(body) {
        case nil: throw Problem(.malformedJSON)
        case .other: break
        case .hint(let hint): hints.take(hint, account: name)
        }
        return .ok
    }

    /// Whether a delivery shows `?secret=`, or is signed with it; one of the two will do.
    ///
    /// Not every engine says how it signs, so a signature of another form or under another key takes nothing from the secret.
    /// Source: Wawp's documents name no header; its SDK verifies an HMAC; n8n's node for it puts a secret into the address.
    private func isProved(
        _ request: Request,
        _ body: [UInt8],
        secret: String,
        signature: WebhookSignature?
    ) -> Bool {
        let key = SymmetricKey(data: Array(secret.utf8))
        return isSigned(request, body, key, signature) || isShown(secret, by: request, key)
    }

    /// Whether the engine's signature over the raw body is there and right.
    private func isSigned(
        _ request: Request,
        _ body: [UInt8],
        _ key: SymmetricKey,
        _ signature: WebhookSignature?
    ) -> Bool {
        guard let signature, let header = HTTPField.Name(signature.header), let text = request.headers[header],
            let code = Hexadecimal.bytes(text)
        else { return false }
        return switch signature.hash {
        case .sha256: HMAC<SHA256>.isValidAuthenticationCode(code, authenticating: body, using: key)
        case .sha512: HMAC<SHA512>.isValidAuthenticationCode(code, authenticating: body, using: key)
        }
    }

    /// Whether `?secret=` is right; compared as codes under one key, so that the time taken says nothing about the secret.
    private func isShown(_ secret: String, by request: Request, _ key: SymmetricKey) -> Bool {
        guard let given = request.uri.queryParameters["secret"] else { return false }
        let expected = Array(HMAC<SHA256>.authenticationCode(for: Array(secret.utf8), using: key))
        return HMAC<SHA256>.isValidAuthenticationCode(expected, authenticating: Array(given.utf8), using: key)
    }

    private func sweep(_ request: Request, _ context: AppRequestContext) async throws -> Response {
        // It reads everybody's sessions, whatever their teams, and counts them.
        try context.requireAllTeams(to: "sweep an account")
        let name = try context.pathParameter("account")
        guard reconciler.knows(name) else { throw Problem(.notFound) }
        let wait = try QueryParameters(request).integer("wait", in: 0...Self.longestWait) ?? Self.defaultWait
        guard let report = try await report(of: name, wait: .seconds(wait)) else {
            throw Problem(.overloaded, "No replica acts for this account at this moment; ask again.", retryAfter: 2)
        }
        let counts = report.counts
        var buffer = ByteBuffer()
        var object = JSONObjectWriter(&buffer)
        object.member("account", name, into: &buffer)
        object.member("complete", report.isComplete, into: &buffer)
        object.member("instances", counts.instances, into: &buffer)
        object.member("read", counts.read, into: &buffer)
        object.member("unread", counts.unread, into: &buffer)
        object.member("drifted", counts.drifted, into: &buffer)
        object.member("repaired", counts.repaired, into: &buffer)
        object.member("deferred", counts.deferred, into: &buffer)
        object.end(&buffer)
        return Response(
            status: report.isComplete ? .ok : .accepted,
            headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: buffer)
        )
    }

    /// Sweeps here, or has the replica sweep that acts for the account; `nil` when there is none.
    ///
    /// Told to stop, it waits no longer: the stop would wait for it.
    private func report(of name: String, wait: Duration) async throws -> SweepOrders.Report? {
        try await cancelWhenGracefulShutdown { () async throws -> SweepOrders.Report? in
            if !reconciler.actsFor(name), let report = try await reconciler.orders?.ask(name, wait: wait) {
                return report
            }
            guard let run = try await reconciler.sweep(name, wait: wait) else { return nil }
            return SweepOrders.Report(isComplete: run.isOver, counts: run.counts)
        }
    }
}
