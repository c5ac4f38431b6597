import Domain
import LibPQ

/// Lets go of what is too old to be shown: of sessions changes, stretches in which nobody looked, whose they were; and what the
/// outside was told.
struct OldHistory: Sendable {
    /// Rows of each kind deleted in one transaction.
    static let rowLimit: Int64 = 1_000

    let pool: PQPool

    /// Deletes one portion of each kind.
    ///
    /// `keep`: how long what is of sessions stays after its end, by the database's clock.
    /// Returns how many rows went; 0 once nothing is left to go.
    func forget(keep: Duration) async throws(PQError) -> Int {
        let results = try await pool.pipeline([Self.changes(keep), Self.gaps(keep), Self.owners(keep), Self.notices])
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
