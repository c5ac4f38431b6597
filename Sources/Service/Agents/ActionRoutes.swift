import Domain
import HTTPTypes
import Hummingbird
import LibPQ
import Logging
import NIOCore

/// `POST /v1/actions`: one order about many agents, with a result for each.
///
/// Each agent is dealt with as by its own route, in a transaction of its own: what is refused for one holds up no other. Only
/// the guard judges the order as a whole. Once one is done, a database that goes away is a result of those who are left: who is
/// told only that it is away would not know of the others.
struct ActionRoutes: Sendable {
    private let orders: AgentOrders
    private let clock: DatabaseClock
    private let limits: BodyLimits

    /// The most agents one order names.
    private static let agentLimit = 500

    /// What can be ordered.
    private enum Action: String, CaseIterable {
        case hold, release, reconcile, reboot
    }

    init(_ dependencies: ManagementDependencies) {
        orders = dependencies.orders
        clock = dependencies.clock
        limits = dependencies.limits
    }

    @Sendable
    func order(_ request: Request, context: AppRequestContext) async throws -> Response {
        let caller = try context.require(.manage)
        let fields = try await jsonBody(request, context: context, limits: limits)
        guard let action = try fields.word("action", as: Action.self) else {
            throw Problem.invalid("action", "It is missing.")
        }
        let agents = try Self.agents(fields)
        var hold: Hold?
        if action == .hold {
            guard let value = fields.value("hold") else { throw Problem.invalid("hold", "It is missing.") }
            hold = try Hold(JSONFields(value, at: "hold"), author: caller.name, now: clock.now())
        }
        var bulk = BulkOrder()
        if action == .hold || action == .release { bulk = try await orders.judge(hold, of: agents, by: caller) }
        var results: [Outcome] = []
        for (place, agentID) in agents.enumerated() {
            do {
                let answer = try await carryOut(action, hold, agentID, by: caller, &bulk)
                results.append(Outcome(agentID: agentID, answer: answer))
            } catch let error as PQError where results.contains(where: \.isDone) {
                context.logger.warning(
                    "order broken off in the database",
                    metadata: [LogKeys.error: "\(error)", LogKeys.route: "\(context.endpointPath ?? "")"]
                )
                results += agents[place...].map { Outcome(agentID: $0, answer: .failure(Problem(error))) }
                break
            }
        }
        return Self.answer(results)
    }

    /// 200 when the order is done for everybody, else 207.
    private static func answer(_ results: [Outcome]) -> Response {
        let areAllDone = results.allSatisfy(\.isDone)
        return .json(areAllDone ? .ok : .init(code: 207, reasonPhrase: "Multi-Status")) { buffer in
            var object = JSONObjectWriter(&buffer)
            object.name("results", into: &buffer)
            buffer.writeJSONArray(results) { result, buffer in
                switch result.answer {
                case .success(let taken):
                    var object = JSONObjectWriter(&buffer)
                    object.member("agent_id", result.agentID, into: &buffer)
                    object.member("status", taken.status.code, into: &buffer)
                    if let change = taken.change { object.member("change", change, into: &buffer) }
                    object.end(&buffer)
                case .failure(let problem):
                    problem.write(to: &buffer, agentID: result.agentID)
                }
            }
            object.end(&buffer)
        }
    }

    /// The agents named, each once, in their order.
    private static func agents(_ fields: JSONFields) throws(Problem) -> [String] {
        guard let named = try fields.texts("agents", limit: agentLimit), !named.isEmpty else {
            throw .invalid("agents", "Expected 1 to \(agentLimit) agent ids.")
        }
        var seen: Set<String> = []
        for (place, agentID) in named.enumerated() where !isAgentID(agentID) {
            throw .invalidAgentID("agents[\(place)]")
        }
        return named.filter { seen.insert($0).inserted }
    }

    /// What came of the order for one agent.
    private struct Outcome {
        var agentID: String
        var answer: Result<Taken, Problem>

        var isDone: Bool {
            if case .success = answer { true } else { false }
        }
    }

    /// How the order was taken.
    private struct Taken {
        var status: HTTPResponse.Status
        /// The change that waits for somebody.
        var change: Int64?
    }

    /// - Throws: ``PQError`` when the database is away: what was done is done, and the same order may be given again.
    private func carryOut(
        _ action: Action,
        _ hold: Hold?,
        _ agentID: String,
        by caller: Caller,
        _ bulk: inout BulkOrder
    ) async throws -> Result<Taken, Problem> {
        do {
            switch (action, hold) {
            case (.hold, let hold?):
                let change = try await orders.hold(agentID, hold, by: caller, origin: .bulk(bulk))
                if let change { bulk.waiting?.change = change }
                return .success(Taken(status: change == nil ? .ok : .accepted, change: change))
            case (.release, _):
                let change = try await orders.release(agentID, by: caller, origin: .bulk(bulk))
                if let change { bulk.waiting?.change = change }
                return .success(Taken(status: change == nil ? .noContent : .accepted, change: change))
            case (.reboot, _):
                try await orders.reboot(agentID, by: caller)
                return .success(Taken(status: .accepted))
            case (.reconcile, _), (.hold, nil):
                try await orders.reconcile(agentID, by: caller)
                return .success(Taken(status: .accepted))
            }
        } catch let problem as Problem where problem.status.kind == .clientError {
            return .failure(problem)
        }
    }
}

extension Hold {
    /// How far ahead a hold may end.
    private static let limit = Duration.seconds(366 * 86_400)

    /// Reads a hold as a person orders it.
    ///
    /// - Throws: `invalid_field`.
    init(_ fields: JSONFields, author: String, now: Timestamp) throws(Problem) {
        guard let state = try fields.word("state", as: RunState.self) else {
            throw fields.invalid("state", "It is missing.")
        }
        guard let until = try fields.instant("until") else { throw fields.invalid("until", "It is missing.") }
        guard until > now, until <= now + Self.limit else {
            throw fields.invalid("until", "It must lie ahead, by at most 366 days.")
        }
        self.init(state: state, until: until, reason: try fields.requiredText("reason"), author: author)
    }
}
