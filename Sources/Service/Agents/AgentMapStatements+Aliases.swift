import LibPQ

/// What sources call agents: the statements that change it.
extension AgentMapStatements {
    /// Takes aliases away.
    ///
    /// Index: `agent_aliases_of_agent`; the other two columns are kept from the primary key's index by their form.
    static func drop(_ aliases: [AgentMapChange.Alias]) -> PQStatement {
        """
        DELETE FROM agent_aliases l
        USING unnest(
            \(aliases.map(\.source)), \(aliases.map(\.externalID)), \(aliases.map(\.agentID))
        ) AS n (source_id, external_id, agent_id), agents a
        WHERE a.agent_id = n.agent_id
          AND l.agent = a.agent
          AND l.source_id + 0 = n.source_id
          AND l.external_id || '' = n.external_id
        """
    }

    /// Adds aliases; one that another agent had moves, for later events only.
    static func add(_ aliases: [AgentMapChange.Alias]) -> PQStatement {
        """
        INSERT INTO agent_aliases (source_id, external_id, agent)
        SELECT n.source_id, n.external_id, a.agent
        FROM unnest(
            \(aliases.map(\.source)), \(aliases.map(\.externalID)), \(aliases.map(\.agentID))
        ) AS n (source_id, external_id, agent_id)
        JOIN agents a ON a.agent_id = n.agent_id
        ON CONFLICT (source_id, external_id) DO UPDATE
        SET agent = excluded.agent,
            created_at = now()
        """
    }

    /// Whose alias it is, or was, and who had it before where that is known.
    static func audit(
        _ aliases: [AgentMapChange.Alias],
        deed: String,
        movedFrom: String? = nil,
        author: String
    ) -> PQStatement {
        """
        INSERT INTO audit (actor, deed, subject, detail)
        SELECT \(author), \(deed), s.name || ':' || n.external_id,
            jsonb_strip_nulls(jsonb_build_object('agent_id', n.agent_id, 'moved_from', \(movedFrom)::text))
        FROM unnest(
            \(aliases.map(\.source)), \(aliases.map(\.externalID)), \(aliases.map(\.agentID))
        ) AS n (source_id, external_id, agent_id)
        JOIN clock_sources s ON s.source_id = n.source_id
        """
    }
}
