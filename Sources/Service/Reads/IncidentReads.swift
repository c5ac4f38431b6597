import Domain
import LibPQ

/// Something that is wrong with an engine account as a whole, or with a clock source.
struct Incident: Sendable, Equatable {
    var id: Int64
    /// The account's name; `nil` for an incident of a source.
    var engine: String?
    /// The source's name; `nil` for an incident of an account.
    var source: String?
    var kind: String
    var openedAt: Timestamp
    var closedAt: Timestamp?
    var detail: String
    /// Agents of the account, as far as the caller sees them, whose condition is an exception now; counted to 10,000.
    var agents: Int64
}

/// Reads incidents: the open ones, and those closed within a week, newest first; at most 200.
///
/// For a caller bound to teams: those of accounts that its agents' instances are on, and none of sources.
struct IncidentReads: Sendable {
    let pool: PQPool

    /// Indexes: `incidents_pkey`, `clock_sources_pkey`, `observed_states_exceptions`, `instances_pkey`, `agents_pkey`, `agents_of_team`.
    func incidents(for caller: Caller) async throws(PQError) -> [Incident] {
        let teams = caller.teams?.sorted()
        return try await pool.rows(
            """
            SELECT i.incident, e.name AS engine, s.name AS source, i.kind, i.opened_at, i.closed_at, i.detail,
                (
                    SELECT count(*)
                    FROM (
                        SELECT 1
                        FROM observed_states o
                        JOIN instances x ON x.instance = o.instance
                        JOIN agents a ON a.agent = x.agent
                        WHERE o.attention IS NOT NULL
                          AND x.account = i.account
                          AND (\(teams)::text[] IS NULL OR a.team = ANY (\(teams)))
                        LIMIT 10000
                    ) n
                ) AS agents
            FROM incidents i
            LEFT JOIN engine_accounts e ON e.account = i.account
            LEFT JOIN clock_sources s ON s.source_id = i.source_id
            WHERE (i.closed_at IS NULL OR i.closed_at > now() - interval '7 days')
              AND (\(teams)::text[] IS NULL OR EXISTS (
                SELECT FROM agents a JOIN instances x ON x.agent = a.agent
                WHERE a.team = ANY (\(teams)) AND x.account = i.account
              ))
            ORDER BY i.incident DESC
            LIMIT 200
            """
        ) { row throws(PQError) in
            Incident(
                id: try row.column("incident", as: Int64.self),
                engine: try row.column("engine", as: String?.self),
                source: try row.column("source", as: String?.self),
                kind: try row.column("kind", as: String.self),
                openedAt: try row.column("opened_at", as: Timestamp.self),
                closedAt: try row.column("closed_at", as: Timestamp?.self),
                detail: try row.column("detail", as: String.self),
                agents: try row.column("agents", as: Int64.self)
            )
        }
    }
}
