import LibPQ

/// What the feed reads.
///
/// Every agent is found by primary keys.
enum FeedStatements {
    /// Agents of the round that are read at a time, of a fleet of so many: few, since they take their time from who posts events.
    ///
    /// Up to 10,000 are read in five seconds.
    static func portion(of count: Int) -> Int { count <= 10_000 ? 200 : 500 }

    /// The same while pages wait for the round, since not everybody is known yet or so much was touched.
    static let largePortion = 1000

    /// The next agents of the round through all of them.
    ///
    /// Index: `agents_pkey`.
    ///
    /// `LIMIT` in figures and `OFFSET 0` keep the planner to that, also for a prepared statement.
    static func walk(after agent: Int64, limit: Int) -> PQStatement {
        """
        SELECT v.*
        FROM (
            SELECT a.agent
            FROM agents a
            WHERE a.agent > \(agent)
            ORDER BY a.agent
            LIMIT \(figure: limit)
        ) w
        CROSS JOIN LATERAL (
            SELECT *
            FROM agent_details d
            WHERE d.agent = w.agent
            OFFSET 0
        ) v
        ORDER BY v.agent
        """
    }

    /// The incidents that are under way.
    ///
    /// Index: `incidents_open_key`.
    static let openIncidents: PQStatement = """
        SELECT i.incident
        FROM incidents i
        WHERE i.closed_at IS NULL
        ORDER BY i.incident
        """

    /// How many parts of each change wait for somebody, as far as that is worth counting.
    ///
    /// Indexes: `guard_changes_held`, `guard_items_of_change`.
    static var waitingParts: PQStatement {
        """
        SELECT g.change, (
            SELECT count(*)
            FROM (
                SELECT 1
                FROM guard_items i
                WHERE i.change = g.change
                  AND i.state = 'held'
                LIMIT 10000
            ) n
        ) AS waiting
        FROM guard_changes g
        WHERE g.state = 'held'
        ORDER BY g.change DESC
        LIMIT \(GuardReads.changeLimit)
        """
    }

    /// Agents that something touched, by themselves or by their instances.
    ///
    /// Indexes: `agents_pkey`, `instances_pkey`.
    static func touched(agents: [Int64], instances: [Int64]) -> PQStatement {
        """
        SELECT v.*
        FROM (
            SELECT unnest(\(agents)) AS agent
            UNION
            SELECT x.agent
            FROM instances x
            WHERE x.instance = ANY (\(instances)) AND x.agent IS NOT NULL
        ) w
        CROSS JOIN LATERAL (
            SELECT *
            FROM agent_details d
            WHERE d.agent = w.agent
            OFFSET 0
        ) v
        """
    }
}
