package import LibPQ

/// What a committed event survives: the crash of the database's machine, or the loss of it too.
package enum Durability: String, Sendable {
    /// On the disk of one machine.
    case local
    /// On a standby's as well: the server has synchronous standbys, and commits wait for them.
    case replicated

    /// Asks the server that `pool` is connected to.
    ///
    /// Commits of ours are synchronous wherever the server's or the role's own setting is not.
    package static func read(_ pool: PQPool, timeout: Duration) async throws(PQError) -> Durability {
        let answer = try await pool.query(
            """
            SELECT current_setting('synchronous_standby_names') <> ''
                AND current_setting('synchronous_commit') IN ('on', 'remote_apply') AS is_replicated
            """,
            timeout: timeout
        )
        return try answer[0].column("is_replicated", as: Bool.self) ? .replicated : .local
    }
}
