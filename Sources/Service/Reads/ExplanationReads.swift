package import Domain
package import LibPQ

/// Reads what it takes to explain an agent.
package struct ExplanationReads: Sendable {
    private let history: HistoryReads
    private let held: GuardReads
    private let freshness: FreshnessBook
    private let breakAction: BreakAction
    private let clock: DatabaseClock

    /// How many commands are shown.
    private static let commandLimit = 10

    package init(pool: PQPool, freshness: FreshnessBook, breakAction: BreakAction, clock: DatabaseClock) {
        history = HistoryReads(pool: pool)
        held = GuardReads(pool: pool)
        self.freshness = freshness
        self.breakAction = breakAction
        self.clock = clock
    }

    /// Why an agent's session is as it is now.
    package func explanation(of details: AgentDetails) async throws(PQError) -> Explanation {
        let rule = try await freshness.table()[details.account]
        let now = clock.now()
        var commands: [CommandEntry] = []
        var dueAt: Timestamp?
        if let instance = details.instance {
            commands = try await history.commands(
                of: [instance],
                agent: details.agent,
                from: now - HistoryReads.spanLimit,
                to: now + .seconds(60),
                limit: Self.commandLimit
            )
            dueAt = try await history.dueAt(instance)
        }
        return Explanation(
            details: details,
            standing: details.standing(breakAction: breakAction, freshness: rule, now: now),
            event: Explanation.deciding(try await history.ledger(of: details.agent).entries, state: details.state),
            commands: commands,
            dueAt: dueAt,
            lookLifetime: rule.lifetime(desired: details.storedDesired),
            waiting: try await held.waiting(of: details.agentID),
            asOf: now
        )
    }
}
