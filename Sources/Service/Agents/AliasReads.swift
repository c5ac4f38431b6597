import Domain
import LibPQ

/// One alias of a source, as a list shows it.
struct AliasEntry: Sendable, Equatable {
    var externalID: String
    var agentID: String
    var team: String
    var createdAt: Timestamp
}

/// Reads what one source calls whom, by external id.
struct AliasReads: Sendable {
    let pool: PQPool

    /// Rows that one page looks at; a page of a filtered list may then hold fewer than asked for, even none, while there
    /// is a next one.
    static let walkLimit = 2_000

    /// Which aliases a list shows.
    struct Filter: Sendable {
        /// The agent's id; `nil` for all.
        var agentID: String?
        /// Part of the external id or the agent id, without case.
        var search: String?
        /// `nil` for all.
        var teams: Set<String>?

        var isOpen: Bool { search == nil && teams == nil }

        func shows(_ entry: AliasEntry) -> Bool {
            if let teams, !teams.contains(entry.team) { return false }
            guard let search = search?.lowercased() else { return true }
            return entry.externalID.lowercased().contains(search) || entry.agentID.lowercased().contains(search)
        }
    }

    /// One page, and where the next one begins.
    ///
    /// - Throws: ``Problem`` `not_found` when there is no such source; `PQError`.
    func page(
        _ source: String,
        _ filter: Filter,
        after: String,
        limit: Int
    ) async throws -> (entries: [AliasEntry], next: String?) {
        let walk = filter.isOpen ? limit + 1 : Self.walkLimit
        let results = try await pool.pipeline([
            "SELECT source_id FROM clock_sources WHERE name = \(source)",
            filter.agentID.map { Self.ofAgent($0, source, after: after, limit: walk) }
                ?? Self.all(source, after: after, limit: walk),
        ])
        guard results[0].rowCount > 0 else { throw Problem(.notFound, "There is no clock source of this name.") }
        let rows = try results[1].decoded { row throws(PQError) in
            AliasEntry(
                externalID: try row.column("external_id", as: String.self),
                agentID: try row.column("agent_id", as: String.self),
                team: try row.column("team", as: String.self),
                createdAt: try row.column("created_at", as: Timestamp.self)
            )
        }
        let fitting = rows.filter(filter.shows)
        if fitting.count > limit { return (Array(fitting.prefix(limit)), fitting[limit - 1].externalID) }
        return (fitting, rows.count == walk ? rows.last?.externalID : nil)
    }

    /// Index: `agent_aliases_pkey`.
    private static func all(_ source: String, after: String, limit: Int) -> PQStatement {
        """
        SELECT w.external_id, a.agent_id, a.team, w.created_at
        FROM (
            SELECT l.external_id, l.agent, l.created_at
            FROM agent_aliases l
            WHERE l.source_id = (SELECT s.source_id FROM clock_sources s WHERE s.name = \(source))
              AND l.external_id > \(after)
            ORDER BY l.source_id, l.external_id
            LIMIT \(Int64(limit))
        ) w
        JOIN agents a ON a.agent = w.agent
        ORDER BY w.external_id
        """
    }

    /// Indexes: `agents_agent_id_key`, `agent_aliases_of_agent`.
    private static func ofAgent(_ agentID: String, _ source: String, after: String, limit: Int) -> PQStatement {
        """
        SELECT l.external_id, a.agent_id, a.team, l.created_at
        FROM agents a
        JOIN agent_aliases l ON l.agent = a.agent
        WHERE a.agent_id = \(agentID)
          AND l.source_id = (SELECT s.source_id FROM clock_sources s WHERE s.name = \(source))
          AND l.external_id > \(after)
        ORDER BY l.external_id
        LIMIT \(Int64(limit))
        """
    }
}
