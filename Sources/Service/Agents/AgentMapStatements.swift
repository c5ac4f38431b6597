import Domain
import LibPQ

/// The statements that read and change the map of agents: who there is, whose session is whose, who is called what.
///
/// Where a row is found by two columns, a subquery that the planner leaves as it is (`OFFSET 0`, or one that gives a single
/// value) has it use both. In a join it may use the first alone while the tables' statistics are those of empty ones, and
/// read the whole of an engine or a source for each row.
enum AgentMapStatements {
    static var accounts: PQStatement { "SELECT account AS number, name FROM engine_accounts" }

    static var sources: PQStatement { "SELECT source_id AS number, name FROM clock_sources" }

    /// Locks the states of agents in order.
    ///
    /// Index: `agents_agent_id_key`.
    static func lockStates(_ agentIDs: [String]) -> PQStatement {
        """
        SELECT s.agent
        FROM agents a
        JOIN agent_states s ON s.agent = a.agent
        WHERE a.agent_id = ANY (\(agentIDs))
        ORDER BY s.agent
        FOR NO KEY UPDATE OF s
        """
    }

    /// The agents as they are, with what the sources call them.
    ///
    /// Indexes: `agents_agent_id_key`, `instances_agent_key`, `agent_aliases_of_agent`.
    static func current(_ agentIDs: [String]) -> PQStatement {
        """
        SELECT a.agent, a.agent_id, a.name, a.team, a.time_zone, a.removal_asked_at IS NOT NULL AS is_leaving,
            x.instance, x.account, x.instance_id, x.session_name,
            ARRAY(SELECT l.source_id FROM agent_aliases l WHERE l.agent = a.agent ORDER BY l.source_id, l.external_id) AS sources,
            ARRAY(SELECT l.external_id FROM agent_aliases l WHERE l.agent = a.agent ORDER BY l.source_id, l.external_id)
                AS external_ids
        FROM agents a
        LEFT JOIN instances x ON x.agent = a.agent
        WHERE a.agent_id = ANY (\(agentIDs))
        """
    }

    /// Who has the sessions that are asked for.
    ///
    /// Index: `instances_session_key`.
    static func occupants(accounts: [String], instanceIDs: [String]) -> PQStatement {
        """
        SELECT o.account, o.instance_id, o.agent_id
        FROM unnest(\(accounts), \(instanceIDs)) AS n (engine, instance_id)
        CROSS JOIN LATERAL (
            SELECT x.account, x.instance_id, a.agent_id
            FROM instances x
            JOIN agents a ON a.agent = x.agent
            WHERE x.account = (SELECT e.account FROM engine_accounts e WHERE e.name = n.engine)
              AND x.instance_id = n.instance_id
            OFFSET 0
        ) o
        """
    }

    /// Who has the aliases that are asked for.
    ///
    /// Indexes: `clock_sources_name_key`, `agent_aliases_pkey`.
    static func owners(sources: [String], externalIDs: [String]) -> PQStatement {
        """
        SELECT o.source_id, o.external_id, o.agent_id, o.team
        FROM unnest(\(sources), \(externalIDs)) AS n (source, external_id)
        CROSS JOIN LATERAL (
            SELECT l.source_id, l.external_id, a.agent_id, a.team
            FROM agent_aliases l
            JOIN agents a ON a.agent = l.agent
            WHERE l.source_id = (SELECT s.source_id FROM clock_sources s WHERE s.name = n.source)
              AND l.external_id = n.external_id
            OFFSET 0
        ) o
        """
    }

    /// The source of one alias, and who has the alias; no row when there is no such source.
    ///
    /// Indexes: `clock_sources_name_key`, `agent_aliases_pkey`, `agents_pkey`.
    static func owner(_ alias: AliasSpec) -> PQStatement {
        """
        SELECT s.source_id, a.agent_id, a.team
        FROM clock_sources s
        LEFT JOIN agent_aliases l ON l.source_id = s.source_id AND l.external_id = \(alias.externalID)
        LEFT JOIN agents a ON a.agent = l.agent
        WHERE s.name = \(alias.source)
        """
    }

    /// What the sources call an agent, in order.
    ///
    /// Index: `agent_aliases_of_agent`.
    static func aliases(of agent: Int64) -> PQStatement {
        """
        SELECT s.name, l.external_id
        FROM agent_aliases l
        JOIN clock_sources s ON s.source_id = l.source_id
        WHERE l.agent = \(agent)
        ORDER BY s.name, l.external_id
        """
    }

    /// Reads the rows of ``aliases(of:)``.
    static func readAliases(_ result: PQResult) throws(PQError) -> [AliasSpec] {
        try result.decoded { row throws(PQError) in
            AliasSpec(
                source: try row.column("name", as: String.self),
                externalID: try row.column("external_id", as: String.self)
            )
        }
    }

    /// Everything that a change writes, in order.
    static func write(_ change: AgentMapChange, author: String) -> [PQStatement] {
        var statements: [PQStatement] = []
        if !change.agents.isEmpty {
            statements += [store(change.agents), addStates(change.agents.map(\.agentID))]
        }
        if !change.retired.isEmpty { statements.append(retire(change.retired.map(\.instance))) }
        if !change.assigned.isEmpty {
            statements += [lock(change.assigned), assign(change.assigned), addObserved(change.assigned)]
        }
        if !change.droppedAliases.isEmpty {
            statements += [
                drop(change.droppedAliases), UnmatchedStatements.release(change.droppedAliases),
                audit(change.droppedAliases, deed: "alias.delete", author: author),
            ]
        }
        if !change.addedAliases.isEmpty {
            statements += [
                add(change.addedAliases), audit(change.addedAliases, deed: "alias.put", author: author),
            ]
        }
        if !change.touched.isEmpty { statements.append(audit(change.touched, author: author)) }
        return statements
    }

    /// Adds agents or writes them over.
    ///
    /// Index: `agents_agent_id_key`.
    private static func store(_ agents: [AgentMapChange.Agent]) -> PQStatement {
        """
        INSERT INTO agents AS a (agent_id, name, team, time_zone)
        SELECT n.agent_id, n.name, n.team, n.time_zone
        FROM unnest(
            \(agents.map(\.agentID)), \(agents.map(\.name)), \(agents.map(\.team)), \(agents.map(\.timeZone))
        ) AS n (agent_id, name, team, time_zone)
        ON CONFLICT (agent_id) DO UPDATE
        SET name = excluded.name,
            team = excluded.team,
            time_zone = excluded.time_zone,
            removal_asked_at = NULL,
            erasure_asked_at = NULL
        """
    }

    private static func addStates(_ agentIDs: [String]) -> PQStatement {
        """
        INSERT INTO agent_states (agent)
        SELECT a.agent
        FROM agents a
        WHERE a.agent_id = ANY (\(agentIDs))
        ORDER BY a.agent
        ON CONFLICT (agent) DO NOTHING
        """
    }

    /// Takes sessions from their agents; without one they are desired stopped.
    private static func retire(_ instances: [Int64]) -> PQStatement {
        """
        UPDATE instances
        SET agent = NULL
        WHERE instance = ANY (\(instances))
        """
    }

    /// Waits for whoever decides about these sessions while they are nobody's, and keeps others from it.
    ///
    /// A statement of its own, so that what follows sees what was decided. Indexes: `instances_session_key`, `observed_states_pkey`.
    private static func lock(_ instances: [AgentMapChange.Assignment]) -> PQStatement {
        """
        SELECT o.instance
        FROM observed_states o
        WHERE o.instance IN (
            SELECT i.instance
            FROM unnest(\(instances.map(\.account)), \(instances.map(\.instanceID))) AS n (account, instance_id)
            CROSS JOIN LATERAL (
                SELECT x.instance
                FROM instances x
                WHERE x.account = n.account
                  AND x.instance_id = n.instance_id
                OFFSET 0
            ) i
        )
        ORDER BY o.instance
        FOR NO KEY UPDATE
        """
    }

    /// Gives sessions to agents; one that was retired comes back with all that is known of it.
    private static func assign(_ instances: [AgentMapChange.Assignment]) -> PQStatement {
        """
        INSERT INTO instances AS x (account, instance_id, session_name, agent)
        SELECT n.account, n.instance_id, n.session_name, a.agent
        FROM unnest(
            \(instances.map(\.account)), \(instances.map(\.instanceID)), \(instances.map(\.sessionName)),
            \(instances.map(\.agentID))
        ) AS n (account, instance_id, session_name, agent_id)
        JOIN agents a ON a.agent_id = n.agent_id
        ON CONFLICT (account, instance_id) DO UPDATE
        SET agent = excluded.agent,
            session_name = excluded.session_name
        """
    }

    /// Index: `instances_session_key`.
    static func addObserved(_ instances: [AgentMapChange.Assignment]) -> PQStatement {
        """
        INSERT INTO observed_states (instance, attention)
        SELECT i.instance, \(Condition.unknown.code)
        FROM unnest(\(instances.map(\.account)), \(instances.map(\.instanceID))) AS n (account, instance_id)
        CROSS JOIN LATERAL (
            SELECT x.instance
            FROM instances x
            WHERE x.account = n.account
              AND x.instance_id = n.instance_id
            OFFSET 0
        ) i
        ON CONFLICT (instance) DO NOTHING
        """
    }

    private static func audit(_ agentIDs: [String], author: String) -> PQStatement {
        """
        INSERT INTO audit (actor, deed, subject)
        SELECT \(author), 'agent.put', n.agent_id
        FROM unnest(\(agentIDs)) AS n (agent_id)
        """
    }

    /// The surrogate keys of agents.
    ///
    /// Index: `agents_agent_id_key`.
    static func keys(_ agentIDs: [String]) -> PQStatement {
        "SELECT agent, agent_id FROM agents WHERE agent_id = ANY (\(agentIDs))"
    }
}

/// Which sources' events match agents without an alias.
package struct MatchingRules: Sendable, Hashable {
    /// Every configured source.
    package var configured: [String]
    /// Those whose external ids may be agent ids (`ROLLCALL_SOURCE_<NAME>_MATCH_AGENT_ID`).
    package var byAgentID: [String]

    /// `sources`: each configured source, and whether its external ids may be agent ids.
    package init(sources: [String: Bool] = [:]) {
        configured = sources.keys.sorted()
        byAgentID = sources.filter(\.value).keys.sorted()
    }
}
