import LibPQ

extension FaultRun {
    /// How often the database is asked about the leases.
    private static let sightPause: Duration = .milliseconds(100)

    /// Notes what the database says of the leases until the load is over; nothing while the database is away.
    ///
    /// It is asked past every replica, and past what lies between one and its database.
    func watchLeases() async {
        while !load.isOver, !Task.isCancelled {
            if let seen = try? await leases() { note(seen) }  // The database is away: there is nothing to be seen.
            try? await Task.sleep(for: Self.sightPause)  // Cancelled: the loop ends.
        }
    }

    private func leases() async throws -> [History.Sight] {
        try await installation.owner.rows(
            """
            SELECT e.name, l.term, r.seen_at, now() AS now
            FROM engine_leases l
            JOIN engine_accounts e ON e.account = l.account
            JOIN replicas r ON r.replica = l.holder
            """
        ) { row throws(PQError) in
            History.Sight(
                account: try row.column("name", as: String.self),
                term: try row.column("term", as: Int64.self),
                beatAt: try row.column("seen_at", as: PQTimestamp.self).microseconds,
                seenAt: try row.column("now", as: PQTimestamp.self).microseconds
            )
        }
    }
}
