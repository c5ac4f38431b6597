import Domain
import LibPQ

/// Reads what is known of an agent's sessions over time.
extension HistoryReads {
    /// Sessions of one agent in a span; older ones are left out.
    private static let ownershipLimit: Int64 = 50

    /// Which sessions the agent had within a span, oldest first.
    ///
    /// Index: `session_owners_of_agent`.
    func ownerships(of agent: Int64, from: Timestamp, to: Timestamp) async throws(PQError) -> [SessionOwnership] {
        let rows = try await pool.rows(Self.ownerships(of: agent, from: from, to: to)) { row throws(PQError) in
            SessionOwnership(
                instance: try row.column("instance", as: Int64.self),
                from: try row.column("from_at", as: Timestamp.self),
                to: try row.column("to_at", as: Timestamp?.self)
            )
        }
        return rows.reversed()
    }

    static func ownerships(of agent: Int64, from: Timestamp, to: Timestamp) -> PQStatement {
        """
        SELECT o.instance, o.from_at, o.to_at
        FROM session_owners o
        WHERE o.agent = \(agent)
          AND o.from_at <= \(to)
          AND (o.to_at IS NULL OR o.to_at >= \(from))
        ORDER BY o.from_at DESC
        LIMIT \(ownershipLimit)
        """
    }

    /// What the session was read to be, oldest first; the state before the span is carried in.
    ///
    /// At most one more than ``SessionRecord/limit`` within the span, the newest.
    /// Index: `session_changes_pkey`.
    func changes(of instance: Int64, from: Timestamp, to: Timestamp) async throws(PQError) -> [SessionChange] {
        try await pool.rows(
            """
            SELECT k.at, k.reading
            FROM (
                (SELECT s.at, s.reading
                FROM session_changes s
                WHERE s.instance = \(instance)
                  AND s.at <= \(from)
                ORDER BY s.at DESC
                LIMIT 1)
                UNION ALL
                (SELECT s.at, s.reading
                FROM session_changes s
                WHERE s.instance = \(instance)
                  AND s.at > \(from)
                  AND s.at <= \(to)
                ORDER BY s.at DESC
                LIMIT \(Int64(SessionRecord.limit + 1)))
            ) k
            ORDER BY k.at
            """
        ) { row throws(PQError) in
            SessionChange(
                at: try row.column("at", as: Timestamp.self),
                state: SessionStatus.shown(try row.column("reading", as: String.self))
            )
        }
    }

    /// When a session was read last; `nil` for one that is no more.
    ///
    /// Indexes: the primary keys.
    func lastRead(of instance: Int64) async throws(PQError) -> Timestamp? {
        try await pool.rows(
            """
            SELECT greatest(o.read_at, l.looked_at) AS read_at
            FROM observed_states o
            LEFT JOIN looks l ON l.instance = o.instance
            WHERE o.instance = \(instance)
            """
        ) { row throws(PQError) in try row.column("read_at", as: Timestamp?.self) }
        .first ?? nil
    }

    /// When the session was not read within a span, oldest first, also because nobody was there to read any.
    ///
    /// At most one more than ``SessionRecord/limit``, the newest.
    /// Index: `look_gaps_pkey`.
    func gaps(of instance: Int64, from: Timestamp, to: Timestamp) async throws(PQError) -> [LookGap] {
        let rows = try await pool.rows(Self.gaps(of: instance, from: from, to: to)) { row throws(PQError) in
            LookGap(
                from: try row.column("from_at", as: Timestamp.self),
                to: try row.column("to_at", as: Timestamp.self)
            )
        }
        return rows.reversed()
    }

    static func gaps(of instance: Int64, from: Timestamp, to: Timestamp) -> PQStatement {
        """
        SELECT g.from_at, g.to_at
        FROM look_gaps g
        WHERE g.instance = ANY (ARRAY[0, \(instance)]::bigint[])
          AND g.from_at < \(to)
          AND g.to_at > \(from)
        ORDER BY g.from_at DESC
        LIMIT \(Int64(SessionRecord.limit + 1))
        """
    }
}
