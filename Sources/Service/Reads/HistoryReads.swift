import Domain
import LibPQ

/// A clock event of an agent, as the ledger has it.
struct LedgerEntry: Sendable, Equatable {
    var punch: LedgerPunch
    var source: String
    var eventID: String?
    var occurredAt: Timestamp
    var receivedAt: Timestamp
    /// Whether it counts among the agent's other events, by what is known now.
    var standing: PunchStanding = .stands
}

/// What the ledger holds of an agent.
struct AgentLedger: Sendable, Equatable {
    /// The agent's own, and the deletions of their records; in the order in which they came.
    var entries: [LedgerEntry]
    /// What was said of their records about others.
    var others: [LedgerPunch]

    /// What the fold is to be given.
    var punches: [LedgerPunch] { entries.map(\.punch) + others }
}

/// A command that was meant for an agent's session.
struct CommandEntry: Sendable, Equatable {
    var id: Int64
    var action: String
    var reason: String
    var intendedAt: Timestamp
    var sentAt: Timestamp?
    var endedAt: Timestamp?
    var verdict: String?
    var claim: String?
    var httpStatus: Int16?
}

/// A hold, with how long it lasted.
struct HoldEntry: Sendable, Equatable {
    var hold: Hold
    var from: Timestamp
    /// When somebody ended it before its time.
    var endedAt: Timestamp?

    /// When it ended or will end.
    var to: Timestamp { min(endedAt ?? hold.until, hold.until) }
}

/// Reads what happened to an agent.
struct HistoryReads: Sendable {
    let pool: PQPool

    /// The longest span of an agent's past that is shown at once; commands are looked for no further back either.
    static let spanLimit: Duration = .seconds(31 * 86_400)
    /// The most ledger entries, holds and commands that are read; older ones are left out.
    static let eventLimit: Int64 = 5000
    private static let holdLimit: Int64 = 1000

    /// The agent's newest ledger entries, and how each of them stands.
    ///
    /// Indexes: `clock_events_of_agent`, `clock_event_matches_of_agent`, `clock_events_of_record`.
    func ledger(of agent: Int64) async throws(PQError) -> AgentLedger {
        let rows = try await pool.rows(
            """
            WITH own AS MATERIALIZED (
                SELECT o.*
                FROM (
                    (SELECT e.* FROM clock_events e WHERE e.agent = \(agent) ORDER BY e.effective_at DESC LIMIT \(Self.eventLimit))
                    UNION ALL
                    (SELECT e.*
                    FROM clock_event_matches m
                    JOIN clock_events e ON e.sequence = m.sequence
                    WHERE m.agent = \(agent)
                    ORDER BY m.sequence DESC
                    LIMIT \(Self.eventLimit))
                ) o
            )
            SELECT e.sequence, e.kind, e.effective_at, e.source_id, e.numbered_id, e.record, e.ordinal, e.version,
                s.name AS source, e.event_id, e.occurred_at, e.received_at, e.is_of_another
            FROM (
                SELECT sequence, kind, effective_at, source_id, record, ordinal, version, event_id, occurred_at, received_at,
                    CASE WHEN record IS NULL AND version IS NOT NULL THEN external_id END AS numbered_id,
                    false AS is_of_another
                FROM own
                UNION ALL
                SELECT c.sequence, c.kind, c.effective_at, c.source_id, c.record, c.ordinal, c.version, c.event_id,
                    c.occurred_at, c.received_at, NULL, true
                FROM (SELECT DISTINCT source_id, record FROM own WHERE record IS NOT NULL) r
                CROSS JOIN LATERAL (
                    SELECT x.*
                    FROM clock_events x
                    WHERE x.source_id = r.source_id
                      AND x.record = r.record
                      AND x.agent IS DISTINCT FROM \(agent)
                    OFFSET 0
                ) c
                WHERE NOT EXISTS (SELECT FROM clock_event_matches m WHERE m.sequence = c.sequence AND m.agent = \(agent))
            ) e
            JOIN clock_sources s ON s.source_id = e.source_id
            ORDER BY e.sequence
            """
        ) { row throws(PQError) in try Self.event(row) }
        var ledger = AgentLedger(entries: [], others: [])
        for entry in rows.compactMap({ $0 }) {
            if entry.punch.isOfAnother, entry.punch.kind != .void {
                ledger.others.append(entry.punch)
            } else {
                ledger.entries.append(entry)
            }
        }
        let standings = standings(ledger.punches)
        for place in ledger.entries.indices {
            ledger.entries[place].standing = standings[ledger.entries[place].punch.sequence] ?? .stands
        }
        return ledger
    }

    private static func event(_ row: PQRow) throws(PQError) -> LedgerEntry? {
        guard let kind = PunchKind(code: try row.column("kind", as: Int16.self)) else { return nil }
        let source = try row.column("source_id", as: Int32.self)
        return LedgerEntry(
            punch: LedgerPunch(
                sequence: try row.column("sequence", as: Int64.self),
                kind: kind,
                effectiveAt: try row.column("effective_at", as: Timestamp.self),
                source: source,
                externalID: try row.column("numbered_id", as: String?.self),
                record: try row.column("record", as: String?.self).map { RecordKey(source: source, id: $0) },
                ordinal: try row.column("ordinal", as: Int16.self),
                version: try row.column("version", as: Int64?.self),
                reportedAt: try row.column("received_at", as: Timestamp.self),
                isOfAnother: try row.column("is_of_another", as: Bool.self)
            ),
            source: try row.column("source", as: String.self),
            eventID: try row.column("event_id", as: String?.self),
            occurredAt: try row.column("occurred_at", as: Timestamp.self),
            receivedAt: try row.column("received_at", as: Timestamp.self)
        )
    }

    /// Since when `run` has been desired of the agent's session, as last derived; `nil` where that was something else.
    ///
    /// Index: `agent_states_pkey`.
    func desiredSince(of agent: Int64, _ run: RunState) async throws(PQError) -> Timestamp? {
        try await pool.rows(
            """
            SELECT desired_since
            FROM agent_states
            WHERE agent = \(agent)
              AND desired = \(run.code)
            """
        ) { row throws(PQError) in try row.column("desired_since", as: Timestamp.self) }.first
    }

    /// The agent's holds, oldest first.
    ///
    /// Index: `holds_of_agent`.
    func holds(of agent: Int64) async throws(PQError) -> [HoldEntry] {
        let rows = try await pool.rows(
            """
            SELECT state, until, reason, author, created_at, ended_at
            FROM holds
            WHERE agent = \(agent)
            ORDER BY created_at DESC, hold DESC
            LIMIT \(Self.holdLimit)
            """
        ) { row throws(PQError) in
            HoldEntry(
                hold: Hold(
                    state: RunState(code: try row.column("state", as: Int16.self)) ?? .stopped,
                    until: try row.column("until", as: Timestamp.self),
                    reason: try row.column("reason", as: String.self),
                    author: try row.column("author", as: String.self)
                ),
                from: try row.column("created_at", as: Timestamp.self),
                endedAt: try row.column("ended_at", as: Timestamp?.self)
            )
        }
        return rows.reversed()
    }

    /// Commands for sessions that were meant for this agent, newest first.
    ///
    /// `instances`: those that the agent has, and had.
    /// Index: `commands_pkey`, whose ids are the microseconds of their intent.
    func commands(
        of instances: [Int64],
        agent: Int64,
        from: Timestamp,
        to: Timestamp,
        limit: Int
    ) async throws(PQError) -> [CommandEntry] {
        try await pool.rows(
            Self.commands(of: instances, agent: agent, from: from, to: to, limit: Int64(limit))
        ) { row throws(PQError) in
            CommandEntry(
                id: try row.column("command_id", as: Int64.self),
                action: Action(code: try row.column("action", as: Int16.self))?.rawValue ?? "unknown",
                reason: try row.column("reason", as: String.self),
                intendedAt: try row.column("intended_at", as: Timestamp.self),
                sentAt: try row.column("sent_at", as: Timestamp?.self),
                endedAt: try row.column("ended_at", as: Timestamp?.self),
                verdict: try row.column("verdict", as: String?.self),
                claim: try row.column("claim", as: String?.self).map { SessionStatus(stored: $0).word },
                httpStatus: try row.column("http_status", as: Int16?.self)
            )
        }
    }

    static func commands(
        of instances: [Int64],
        agent: Int64,
        from: Timestamp,
        to: Timestamp,
        limit: Int64
    ) -> PQStatement {
        """
        SELECT c.command_id, c.action, c.reason, c.intended_at, c.sent_at, c.ended_at, c.verdict, c.claim, c.http_status
        FROM unnest(\(instances)) AS n (instance)
        CROSS JOIN LATERAL (
            SELECT k.*
            FROM commands k
            WHERE k.instance = n.instance
              AND k.intended_at BETWEEN \(from) AND \(to)
              AND k.agent = \(agent)
            ORDER BY k.command_id DESC
            LIMIT \(limit)
        ) c
        ORDER BY c.command_id DESC
        LIMIT \(limit)
        """
    }

    /// When the instance is looked at for a reason of its own; `nil` when only the sweep will.
    ///
    /// Index: `reconcile_queue_pkey`.
    func dueAt(_ instance: Int64) async throws(PQError) -> Timestamp? {
        try await pool.rows("SELECT due_at FROM reconcile_queue WHERE instance = \(instance)") { row throws(PQError) in
            try row.column("due_at", as: Timestamp.self)
        }.first
    }

    /// When somebody last gave the instance a fresh restart budget; `nil` when nobody ever did.
    ///
    /// Index: `restart_grants_pkey`.
    func budgetGivenAt(_ instance: Int64) async throws(PQError) -> Timestamp? {
        try await pool.rows(
            "SELECT granted_at FROM restart_grants WHERE instance = \(instance)"
        ) { row throws(PQError) in try row.column("granted_at", as: Timestamp.self) }.first
    }
}
