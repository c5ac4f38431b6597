import Domain

/// Gathers what the page of one agent shows: how it stands, why, and what happened.
struct AgentStory: Sendable {
    let agents: AgentReads
    let history: HistoryReads
    let timelines: TimelineReads
    let held: GuardReads
    let freshness: FreshnessBook
    let pulses: EnginePulseReads
    /// The least time between two fresh restart budgets that somebody gives one instance.
    let restartWindow: Duration
    let clock: DatabaseClock

    /// Lines of each table.
    static let lineLimit = 20

    /// - Throws: ``Problem`` `not_found`, or for a span that makes no sense; `PQError`.
    func agent(
        _ agentID: String,
        _ query: QueryParameters,
        for caller: Caller,
        frame: PageFrame
    ) async throws -> AgentModel {
        guard let details = try await agents.agent(agentID, for: caller),
            let standing = try await agents.standings([details]).first
        else { throw Problem(.notFound) }
        let now = clock.now()
        let owned = try await history.ownerships(of: details.agent, from: now - HistoryReads.spanLimit, to: now)
        let commands = try await history.commands(
            of: Set(owned.map(\.instance)).sorted(),
            agent: details.agent,
            from: now - HistoryReads.spanLimit,
            to: now + .seconds(60),
            limit: Self.lineLimit
        )
        var dueAt: Timestamp?
        var grant: BudgetGrant?
        if let instance = details.instance {
            dueAt = try await history.dueAt(instance)
            grant = try await self.grant(of: instance, standing)
        }
        let events = try await history.ledger(of: details.agent).entries
        let rule = try await freshness.table()[details.account]
        return AgentModel(
            frame: frame,
            caller: caller,
            explanation: Explanation(
                details: details,
                standing: standing,
                event: Explanation.deciding(events, state: details.state),
                commands: commands,
                dueAt: dueAt,
                lookLifetime: rule.lifetime(desired: details.storedDesired),
                waiting: try await held.waiting(of: details.agentID),
                grant: grant,
                asOf: now
            ),
            isAttended: try await pulses.engines(for: caller, withUnused: false).isAttended(details),
            desiredSince: try await history.desiredSince(of: details.agent, standing.desired.run),
            events: events.suffix(Self.lineLimit).reversed(),
            aliases: try await agents.aliases(of: details.agent),
            sources: caller.role.includes(.admin) ? try await agents.sources() : [],
            timeline: try await timeline(of: details, standing, query, frame.words, now: now),
            now: now
        )
    }

    private func grant(of instance: Int64, _ standing: AgentStanding) async throws -> BudgetGrant? {
        guard standing.reason == .restartBudgetUsed, let givenAt = try await history.budgetGivenAt(instance) else {
            return nil
        }
        return BudgetGrant(givenAt: givenAt, againFrom: givenAt + restartWindow)
    }

    private func timeline(
        of details: AgentDetails,
        _ standing: AgentStanding,
        _ query: QueryParameters,
        _ words: Catalogue,
        now: Timestamp
    ) async throws -> TimelineModel {
        let zone = LocalClock(zoneName: details.timeZone)
        let window = TimelineWindow(
            span: try query.word("span", as: TimelineSpan.self) ?? .day,
            until: try query.instant("until"),
            clock: zone,
            now: now
        )
        return TimelineModel(
            history: try await timelines.history(of: details, from: window.from, to: min(window.to, now)),
            window: window,
            clock: zone,
            path: "/agents/" + pathEscaped(details.agentID),
            words: words,
            isCurrent: standing.reason != .stale && standing.reason != .neverRead,
            now: now
        )
    }
}
