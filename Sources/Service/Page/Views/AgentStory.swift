import Domain

/// Gathers what the page of one agent shows: how it stands, why, and what happened.
struct AgentStory: Sendable {
    let agents: AgentReads
    let history: HistoryReads
    let freshness: FreshnessBook
    let clock: DatabaseClock

    /// Lines of each table.
    static let lineLimit = 20
    /// How far back commands are looked for.
    private static let span = Duration.seconds(31 * 86_400)

    /// - Throws: ``Problem`` `not_found`; `PQError`.
    func agent(_ agentID: String, for caller: Caller) async throws -> AgentModel {
        guard let details = try await agents.agent(agentID, for: caller),
            let standing = try await agents.standings([details]).first
        else { throw Problem(.notFound) }
        let now = clock.now()
        var commands: [CommandEntry] = []
        var dueAt: Timestamp?
        if let instance = details.instance {
            commands = try await history.commands(
                of: instance,
                agent: details.agent,
                from: now - Self.span,
                to: now + .seconds(60),
                limit: Self.lineLimit
            )
            dueAt = try await history.dueAt(instance)
        }
        let events = try await history.ledger(of: details.agent).entries
        let rule = try await freshness.table()[details.account]
        return AgentModel(
            caller: caller,
            explanation: Explanation(
                details: details,
                standing: standing,
                event: Explanation.deciding(events, state: details.state),
                commands: commands,
                dueAt: dueAt,
                lookLifetime: rule.lifetime(desired: details.storedDesired),
                asOf: now
            ),
            events: events.suffix(Self.lineLimit).reversed(),
            aliases: try await agents.aliases(of: details.agent),
            sources: caller.role.includes(.admin) ? try await agents.sources() : [],
            now: now
        )
    }
}
