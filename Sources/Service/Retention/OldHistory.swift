import Domain
import LibPQ

/// Lets go of what is too old to be shown: of sessions changes, stretches in which nobody looked, whose they were, commands; and
/// what the outside was told.
struct OldHistory: Sendable {
    /// Rows of each kind deleted in one transaction.
    static let rowLimit: Int64 = 1_000

    let pool: PQPool

    /// Deletes one portion of each kind.
    ///
    /// `keep`: how long what is of sessions stays after its end, by the database's clock.
    /// Returns how many rows went; 0 once nothing is left to go.
    func forget(keep: Duration) async throws(PQError) -> Int {
        let results = try await pool.pipeline([
            Self.changes(keep), Self.gaps(keep), Self.owners(keep), Self.commands(keep), Self.notices,
        ])
        return results.reduce(0) { $0 + $1.affectedRows }
    }

    /// Old changes of sessions, but for the last of each: it says what the session still is.
    ///
    /// Indexes: `session_changes_at`, `session_changes_pkey`.
    private static func changes(_ keep: Duration) -> PQStatement {
        """
        DELETE FROM session_changes
        WHERE ctid = ANY (ARRAY(
            SELECT s.ctid
            FROM session_changes s
            WHERE s.at < now() - make_interval(secs => \(keep.inSeconds))
              AND EXISTS (SELECT FROM session_changes n WHERE n.instance = s.instance AND n.at > s.at)
            LIMIT \(rowLimit)
        ))
        """
    }

    /// Old stretches in which nobody looked.
    ///
    /// Index: `look_gaps_ended`.
    private static func gaps(_ keep: Duration) -> PQStatement {
        """
        DELETE FROM look_gaps
        WHERE ctid = ANY (ARRAY(
            SELECT g.ctid
            FROM look_gaps g
            WHERE g.to_at < now() - make_interval(secs => \(keep.inSeconds))
            LIMIT \(rowLimit)
        ))
        """
    }

    /// Whose a session was long ago; what was kept of a session that is gone goes with it.
    ///
    /// Index: `session_owners_ended`.
    private static func owners(_ keep: Duration) -> PQStatement {
        """
        DELETE FROM session_owners
        WHERE ctid = ANY (ARRAY(
            SELECT o.ctid
            FROM session_owners o
            WHERE o.to_at < now() - make_interval(secs => \(keep.inSeconds))
            LIMIT \(rowLimit)
        ))
        """
    }

    /// Old commands, but for the last of each session, and the last that was sent.
    ///
    /// That one says what the session had been brought to when the time began that is kept. Of a session that is gone, with
    /// whoever had it, none stays. A command's number is when it was meant, in microseconds. They are found session by session:
    /// once new rows take the place of old ones, no part of the table belongs to one time any more. Indexes: `commands_pkey`,
    /// `instances_pkey`, `session_owners_pkey`.
    static func commands(_ keep: Duration) -> PQStatement {
        """
        DELETE FROM commands
        WHERE ctid = ANY (ARRAY(
            WITH RECURSIVE n AS (
                SELECT min(c.instance) AS instance,
                    (extract(epoch FROM now() - make_interval(secs => \(keep.inSeconds))) * 1000000)::bigint AS since
                FROM commands c
                UNION ALL
                SELECT (SELECT min(c.instance) FROM commands c WHERE c.instance > n.instance), n.since
                FROM n
                WHERE n.instance IS NOT NULL
            )
            SELECT o.place
            FROM n
            CROSS JOIN LATERAL (
                SELECT (
                        SELECT c.command_id
                        FROM commands c
                        WHERE c.instance = n.instance
                          AND c.command_id < n.since
                        ORDER BY c.command_id DESC
                        LIMIT 1
                    ) AS meant,
                    (
                        SELECT c.command_id
                        FROM commands c
                        WHERE c.instance = n.instance
                          AND c.command_id < n.since
                          AND c.sent_at IS NOT NULL
                        ORDER BY c.command_id DESC
                        LIMIT 1
                    ) AS sent
                OFFSET 0
            ) l
            CROSS JOIN LATERAL (
                SELECT c.ctid AS place
                FROM commands c
                WHERE c.instance = n.instance
                  AND c.command_id < n.since
                  AND (
                    c.command_id < l.sent
                    OR (c.command_id < l.meant AND c.sent_at IS NULL)
                    OR NOT (
                        EXISTS (SELECT FROM instances x WHERE x.instance = n.instance)
                        OR EXISTS (SELECT FROM session_owners w WHERE w.instance = n.instance)
                    )
                  )
                LIMIT \(rowLimit)
            ) o
            LIMIT \(rowLimit)
        ))
        """
    }

    /// What the outside was told, or was to be told, ``AlertStatements/kept`` ago and longer.
    ///
    /// What is not over is not told anew, and its end will be told, so it stays. Index: `alert_notices_created`.
    static var notices: PQStatement {
        """
        DELETE FROM alert_notices
        WHERE ctid = ANY (ARRAY(
            SELECT n.ctid
            FROM alert_notices n
            WHERE n.created_at < now() - make_interval(secs => \(AlertStatements.kept.inSeconds))
              AND (n.incident IS NULL OR n.is_over)
            ORDER BY n.created_at
            LIMIT \(rowLimit)
        ))
        """
    }
}
