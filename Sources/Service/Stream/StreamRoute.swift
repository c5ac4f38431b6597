import HTTPTypes
import Hummingbird
import NIOCore
import ServiceLifecycle

/// `GET /v1/stream`: what changes, as it changes, as server-sent events.
struct StreamRoute: Sendable {
    let feed: ChangeFeed
    let keyRing: KeyRing
    let sessions: PageSessions

    /// How often a session is looked up again while it watches; a revoked key is noticed within a second.
    private static let sessionCheck = Duration.seconds(10)
    /// How long that may take: a stream that waits for a database that hangs cannot say that it does.
    private static let sessionPatience = Duration.seconds(1)

    @Sendable
    func stream(_ request: Request, context: AppRequestContext) async throws -> Response {
        let caller = try context.require(.view)
        let query = try QueryParameters(request)
        let filter = try AgentFilter(query, caller: caller)
        let hasSnapshot = query["snapshot"] == nil ? true : try query.flag("snapshot")
        let lastEventID = request.headers[.lastEventID] ?? query["last_event_id"]
        let channel = context.channel
        guard feed.hasRoom else { throw Problem(.overloaded, "Too many watch already.", retryAfter: 5) }
        let stream = EventStream(
            feed: feed,
            reads: feed.sources.reads,
            incidents: feed.sources.incidents,
            clock: feed.sources.clock,
            caller: caller,
            filter: filter,
            hasSnapshot: hasSnapshot,
            // Counts that came with a page are shared, and may be older than the place from which it follows them up.
            beginsWithCounts: request.headers[.lastEventID] == nil,
            isAllowed: permission(for: caller, by: request)
        )
        let body = request.body
        return Response(
            status: .ok,
            headers: [
                .contentType: "text/event-stream", .cacheControl: "no-store", .accelBuffering: "no",
                .contentTypeOptions: "nosniff",
            ],
            body: ResponseBody { writer in
                // Not before the head has left: a body that nobody asks for must leave no subscription behind.
                guard let subscription = feed.subscribe(onStuck: { channel.close(promise: nil) }) else {
                    return try await writer.finish(nil)
                }
                try await withGracefulShutdownHandler {
                    try await body.consumeWithInboundCloseHandler { _ in
                        defer { feed.unsubscribe(subscription) }
                        try await stream.send(subscription, lastEventID: lastEventID, to: &writer)
                    } onInboundClosed: {
                        feed.unsubscribe(subscription)
                    }
                } onGracefulShutdown: {
                    // It stays one of the feed's until its last write is over, so that a browser that takes nothing is cut off.
                    subscription.end()
                }
                try await writer.finish(nil)
            }
        )
    }

    /// Whether a watcher still may: its key lives, and its session too.
    private func permission(for caller: Caller, by request: Request) -> @Sendable () async -> Bool {
        let secret = request.headers[.authorization] == nil ? PageSessions.secret(in: request) : nil
        let check = PermissionCheck(interval: Self.sessionCheck)
        return { [keyRing, sessions] in
            guard keyRing.caller(keyID: caller.keyID) != nil else { return false }
            guard let secret, check.isDue() else { return true }
            do {
                return try await sessions.find(secret, isAct: false, timeout: Self.sessionPatience) != nil
            } catch {
                // The database does not answer; nothing new is told either.
                return true
            }
        }
    }
}
