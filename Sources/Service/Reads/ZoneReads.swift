import Domain
import LibPQ
import Synchronization

/// The time zones that agents live in.
///
/// Reads every agent, or every one of some teams, so an answer is given again for ``lifetime``.
final class ZoneReads: Sendable {
    private struct Answer {
        var zones: [String]
        var staleAt: ContinuousClock.Instant
    }

    private let pool: PQPool
    private let answers = Mutex<[[String]?: Answer]>([:])

    private static let lifetime = Duration.seconds(60)
    private static let answerLimit = 32

    init(pool: PQPool) {
        self.pool = pool
    }

    /// The zones of the agents of some teams, `nil` for all: the one that most of them live in first; at most 50.
    ///
    /// Index: `agents_of_team` where teams are named.
    func zones(ofTeams teams: [String]?) async throws(PQError) -> [String] {
        let known = answers.withLock { $0[teams] }
        if let known, known.staleAt > .now { return known.zones }
        let zones = try await pool.rows(
            """
            SELECT a.time_zone
            FROM agents a
            WHERE \(teams)::text[] IS NULL OR a.team = ANY (\(teams))
            GROUP BY a.time_zone
            ORDER BY count(*) DESC, a.time_zone
            LIMIT 50
            """
        ) { row throws(PQError) in try row.column("time_zone", as: String.self) }
        answers.withLock { answers in
            if answers.count >= Self.answerLimit { answers = answers.filter { $0.value.staleAt > .now } }
            if answers.count >= Self.answerLimit { answers = [:] }
            answers[teams] = Answer(zones: zones, staleAt: .now + Self.lifetime)
        }
        return zones
    }
}
