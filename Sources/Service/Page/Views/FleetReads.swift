import Domain

/// Gathers what the page of the fleet shows.
struct FleetReads: Sendable {
    let agents: AgentReads
    let summaries: SummaryReads
    let incidents: IncidentReads
    let unmatched: UnmatchedCount
    let clock: DatabaseClock

    /// Agents on one page; the script reads the others.
    static let pageSize = 100

    /// - Throws: ``Problem`` for a cursor that is none; `PQError`.
    func fleet(_ filter: FleetFilter, for caller: Caller, frame: PageFrame) async throws -> FleetModel {
        let summary = try await summaries.summary().visible(to: caller)
        let list = try await agents.page(filter.agents(for: caller), cursor: filter.cursor, limit: Self.pageSize)
        let needs = try await needs(filter, summary, caller)
        let now = clock.now()
        let rows = try await models(list.agents, frame, now: now)
        return FleetModel(
            frame: frame,
            caller: caller,
            filter: filter,
            needs: Array(
                FleetFilter.Sort.state.order(try await models(needs, frame, now: now))
                    .filter(\.agreement.needsSomebody).prefix(FleetModel.needLimit)
            ),
            rows: (filter.sort ?? .agent).order(rows),
            nextCursor: list.nextCursor,
            summary: summary,
            incidents: try await incidents.incidents(for: caller),
            unmatched: try await unmatched.count(for: caller),
            now: now
        )
    }

    private func models(_ agents: [AgentDetails], _ frame: PageFrame, now: Timestamp) async throws -> [RowModel] {
        zip(agents, try await self.agents.standings(agents)).map {
            RowModel(details: $0, standing: $1, words: frame.words, now: now)
        }
    }

    /// The agents who need somebody and fit the filter, wherever in the list they are.
    ///
    /// One page of a list for each kind of need that the counts say there is, at most ``FleetModel/needLimit`` of each.
    private func needs(
        _ filter: FleetFilter,
        _ summary: Summary,
        _ caller: Caller
    ) async throws -> [AgentDetails] {
        let wanted = filter.agents(for: caller)
        var found: [AgentDetails] = []
        for (condition, shift) in Self.kinds {
            let isThere = summary.groups.contains { group in
                group.condition == condition && shift.map { $0 == group.shift } ?? true
                    && wanted.teams.map { $0.contains(group.team) } ?? true
            }
            guard isThere, filter.condition == nil || filter.condition == condition,
                filter.shift == nil || shift == nil || filter.shift == shift
            else { continue }
            var kind = wanted
            kind.condition = condition
            kind.shift = shift ?? filter.shift
            found += try await agents.page(kind, cursor: nil, limit: FleetModel.needLimit).agents
        }
        return found
    }

    /// What ``needsSomebody(shift:condition:)`` is true of.
    private static let kinds: [(Condition, Shift?)] = [
        (.needsAttention, nil), (.needsPairing, nil), (.drifted, nil), (.unknown, .in), (.unknown, .onBreak),
        (.unassigned, .in), (.unassigned, .onBreak), (.held, .in), (.held, .onBreak),
    ]
}
