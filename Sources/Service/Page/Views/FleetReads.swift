import Domain

/// Gathers what the page of the fleet shows.
struct FleetReads: Sendable {
    let agents: AgentReads
    let summaries: SummaryReads
    let incidents: IncidentReads
    let held: GuardReads
    let unmatched: UnmatchedCount
    let pulses: EnginePulseReads
    let feed: ChangeFeed
    let clock: DatabaseClock

    /// Agents on one page; the script reads the others.
    static let pageSize = 60

    /// - Throws: ``Problem`` for a cursor that is none; `PQError`.
    func fleet(_ filter: FleetFilter, for caller: Caller, frame: PageFrame) async throws -> FleetModel {
        // Before anything is read, so that the stream tells of whatever comes after it. Of a page of a list the script reads the rest
        // only once the stream has begun.
        let place = filter.cursor == nil && !frame.isReread ? feed.eventID : nil
        let summary = try await summaries.summary().visible(to: caller)
        let list =
            frame.isReread
            ? AgentPage(agents: [])
            : try await agents.page(filter.agents(for: caller), cursor: filter.cursor, limit: Self.pageSize)
        let needs = try await needs(filter, summary, caller)
        let engines = try await pulses.engines(for: caller, withUnused: false)
        let now = clock.now()
        let rows = try await models(list.agents, engines, frame, now: now)
        let found = try await zip(needs.agents, models(needs.agents, engines, frame, now: now))
            .filter { _, row in
                row.agreement.needsSomebody && filter.agreement.map { $0 == row.agreement } ?? true
            }
        return FleetModel(
            frame: frame,
            caller: caller,
            filter: filter,
            needs: Array(FleetFilter.Sort.state.order(found.map(\.1)).prefix(FleetModel.needLimit)),
            found: found.reduce(0) { $0 + (needs.alike[$1.0.agent] ?? 0) },
            rows: (filter.sort ?? .agent).order(rows),
            nextCursor: list.nextCursor,
            summary: summary,
            incidents: try await incidents.incidents(for: caller),
            held: try await held.changes(for: caller, state: .held).filter { HeldCardModel.isAsked($0, now: now) },
            unmatched: try await unmatched.count(for: caller),
            engines: engines,
            place: place,
            now: now
        )
    }

    private func models(
        _ agents: [AgentDetails],
        _ engines: [EnginePulse],
        _ frame: PageFrame,
        now: Timestamp
    ) async throws -> [RowModel] {
        zip(agents, try await self.agents.standings(agents)).map {
            RowModel(details: $0, standing: $1, words: frame.words, now: now, isAttended: engines.isAttended($0))
        }
    }

    /// The agents who need somebody and fit the filter, wherever in the list they are; of all who stand alike, those that have
    /// waited longest.
    ///
    /// Asks for the kinds of need alone that the counts say there are.
    private func needs(
        _ filter: FleetFilter,
        _ summary: Summary,
        _ caller: Caller
    ) async throws -> WaitingAgents {
        var wanted = filter.agents(for: caller)
        let conditions = Condition.allCases.filter { condition in
            guard wanted.askedCondition.map({ $0 == condition }) ?? true else { return false }
            return summary.groups.contains { group in
                group.condition == condition && group.needsSomebody && wanted.teams?.contains(group.team) ?? true
                    && filter.shift.map { $0 == group.shift } ?? true
            }
        }
        wanted.condition = nil
        wanted.agreement = nil
        return try await agents.waiting(conditions, wanted)
    }
}
