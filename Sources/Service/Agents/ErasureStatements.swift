import Domain
import LibPQ

/// The statements by which people are erased.
enum ErasureStatements {
    /// Has an agent erased when its row is deleted, by whichever replica and release.
    ///
    /// Not earlier than the removal was asked for, or it would count as taken back. Index: `agents_pkey`.
    static func ask(_ agent: Int64, rules: MatchingRules, now: Timestamp) -> PQStatement {
        """
        UPDATE agents
        SET removal_asked_at = coalesce(removal_asked_at, \(now)),
            erasure_asked_at = greatest(removal_asked_at, \(now)),
            erasure_sources = ARRAY(
                SELECT s.source_id
                FROM clock_sources s
                WHERE s.name = ANY (\(rules.byAgentID)) OR (s.name <> ALL (\(rules.configured))
                    AND (s.name = 'api' OR EXISTS (SELECT FROM api_keys k WHERE k.source_id = s.source_id)))
            )
        WHERE agent = \(agent)
        """
    }

    /// Erases whoever had an agent id that nobody has any more.
    ///
    /// The row's `erasure` is null when nothing is known of such a person. Indexes: those of `erase_person`.
    static func erase(agentID: String, rules: MatchingRules) -> PQStatement {
        """
        SELECT erase_person(\(agentID), ARRAY(
            SELECT s.source_id
            FROM clock_sources s
            WHERE s.name = ANY (\(rules.byAgentID)) OR (s.name <> ALL (\(rules.configured))
                AND (s.name = 'api' OR EXISTS (SELECT FROM api_keys k WHERE k.source_id = s.source_id)))
        ), NULL, NULL, '') AS erasure
        """
    }

    /// Erases whoever a source calls so.
    static func erase(_ externalID: String, source: Int32) -> PQStatement {
        "SELECT erase_person(NULL, ARRAY[]::integer[], \(source), \(externalID), '') AS erasure"
    }

    /// The source's number, and whether what it calls somebody is an agent's name now.
    ///
    /// Indexes: `clock_sources_name_key`, `agent_aliases_pkey`, `agents_agent_id_key`.
    static func holder(of externalID: String, source: String, rules: MatchingRules) -> PQStatement {
        """
        SELECT s.source_id,
            EXISTS (SELECT FROM agent_aliases l WHERE l.source_id = s.source_id AND l.external_id = \(externalID))
            OR (
                EXISTS (SELECT FROM agents a WHERE a.agent_id = \(externalID))
                AND (s.name = ANY (\(rules.byAgentID)) OR (s.name <> ALL (\(rules.configured))
                    AND (s.name = 'api' OR EXISTS (SELECT FROM api_keys k WHERE k.source_id = s.source_id))))
            ) AS is_taken
        FROM clock_sources s
        WHERE s.name = \(source)
        """
    }

    /// Who had somebody erased, and when; not whom.
    static func audit(_ author: String) -> PQStatement {
        "INSERT INTO audit (actor, deed, subject) VALUES (\(author), 'person.erase', 'erased')"
    }
}
