import LibPQ

/// What somebody decides about: a change, or the parts of some agents of it.
struct GuardChoice: Sendable {
    var decision: GuardDecision
    var change: Int64
    /// `nil` for all.
    var agentIDs: [String]?
    /// The caller's; `nil` for all.
    var teams: [String]?
    var author: String

    /// How far it is counted how much of a change waits (``HeldChange/waiting``).
    static let countLimit: Int64 = 10_000

    /// Checks that nobody decides about more than they were shown.
    ///
    /// `count`: how many parts are decided; `shown`: how many that wait somebody was shown, `nil` for who does not say.
    /// Throws `more_waits`.
    static func check(_ count: Int, shown: Int64?) throws(Problem) {
        guard let shown, min(Int64(count), countLimit) > shown else { return }
        throw Problem(.moreWaits, "\(count) parts wait that are meant; \(shown) were shown.")
    }

    /// Decides the parts that wait; those of a change whose time is over wait for nobody, though a ``GuardKeeper`` may yet have
    /// to say so.
    ///
    /// Indexes: `guard_items_of_change`, `guard_changes_pkey`, `agents_pkey`.
    var parts: PQStatement {
        """
        UPDATE guard_items i
        SET state = \(decision.state.rawValue), decided_by = \(author), decided_at = now()
        FROM agents a, guard_changes g
        WHERE i.change = \(change)
          AND i.state = 'held'
          AND g.change = i.change
          AND (g.expires_at IS NULL OR g.expires_at > now())
          AND a.agent = i.agent
          AND (\(agentIDs)::text[] IS NULL OR a.agent_id = ANY (\(agentIDs)))
          AND (\(teams)::text[] IS NULL OR a.team = ANY (\(teams)))
        """
    }

    /// The sessions of a listing whose stop waits.
    ///
    /// Indexes: `instances_listed`, `observed_states_pkey`, `agents_pkey`.
    var listed: PQStatement {
        """
        SELECT x.instance, x.account
        FROM instances x
        JOIN observed_states o ON o.instance = x.instance
        JOIN agents a ON a.agent = x.agent
        WHERE x.listed_by = \(change)
          AND o.reason = 'listed_only'
          AND (SELECT g.state FROM guard_changes g WHERE g.change = \(change)) = 'held'
          AND (\(agentIDs)::text[] IS NULL OR a.agent_id = ANY (\(agentIDs)))
          AND (\(teams)::text[] IS NULL OR a.team = ANY (\(teams)))
        ORDER BY x.instance
        """
    }

    /// Whether a listing brought sessions of agents whom the caller does not see.
    ///
    /// Indexes: `instances_listed`, `agents_pkey`.
    var concernsOthers: PQStatement {
        """
        SELECT EXISTS (
            SELECT
            FROM instances x
            JOIN agents a ON a.agent = x.agent
            WHERE x.listed_by = \(change)
              AND a.team <> ALL (\(teams)::text[])
        ) AS concerns_others
        """
    }

    /// Says of a listing that no stop follows from it; only as a whole, since the marks stay.
    ///
    /// Indexes: `guard_changes_pkey`, `incidents_open_key`.
    var refuseListing: [PQStatement] {
        [
            """
            UPDATE guard_changes
            SET state = 'refused', decided_by = \(author), decided_at = now()
            WHERE change = \(change)
            """,
            """
            UPDATE incidents
            SET closed_at = now()
            WHERE account = \(GuardStatements.incidentBase) - \(change)
              AND kind = 'change_held'
              AND closed_at IS NULL
            """,
        ]
    }

    /// Whether the caller sees anything of the change.
    ///
    /// Indexes: `guard_items_of_change`, `instances_listed`, `agents_pkey`.
    var isVisible: PQStatement {
        """
        SELECT \(teams)::text[] IS NULL OR EXISTS (
            SELECT FROM guard_items i JOIN agents a ON a.agent = i.agent
            WHERE i.change = \(change) AND a.team = ANY (\(teams))
        ) OR EXISTS (
            SELECT FROM instances x JOIN agents a ON a.agent = x.agent
            WHERE x.listed_by = \(change) AND a.team = ANY (\(teams))
        ) AS is_visible
        """
    }
}
