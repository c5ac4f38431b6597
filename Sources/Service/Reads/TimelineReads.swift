import Domain
import LibPQ

/// What happened to an agent over a span of time: the lanes, and the marks on them.
struct AgentHistory: Sendable {
    var timeline: Timeline
    /// Those that took effect within the span, oldest first.
    var events: [LedgerEntry]
    /// Those that were meant within the span, oldest first.
    var commands: [CommandEntry]
    /// The events that came within the span, whenever they took effect; in the order in which they came.
    var arrivals: [LedgerEntry] = []
}

/// Reads timelines, for the API and the page.
struct TimelineReads: Sendable {
    let history: HistoryReads
    let freshness: FreshnessBook
    /// What a break does where nothing is in force yet.
    let breakAction: BreakAction

    /// Newest commands that are read of a span; older ones are left out.
    static let commandLimit = 500

    /// What happened between two instants.
    func history(of details: AgentDetails, from: Timestamp, to: Timestamp) async throws(PQError) -> AgentHistory {
        let ledger = try await history.ledger(of: details.agent)
        let owned = try await history.ownerships(of: details.agent, from: from, to: to)
        let commands = try await history.commands(
            of: Set(owned.map(\.instance)).sorted(),
            agent: details.agent,
            from: from,
            to: to,
            limit: Self.commandLimit
        )
        let rule = try await freshness.table()[details.account]
        var known = SessionKnowledge()
        for stretch in owned {
            try await add(stretch, of: details, rule, from: from, to: to, to: &known)
        }
        let timeline = Timeline(
            punches: ledger.punches,
            holds: try await history.holds(of: details.agent),
            breakAction: details.breakAction ?? breakAction,
            observed: Timeline.observed(commands: commands, known, from: from, to: to),
            from: from,
            to: to
        )
        return AgentHistory(
            timeline: timeline,
            events: ledger.entries.filter { $0.punch.effectiveAt >= from && $0.punch.effectiveAt <= to },
            commands: commands.reversed(),
            arrivals: ledger.entries.filter { $0.receivedAt >= from && $0.receivedAt <= to }
        )
    }

    /// Adds what is known of one of the agent's sessions while it was theirs: what it was before and after is another's.
    private func add(
        _ stretch: SessionOwnership,
        of details: AgentDetails,
        _ rule: Freshness,
        from: Timestamp,
        to: Timestamp,
        to known: inout SessionKnowledge
    ) async throws(PQError) {
        let start = max(stretch.from, from)
        let end = min(stretch.to ?? to, to)
        guard start <= end else { return }
        // Of a session that is the agent's no more: it may have been read last long before that.
        var until = stretch.instance == details.instance ? details.readAt : start
        if let ended = stretch.to { until = min(ended, try await history.lastRead(of: stretch.instance) ?? ended) }
        let record = SessionRecord(
            try await history.changes(of: stretch.instance, from: start, to: end),
            gaps: try await history.gaps(of: stretch.instance, from: start, to: end),
            from: start
        )
        let proved = SessionProof.proved(
            SessionProof.stretches(record.changes, until: until).compactMap { $0.clipped(from: record.from, to: end) },
            gaps: record.gaps
        ) { _ in rule.longestLifetime }
        known.proofs += proved.proofs
        known.unread += proved.unread
        if record.from > start { known.leftOut.append(LookGap(from: start, to: record.from)) }
    }
}
