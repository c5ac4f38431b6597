import LibPQ

/// Reads how the engine accounts do.
struct EnginePulseReads: Sendable {
    let pool: PQPool

    /// All accounts; for a caller who is bound to teams those that its agents have sessions on, without what waits there for all
    /// teams.
    ///
    /// `withUnused`: whether to a caller who is bound to none those belong that nobody has a session on. Indexes: see
    /// ``EnginePulse/statement(teams:withUnused:)``.
    func engines(for caller: Caller, withUnused: Bool = true) async throws(PQError) -> [EnginePulse] {
        let teams = caller.teams?.sorted()
        let statement = EnginePulse.statement(teams: teams, withUnused: withUnused && teams == nil)
        return try await pool.rows(statement) { row throws(PQError) in
            let pulse = try EnginePulse(row)
            return teams == nil ? pulse : pulse.withoutLine
        }
    }
}
