import LibPQ
import Testing

extension FaultRun {
    /// How often the database is asked about the leases.
    private static let sightPause: Duration = .milliseconds(100)

    /// Notes what the database says of the leases until the load is over; nothing while the database is away.
    ///
    /// It is asked past every replica, and past what lies between one and its database. That it refuses fails the test.
    func watchLeases() async {
        while !load.isOver, !Task.isCancelled {
            do throws(PQError) {
                note(try await leases())
            } catch {
                // The database is away: there is nothing to be seen. What it refuses it would refuse the next time, too.
                if Self.isRefusal(error) {
                    Issue.record(error, "whose the leases are cannot be seen")
                    return
                }
            }
            try? await Task.sleep(for: Self.sightPause)  // Cancelled: the loop ends.
        }
    }

    /// Whether the database was there and did not answer as it is asked to.
    static func isRefusal(_ error: PQError) -> Bool {
        switch error.kind {
        case .server, .invalidInput, .decoding: !error.isTransient
        case .connectionFailed, .connectionLost, .poolTimeout, .poolOverloaded, .poolClosed, .timedOut, .cancelled,
            .commitUnknown, .notReplicated:
            false
        }
    }

    private func leases() async throws(PQError) -> [History.Sight] {
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
