import ClockSources
import Domain
import HTTPTypes
import Hummingbird
import LibPQ
import NIOCore

/// What people ask of the clock sources: how they are doing, what came, what would come of a delivery.
///
/// Deliveries have no team, so to a key that is bound to teams there are no sources.
struct SourceManagementRoutes: Sendable {
    private let pool: PQPool
    private let reads: SourceReads
    private let deliveryReads: DeliveryReads
    private let configured: [String: ConfiguredSource]
    private let skew: Duration
    private let policy: ReconcilePolicy
    private let clock: DatabaseClock
    private let limits: BodyLimits
    private let room: ReadingRoom

    init(_ dependencies: ManagementDependencies) {
        pool = dependencies.readPool
        reads = dependencies.sourceReads
        deliveryReads = dependencies.deliveryReads
        configured = Dictionary(dependencies.sources.map { ($0.name, $0) }) { first, _ in first }
        skew = dependencies.clockSkew
        policy = dependencies.policy
        clock = dependencies.clock
        limits = dependencies.limits
        room = dependencies.room
    }

    @Sendable
    func list(_ request: Request, context: AppRequestContext) async throws -> Response {
        let caller = try context.require(.view)
        let standings = caller.teams == nil ? try await reads.standings() : []
        return .list(standings, nextCursor: nil) { $0.write(to: &$1) }
    }

    @Sendable
    func show(_ request: Request, context: AppRequestContext) async throws -> Response {
        let standing = try await standing(context)
        return .json { standing.write(to: &$0) }
    }

    /// What came, newest first; raw bodies for who may manage.
    @Sendable
    func deliveries(_ request: Request, context: AppRequestContext) async throws -> Response {
        let query = try QueryParameters(request)
        let limit = try query.integer("limit", in: 1...DeliveryReads.limit) ?? 20
        let filter = try query.word("outcome", as: DeliveryReads.Filter.self)
        let position = try query["cursor"].map { word throws(Problem) in try DeliveryReads.Position(word: word) }
        let standing = try await standing(context)
        let page = try await deliveryReads.page(
            of: standing.sourceID,
            filter,
            after: position,
            limit: limit,
            hasBodies: context.caller?.role.includes(.manage) ?? false
        )
        return .list(page.items, nextCursor: page.next?.word) { $0.write(to: &$1) }
    }

    /// Reads a delivery as the real route would, says what that would do, and does nothing.
    @Sendable
    func verify(_ request: Request, context: AppRequestContext) async throws -> Response {
        let query = try QueryParameters(request)
        let at = try query.instant("at")
        let standing = try await standing(context)
        guard let source = configured[standing.name] else {
            throw Problem(.notFound, "The source is not set up here, so it takes no deliveries.")
        }
        let buffer = try await collectBody(request, context: context, limits: limits)
        let delivery = Delivery(
            method: "POST",
            headers: DeliveryEnvelope.headers(request.headers),
            body: Array(buffer.readableBytesView),
            query: DeliveryEnvelope.query(request.uri.query),
            token: query["token"],
            receivedAt: at ?? clock.now()
        )
        let check = DeliveryCheck(source, sourceID: standing.sourceID, skew: skew, policy: policy, pool: pool)
        let deadline = ContinuousClock.now + AnswerDeadlines.limit
        let verdict = try await check.judge(delivery) { delivery, desk throws(Problem) in
            try await room.read(delivery, desk, by: deadline, on: context.channel.eventLoop)
        }
        return .json { verdict.write(to: &$0) }
    }

    private func standing(_ context: AppRequestContext) async throws -> SourceStanding {
        let caller = try context.require(.view)
        let name = try context.pathParameter("source")
        guard caller.teams == nil, !name.contains("\u{0}"), let standing = try await reads.standings(of: name).first
        else { throw Problem(.notFound) }
        return standing
    }
}

/// A delivery that came inside a request of somebody else: what of the request is the delivery's own.
///
/// Pure.
enum DeliveryEnvelope {
    /// The delivery's own `Authorization`, since the request's proves who asks.
    static let authorization = "x-rollcall-authorization"
    private static let ours: Set = ["authorization", "cookie", "x-rollcall-csrf"]
    private static let ourParameters: Set = ["token", "at"]

    static func headers(_ fields: HTTPFields) -> [(name: String, value: String)] {
        fields.compactMap { field in
            let name = field.name.canonicalName
            if name == authorization { return ("authorization", field.value) }
            return ours.contains(name) ? nil : (field.name.rawName, field.value)
        }
    }

    /// The query without the parameters that are for us; `nil` when nothing is left.
    static func query(_ query: String?) -> String? {
        guard let query else { return nil }
        let kept = query.split(separator: "&").filter { pair in
            !ourParameters.contains(String(pair.prefix { $0 != "=" }))
        }
        return kept.isEmpty ? nil : kept.joined(separator: "&")
    }
}
