import Domain
import Hummingbird
import LibPQ
import NIOCore

/// What people ask beyond the agents themselves: why, since when, how many, what is wrong.
struct ReadRoutes: Sendable {
    private let reads: AgentReads
    private let timelines: TimelineReads
    private let statsReads: StatsReads
    private let summaries: SummaryReads
    private let incidentReads: IncidentReads
    private let pulses: EnginePulseReads
    private let unmatchedReads: UnmatchedReads
    private let unmatchedNames: UnmatchedNames
    private let explanations: ExplanationReads
    private let clock: DatabaseClock

    init(_ dependencies: ManagementDependencies) {
        let pool = dependencies.readPool
        reads = dependencies.reads
        timelines = TimelineReads(
            history: HistoryReads(pool: pool),
            freshness: dependencies.freshness,
            breakAction: dependencies.policy.breakAction
        )
        summaries = dependencies.summaries
        incidentReads = dependencies.incidents
        pulses = EnginePulseReads(pool: pool)
        unmatchedReads = UnmatchedReads(pool: pool, policy: dependencies.policy)
        unmatchedNames = dependencies.unmatchedNames
        explanations = dependencies.explanations
        statsReads = dependencies.statsReads
        clock = dependencies.clock
    }

    @Sendable
    func summary(_ request: Request, context: AppRequestContext) async throws -> Response {
        let caller = try context.require(.view)
        let summary = try await summaries.summary().visible(to: caller)
        return .json { buffer in summary.write(to: &buffer) }
    }

    @Sendable
    func incidents(_ request: Request, context: AppRequestContext) async throws -> Response {
        let incidents = try await incidentReads.incidents(for: try context.require(.view))
        return .list(incidents, nextCursor: nil) { $0.write(to: &$1) }
    }

    /// To a key that is bound to teams, the accounts that its agents have sessions on.
    @Sendable
    func engines(_ request: Request, context: AppRequestContext) async throws -> Response {
        let engines = try await pulses.engines(for: try context.require(.view))
        return .list(engines, nextCursor: nil) { $0.write(to: &$1) }
    }

    /// To a key that is bound to teams there are no unmatched events: they have no agent, and so no team.
    @Sendable
    func unmatched(_ request: Request, context: AppRequestContext) async throws -> Response {
        let caller = try context.require(.view)
        let query = try QueryParameters(request)
        if try query.word("group", as: Grouping.self) != nil { return try await names(query, for: caller) }
        let limit = try query.integer("limit", in: 1...500) ?? 50
        let position = try query["cursor"].map { word throws(Problem) in try UnmatchedReads.Position(word: word) }
        guard caller.teams == nil else { return .list([UnmatchedEvent](), nextCursor: nil) { $0.write(to: &$1) } }
        var events = try await unmatchedReads.page(
            source: query["source"],
            after: position ?? UnmatchedReads.Position(),
            limit: limit + 1,
            now: clock.now()
        )
        var next: String?
        if events.count > limit {
            events.removeLast()
            next = events.last.map { UnmatchedReads.Position($0).word }
        }
        return .list(events, nextCursor: next) { $0.write(to: &$1) }
    }

    /// What unmatched events may be grouped by.
    private enum Grouping: String, CaseIterable {
        case name
    }

    private func names(_ query: QueryParameters, for caller: Caller) async throws -> Response {
        let limit = try query.integer("limit", in: 1...UnmatchedNames.pageLimit) ?? 50
        let position = try query["cursor"].map { word throws(Problem) in try UnmatchedNames.Position(word: word) }
        guard caller.teams == nil else { return .list([UnmatchedName](), nextCursor: nil) { $0.write(to: &$1) } }
        let page = try await unmatchedNames.page(
            source: query["source"],
            after: position ?? UnmatchedNames.Position(),
            limit: limit
        )
        return .list(page.names, nextCursor: page.next?.word) { $0.write(to: &$1) }
    }

    /// How well a span of time went; the last day when none is named.
    @Sendable
    func stats(_ request: Request, context: AppRequestContext) async throws -> Response {
        let caller = try context.require(.view)
        let query = try QueryParameters(request)
        let span = try span(query, limit: StatsReads.spanLimit)
        var teams = caller.teams?.sorted()
        if let team = query["team"] { teams = caller.sees(team: team) ? [team] : [] }
        let stats = try await statsReads.stats(StatsReads.Question(teams: teams, from: span.from, to: span.to))
        return .json { stats.write(to: &$0) }
    }

    /// The span of time that a request names: a day until now where it names none.
    private func span(_ query: QueryParameters, limit: Duration) throws(Problem) -> (from: Timestamp, to: Timestamp) {
        let now = clock.now()
        let to = min(try query.instant("to") ?? now, now)
        let from = try query.instant("from") ?? (to - .seconds(86_400))
        guard from < to else { throw Problem.invalid("from", "It must lie before to, and not ahead.") }
        guard to - from <= limit else {
            throw Problem.invalid("from", "At most \(limit.components.seconds / 86_400) days can be shown.")
        }
        return (from, to)
    }

    @Sendable
    func explain(_ request: Request, context: AppRequestContext) async throws -> Response {
        let explanation = try await explanations.explanation(of: try await agent(context))
        return .json { buffer in explanation.write(to: &buffer) }
    }

    @Sendable
    func timeline(_ request: Request, context: AppRequestContext) async throws -> Response {
        let query = try QueryParameters(request)
        let (from, to) = try span(query, limit: HistoryReads.spanLimit)
        let details = try await agent(context)
        let history = try await timelines.history(of: details, from: from, to: to)
        return .json { buffer in
            history.timeline.write(
                agentID: details.agentID,
                from: from,
                to: to,
                events: history.events,
                commands: history.commands,
                to: &buffer
            )
        }
    }

    private func agent(_ context: AppRequestContext) async throws -> AgentDetails {
        let caller = try context.require(.view)
        guard let details = try await reads.agent(try context.agentID(), for: caller) else { throw Problem(.notFound) }
        return details
    }
}
