import Domain
import LibPQ

/// The statements that find where the walk of a page ended which was not filled, see ``AgentListStatements``.
///
/// Each gives no row when the walk came to its end.
enum AgentWalkEnds {
    /// How many rows a page looks at, the same as in the lists' statements.
    static let walkLimit: Int64 = 20_000
    /// How many of the walk's last rows are walked again on the next page, since some may be deleted meanwhile.
    static let overlap: Int64 = 100

    /// Of a walk by agent id, through one team or all.
    ///
    /// Indexes: `agents_of_team`, `agents_agent_id_key`.
    static func agents(ofTeam team: String?, after: String) -> PQStatement {
        if let team {
            """
            SELECT a.agent_id
            FROM agents a
            WHERE (a.team, a.agent_id) > (\(team), \(after))
              AND a.team <= \(team)
            ORDER BY a.team, a.agent_id
            LIMIT 1 OFFSET \(walkLimit - overlap)
            """
        } else {
            """
            SELECT a.agent_id
            FROM agents a
            WHERE a.agent_id > \(after)
            ORDER BY a.agent_id
            LIMIT 1 OFFSET \(walkLimit - overlap)
            """
        }
    }

    /// Of a walk through the exceptions.
    ///
    /// Index: `observed_states_exceptions`.
    static func exceptions(_ condition: Condition, after: Int64) -> PQStatement {
        """
        SELECT o.instance
        FROM observed_states o
        WHERE (o.attention, o.instance) > (\(condition.code), \(after))
          AND o.attention <= \(condition.code)
        ORDER BY o.attention, o.instance
        LIMIT 1 OFFSET \(walkLimit - overlap)
        """
    }

    /// Of a walk through what is in line.
    ///
    /// Index: `reconcile_queue_pkey`.
    static func inLine(after: Int64) -> PQStatement {
        """
        SELECT q.instance
        FROM reconcile_queue q
        WHERE q.instance > \(after)
        ORDER BY q.instance
        LIMIT 1 OFFSET \(walkLimit - overlap)
        """
    }
}
