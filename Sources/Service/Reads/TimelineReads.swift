import Domain
import LibPQ

/// What happened to an agent over a span of time: the lanes, and the marks on them.
struct AgentHistory: Sendable {
    var timeline: Timeline
    /// Those that took effect within the span, oldest first.
    var events: [LedgerEntry]
    /// Those that were meant within the span, oldest first.
    var commands: [CommandEntry]
}

/// Reads timelines, for the API and the page.
struct TimelineReads: Sendable {
    let history: HistoryReads
    /// What a break does where nothing is in force yet.
    let breakAction: BreakAction

    /// Newest commands that are read of a span; older ones are left out.
    static let commandLimit = 500

    /// What happened between two instants.
    func history(of details: AgentDetails, from: Timestamp, to: Timestamp) async throws(PQError) -> AgentHistory {
        let ledger = try await history.ledger(of: details.agent)
        var commands: [CommandEntry] = []
        var proofs: [SessionProof] = []
        if let instance = details.instance {
            commands = try await history.commands(
                of: instance,
                agent: details.agent,
                from: from,
                to: to,
                limit: Self.commandLimit
            )
            proofs = try await history.proofs(of: instance, until: details.readAt, from: from, to: to)
        }
        let timeline = Timeline(
            punches: ledger.punches,
            holds: try await history.holds(of: details.agent),
            breakAction: details.breakAction ?? breakAction,
            observed: Timeline.observed(commands: commands, proofs: proofs, from: from, to: to),
            from: from,
            to: to
        )
        return AgentHistory(
            timeline: timeline,
            events: ledger.entries.filter { $0.punch.effectiveAt >= from && $0.punch.effectiveAt <= to },
            commands: commands.reversed()
        )
    }
}
