import Domain
import HTTPTypes
import Hummingbird
import NIOCore

/// `/v1/agents`: who there is, and what people order.
struct AgentRoutes: Sendable {
    private let reads: AgentReads
    private let directory: AgentDirectory
    private let orders: AgentOrders
    private let erasures: PersonErasure
    private let guardReads: GuardReads
    private let clock: DatabaseClock
    private let limits: BodyLimits

    /// How long a request waits until nothing is left of an erased person; then 202.
    private static let erasureLimit = Duration.seconds(20)
    /// Characters of what a source calls somebody.
    private static let externalIDLimit = 200

    init(_ dependencies: ManagementDependencies) {
        reads = dependencies.reads
        directory = dependencies.directory
        orders = dependencies.orders
        erasures = dependencies.erasures
        guardReads = GuardReads(pool: dependencies.readPool)
        clock = dependencies.clock
        limits = dependencies.limits
    }

    @Sendable
    func list(_ request: Request, context: AppRequestContext) async throws -> Response {
        let caller = try context.require(.view)
        let query = try QueryParameters(request)
        let limit = try query.integer("limit", in: 1...500) ?? 50
        let page = try await reads.page(try AgentFilter(query, caller: caller), cursor: query["cursor"], limit: limit)
        let standings = try await reads.standings(page.agents)
        return .list(page.agents.indices, nextCursor: page.nextCursor) { place, buffer in
            page.agents[place].write(standings[place], to: &buffer)
        }
    }

    @Sendable
    func show(_ request: Request, context: AppRequestContext) async throws -> Response {
        try await answer(.ok, try context.agentID(), for: try context.require(.view))
    }

    @Sendable
    func put(_ request: Request, context: AppRequestContext) async throws -> Response {
        let caller = try context.require(.admin)
        let agentID = try context.agentID()
        let fields = try await jsonBody(request, context: context, limits: limits)
        let (isNew, held) = try await directory.put(try AgentSpec(agentID: agentID, fields), by: caller)
        return try await answer(held.change != nil ? .accepted : isNew ? .created : .ok, agentID, for: caller)
    }

    @Sendable
    func remove(_ request: Request, context: AppRequestContext) async throws -> Response {
        let caller = try context.require(.admin)
        let agentID = try context.agentID()
        let query = try QueryParameters(request)
        let stop = try query.flag("stop")
        if try query.flag("erase") {
            let outcome = try await erasures.erase(agentID: agentID, stop: stop, limit: Self.erasureLimit, by: caller)
            let isThere = outcome == .stopping || outcome == .held
            return isThere ? try await answer(.accepted, agentID, for: caller) : Self.answer(outcome)
        }
        switch try await orders.remove(agentID, stop: stop, by: caller) {
        case .gone: return Response(status: .noContent)
        case .stopping, .held: return try await answer(.accepted, agentID, for: caller)
        }
    }

    /// Erases whoever a source calls so; they have no team, so to a key that is bound to teams there are none.
    @Sendable
    func erase(_ request: Request, context: AppRequestContext) async throws -> Response {
        let caller = try context.require(.admin)
        let source = try context.pathParameter("source")
        let externalID = try context.pathParameter("external_id")
        let scalars = externalID.unicodeScalars
        guard scalars.count <= Self.externalIDLimit, !scalars.contains(where: \.isControl) else {
            throw Problem.invalid("external_id", "Expected up to \(Self.externalIDLimit) characters, none of control.")
        }
        guard caller.teams == nil else { throw Problem(.notFound) }
        return Self.answer(
            try await erasures.erase(externalID, source: source, limit: Self.erasureLimit, by: caller)
        )
    }

    /// 204 once nothing is left.
    private static func answer(_ outcome: PersonErasure.Outcome) -> Response {
        guard outcome != .erased else { return Response(status: .noContent) }
        return .json(.accepted) { buffer in
            var object = JSONObjectWriter(&buffer)
            object.member("status", outcome.rawValue, into: &buffer)
            object.end(&buffer)
        }
    }

    @Sendable
    func hold(_ request: Request, context: AppRequestContext) async throws -> Response {
        let caller = try context.require(.manage)
        let agentID = try context.agentID()
        let fields = try await jsonBody(request, context: context, limits: limits)
        let hold = try Hold(fields, author: caller.name, now: clock.now())
        let change = try await orders.hold(agentID, hold, by: caller)
        return try await answer(change == nil ? .ok : .accepted, agentID, for: caller)
    }

    @Sendable
    func release(_ request: Request, context: AppRequestContext) async throws -> Response {
        let caller = try context.require(.manage)
        let agentID = try context.agentID()
        guard try await orders.release(agentID, by: caller) == nil else {
            return try await answer(.accepted, agentID, for: caller)
        }
        return Response(status: .noContent)
    }

    @Sendable
    func reconcile(_ request: Request, context: AppRequestContext) async throws -> Response {
        let caller = try context.require(.manage)
        let agentID = try context.agentID()
        try await orders.reconcile(agentID, by: caller)
        return try await answer(.accepted, agentID, for: caller)
    }

    @Sendable
    func reboot(_ request: Request, context: AppRequestContext) async throws -> Response {
        let caller = try context.require(.manage)
        let agentID = try context.agentID()
        try await orders.reboot(agentID, by: caller)
        return try await answer(.accepted, agentID, for: caller)
    }

    /// The agent as it is now, with what the sources call it.
    private func answer(
        _ status: HTTPResponse.Status,
        _ agentID: String,
        for caller: Caller
    ) async throws -> Response {
        guard let details = try await reads.agent(agentID, for: caller),
            let standing = try await reads.standings([details]).first
        else { throw Problem(.notFound) }
        let aliases = try await reads.aliases(of: details.agent)
        let waiting = try await guardReads.waiting(of: details.agentID)
        return .json(status) { buffer in
            details.write(standing, aliases: aliases, waiting: waiting, to: &buffer)
        }
    }
}
