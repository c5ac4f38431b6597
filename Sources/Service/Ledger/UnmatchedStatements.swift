import Domain
import LibPQ

/// The statements about events that nobody could match, on their way to an agent.
///
/// A name's events first become the agent's to decide on (`left_out_events`); those it gets are then written down as matched.
enum UnmatchedStatements {
    /// Events that one transaction takes up; a name that has more is mapped in portions, the newest first.
    static let portionLimit: Int64 = 10_000
    /// Events of a name that ``untaken(_:rules:)`` looks at.
    static let oldestLimit: Int64 = 100

    /// Takes up the unmatched events of the names of some agents, newest first, and returns them.
    ///
    /// Indexes: `clock_events_unmatched`, `clock_event_matches_pkey`, `agent_aliases_of_agent`, `agent_aliases_pkey`.
    ///
    /// `before`: only events with a lower sequence, for the portions after the first.
    static func claim(_ agentIDs: [String], rules: MatchingRules, before: Int64 = .max) -> PQStatement {
        """
        INSERT INTO left_out_events AS w (sequence, agent)
        SELECT e.sequence, m.agent
        FROM (
            SELECT l.source_id, l.external_id, l.agent
            FROM agents a
            JOIN agent_aliases l ON l.agent = a.agent
            WHERE a.agent_id = ANY (\(agentIDs))
            UNION
            SELECT s.source_id, a.agent_id, a.agent
            FROM agents a
            CROSS JOIN clock_sources s
            WHERE a.agent_id = ANY (\(agentIDs))
              AND (s.name = ANY (\(rules.byAgentID)) OR (s.name <> ALL (\(rules.configured))
                AND (s.name = 'api' OR EXISTS (SELECT FROM api_keys k WHERE k.source_id = s.source_id))))
              AND (
                SELECT l.agent FROM agent_aliases l WHERE l.source_id = s.source_id AND l.external_id = a.agent_id
              ) IS NULL
        ) m
        CROSS JOIN LATERAL (
            SELECT c.sequence
            FROM clock_events c
            WHERE c.agent IS NULL
              AND c.source_id = m.source_id
              AND c.external_id = m.external_id
              AND c.sequence < \(before)
              AND NOT is_erased(m.external_id)
              AND NOT EXISTS (SELECT FROM clock_event_matches x WHERE x.sequence = c.sequence)
            ORDER BY c.sequence DESC
            LIMIT \(figure: portionLimit)
        ) e
        ORDER BY e.sequence DESC
        LIMIT \(figure: portionLimit)
        ON CONFLICT (sequence) DO UPDATE
        SET agent = excluded.agent
        RETURNING w.sequence, w.agent
        """
    }

    /// Which agents have events under their names that nobody ever took up, such as the older portions of a mapping that was
    /// broken off; judged by the oldest ``oldestLimit`` events of each name, since portions begin with the newest.
    ///
    /// Indexes: `agents_agent_id_key`, `agent_aliases_of_agent`, `agent_aliases_pkey`, `clock_events_unmatched`,
    /// `clock_event_matches_pkey`, `left_out_events_pkey`.
    static func untaken(_ agentIDs: [String], rules: MatchingRules) -> PQStatement {
        """
        SELECT DISTINCT m.agent_id
        FROM (
            SELECT a.agent_id, l.source_id, l.external_id
            FROM agents a
            JOIN agent_aliases l ON l.agent = a.agent
            WHERE a.agent_id = ANY (\(agentIDs))
            UNION ALL
            SELECT a.agent_id, s.source_id, a.agent_id
            FROM agents a
            CROSS JOIN clock_sources s
            WHERE a.agent_id = ANY (\(agentIDs))
              AND (s.name = ANY (\(rules.byAgentID)) OR (s.name <> ALL (\(rules.configured))
                AND (s.name = 'api' OR EXISTS (SELECT FROM api_keys k WHERE k.source_id = s.source_id))))
              AND (
                SELECT l.agent FROM agent_aliases l WHERE l.source_id = s.source_id AND l.external_id = a.agent_id
              ) IS NULL
        ) m
        WHERE NOT is_erased(m.external_id)
          AND (
            SELECT e.sequence
            FROM (
                SELECT c.sequence
                FROM clock_events c
                WHERE c.agent IS NULL
                  AND c.source_id = m.source_id
                  AND c.external_id = m.external_id
                ORDER BY c.sequence
                LIMIT \(oldestLimit)
            ) e
            WHERE NOT EXISTS (SELECT FROM clock_event_matches x WHERE x.sequence = e.sequence)
              AND NOT EXISTS (SELECT FROM left_out_events w WHERE w.sequence = e.sequence)
            LIMIT 1
          ) IS NOT NULL
        """
    }

    /// Takes up the withdrawals of the records that some agents have to decide on: one without an external id follows its
    /// record.
    ///
    /// Indexes: `left_out_events_of_agent`, `clock_events_of_record`, `clock_event_matches_pkey`.
    static func claimWithdrawals(_ agentIDs: [String]) -> PQStatement {
        """
        INSERT INTO left_out_events (sequence, agent)
        SELECT v.sequence, r.agent
        FROM (
            SELECT DISTINCT w.agent, e.source_id, e.record
            FROM agents a
            JOIN left_out_events w ON w.agent = a.agent
            JOIN clock_events e ON e.sequence = w.sequence
            WHERE a.agent_id = ANY (\(agentIDs))
              AND e.record IS NOT NULL
        ) r
        CROSS JOIN LATERAL (
            SELECT c.sequence
            FROM clock_events c
            WHERE c.source_id = r.source_id
              AND c.record = r.record
              AND c.agent IS NULL
              AND c.external_id IS NULL
              AND NOT EXISTS (SELECT FROM clock_event_matches x WHERE x.sequence = c.sequence)
            OFFSET 0
        ) v
        ON CONFLICT (sequence) DO NOTHING
        """
    }

    /// What some agents have to decide on, with what was said of these records about others; rows as of
    /// ``LedgerStatements/punches(of:)``.
    ///
    /// Indexes: `left_out_events_of_agent`, `clock_events_pkey`, `clock_events_of_record`, `left_out_events_pkey`,
    /// `clock_event_matches_pkey`.
    static func candidates(of agents: [Int64]) -> PQStatement {
        """
        WITH w AS (
            SELECT w.agent, e.sequence, e.kind, e.effective_at, e.received_at, e.source_id, e.record, e.ordinal, e.version,
                CASE WHEN e.record IS NULL AND e.version IS NOT NULL THEN e.external_id END AS numbered_id
            FROM left_out_events w
            JOIN clock_events e ON e.sequence = w.sequence
            WHERE w.agent = ANY (\(agents))
              AND NOT EXISTS (SELECT FROM clock_event_matches m WHERE m.sequence = w.sequence)
        )
        SELECT agent, sequence, kind, effective_at, received_at, source_id, record, ordinal, version,
            numbered_id, false AS is_of_another
        FROM w
        UNION ALL
        SELECT r.agent, e.sequence, e.kind, e.effective_at, e.received_at, e.source_id, e.record, e.ordinal, e.version,
            NULL, true
        FROM (SELECT DISTINCT agent, source_id, record FROM w WHERE record IS NOT NULL) r
        CROSS JOIN LATERAL (
            SELECT c.*
            FROM clock_events c
            WHERE c.source_id = r.source_id
              AND c.record = r.record
              AND c.agent IS DISTINCT FROM r.agent
            OFFSET 0
        ) e
        WHERE NOT EXISTS (SELECT FROM left_out_events x WHERE x.sequence = e.sequence AND x.agent = r.agent)
          AND NOT EXISTS (SELECT FROM clock_event_matches m WHERE m.sequence = e.sequence AND m.agent = r.agent)
        """
    }

    /// Writes down what agents get.
    ///
    /// `taken`: sequences by agent.
    static func take(_ taken: [Int64: [Int64]]) -> [PQStatement] {
        let pairs = taken.flatMap { agent, sequences in sequences.map { (agent: agent, sequence: $0) } }
            .sorted { $0.sequence < $1.sequence }
        guard !pairs.isEmpty else { return [] }
        return [
            """
            INSERT INTO clock_event_matches (sequence, agent)
            SELECT n.sequence, n.agent
            FROM unnest(\(pairs.map(\.sequence)), \(pairs.map(\.agent))) AS n (sequence, agent)
            ON CONFLICT (sequence) DO NOTHING
            """,
            "DELETE FROM left_out_events WHERE sequence = ANY (\(pairs.map(\.sequence)))",
        ]
    }

    /// Lets go of what some agents had to decide on and somebody was given since: a release that does not know what is left out
    /// matches events and leaves it standing.
    ///
    /// Indexes: `left_out_events_of_agent`, `clock_event_matches_pkey`.
    static func forget(_ agents: [Int64]) -> PQStatement {
        """
        DELETE FROM left_out_events w
        USING clock_event_matches m
        WHERE w.agent = ANY (\(agents))
          AND m.sequence = w.sequence
        """
    }

    /// Lets go of what agents had to decide on under names that are theirs no more.
    ///
    /// Index: `left_out_events_of_agent`.
    static func release(_ aliases: [AgentMapChange.Alias]) -> PQStatement {
        """
        DELETE FROM left_out_events w
        USING unnest(
            \(aliases.map(\.source)), \(aliases.map(\.externalID)), \(aliases.map(\.agentID))
        ) AS n (source_id, external_id, agent_id), agents a, clock_events e
        WHERE a.agent_id = n.agent_id
          AND w.agent = a.agent
          AND e.sequence = w.sequence
          AND e.source_id = n.source_id
          AND e.external_id = n.external_id
        """
    }

    /// How many events under one name an agent left out.
    ///
    /// Indexes: `left_out_events_of_agent`, `clock_event_matches_pkey`.
    static func leftOut(of agent: Int64, under name: AgentMapChange.Alias) -> PQStatement {
        """
        SELECT count(*) AS count
        FROM left_out_events w
        JOIN clock_events e ON e.sequence = w.sequence
        WHERE w.agent = \(agent)
          AND e.source_id = \(name.source)
          AND e.external_id = \(name.externalID)
          AND NOT EXISTS (SELECT FROM clock_event_matches m WHERE m.sequence = w.sequence)
        """
    }

    /// Keeps with a leaving agent what it left out: nobody who comes back under its id inherits that.
    ///
    /// Comes right before the agent is deleted. Index: `left_out_events_of_agent`.
    static func bury(_ agent: Int64) -> PQStatement {
        """
        INSERT INTO clock_event_matches (sequence, agent)
        SELECT w.sequence, w.agent
        FROM left_out_events w
        WHERE w.agent = \(agent)
        ON CONFLICT (sequence) DO NOTHING
        """
    }
}
