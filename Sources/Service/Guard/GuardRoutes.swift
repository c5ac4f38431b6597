import Domain
import Hummingbird

/// `/v1/guard`: what waits for somebody, and what somebody says to it.
struct GuardRoutes: Sendable {
    private let reads: GuardReads
    private let desk: GuardDesk
    private let limits: BodyLimits

    /// Agents named in one decision.
    private static let agentLimit = 1_000

    init(_ dependencies: ManagementDependencies) {
        reads = GuardReads(pool: dependencies.readPool)
        desk = GuardDesk(
            dependencies.directory,
            freshness: dependencies.freshness,
            logger: dependencies.logger
        )
        limits = dependencies.limits
    }

    @Sendable
    func list(_ request: Request, context: AppRequestContext) async throws -> Response {
        let caller = try context.require(.view)
        let state = try QueryParameters(request).word("state", as: HeldState.self)
        let changes = try await reads.changes(for: caller, state: state)
        return .list(changes, nextCursor: nil) { $0.write(to: &$1) }
    }

    @Sendable
    func show(_ request: Request, context: AppRequestContext) async throws -> Response {
        try await answer(try number(context), for: try context.require(.view))
    }

    @Sendable
    func approve(_ request: Request, context: AppRequestContext) async throws -> Response {
        try await decide(.approve, request, context)
    }

    @Sendable
    func refuse(_ request: Request, context: AppRequestContext) async throws -> Response {
        try await decide(.refuse, request, context)
    }

    private func decide(
        _ decision: GuardDecision,
        _ request: Request,
        _ context: AppRequestContext
    ) async throws -> Response {
        let caller = try context.require(.manage)
        let change = try number(context)
        let meant = try await meant(request, context)
        _ = try await desk.decide(decision, change: change, agentIDs: meant.agentIDs, shown: meant.shown, by: caller)
        return try await answer(change, for: caller, isDecided: true)
    }

    /// The agents whose parts are meant, `nil` for all; and how many of these were shown as waiting, `nil` for who does not say.
    ///
    /// Without a body whatever waits is meant.
    private func meant(
        _ request: Request,
        _ context: AppRequestContext
    ) async throws -> (agentIDs: [String]?, shown: Int64?) {
        try checkMediaType(request, allowed: ["application/json"])
        let body = try await collectBody(request, context: context, limits: limits)
        guard body.readableBytes > 0 else { return (nil, nil) }
        let fields = try JSONFields(JSONValue(parsing: body.readableBytesView))
        let agentIDs = try fields.texts("agents", limit: Self.agentLimit)
        if let agentIDs, let wrong = agentIDs.firstIndex(where: { !isAgentID($0) }) {
            throw Problem.invalidAgentID("agents[\(wrong)]")
        }
        guard let waiting = fields.value("waiting") else { return (agentIDs, nil) }
        guard case .number(let digits) = waiting, let shown = Int64(digits), shown >= 0 else {
            throw fields.invalid("waiting", "Expected a whole number, 0 or more.")
        }
        return (agentIDs, shown)
    }

    private func number(_ context: AppRequestContext) throws -> Int64 {
        guard let number = Int64(try context.pathParameter("change")) else { throw Problem(.notFound) }
        return number
    }

    private func answer(_ number: Int64, for caller: Caller, isDecided: Bool = false) async throws -> Response {
        guard let change = try await reads.change(number, for: caller, isDecided: isDecided) else {
            throw Problem(.notFound)
        }
        let parts = try await reads.parts(of: change, for: caller)
        return .json { change.write(parts, to: &$0) }
    }
}
