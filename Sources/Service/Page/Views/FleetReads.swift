import Domain

/// Gathers what the page of the fleet shows.
struct FleetReads: Sendable {
    let agents: AgentReads
    let summaries: SummaryReads
    let incidents: IncidentReads
    let unmatched: UnmatchedCount
    let clock: DatabaseClock

    /// Agents on one page.
    static let pageSize = 200

    /// - Throws: ``Problem`` for a cursor that is none; `PQError`.
    func fleet(_ filter: FleetFilter, for caller: Caller) async throws -> FleetModel {
        let summary = try await summaries.summary().visible(to: caller)
        let (details, nextCursor) = try await page(filter, summary, caller)
        let standings = try await agents.standings(details)
        let now = clock.now()
        let rows = zip(details, standings).map { RowModel(details: $0, standing: $1, now: now) }
        return FleetModel(
            caller: caller,
            filter: filter,
            rows: rows.sorted {
                ($0.rank, $0.details.team, $0.details.agentID) < ($1.rank, $1.details.team, $1.details.agentID)
            },
            nextCursor: nextCursor,
            summary: summary,
            incidents: try await incidents.incidents(for: caller),
            unmatched: try await unmatched.count(for: caller),
            now: now
        )
    }

    /// The agents who need somebody, wherever in the list they are, and the list's beginning; or a later page of the list.
    private func page(
        _ filter: FleetFilter,
        _ summary: Summary,
        _ caller: Caller
    ) async throws -> (agents: [AgentDetails], nextCursor: String?) {
        let wanted = filter.agents(for: caller)
        let list = try await agents.page(wanted, cursor: filter.cursor, limit: Self.pageSize)
        guard filter.cursor == nil, filter.condition == nil, list.nextCursor != nil else {
            return (list.agents, list.nextCursor)
        }
        var known = Set(list.agents.map(\.agent))
        var found = list.agents
        for condition in RowOrder.exceptions where summary.groups.contains(where: { $0.condition == condition }) {
            let room = Self.pageSize - (found.count - list.agents.count)
            guard room > 0 else { break }
            var exceptions = wanted
            exceptions.condition = condition
            let page = try await agents.page(exceptions, cursor: nil, limit: room)
            found += page.agents.filter { known.insert($0.agent).inserted }
        }
        return (found, list.nextCursor)
    }
}

extension RowOrder {
    /// The conditions that are shown although they are further down in the list.
    static let exceptions: [Condition] = [.needsAttention, .needsPairing, .drifted, .unknown, .starting, .stopping]
}
