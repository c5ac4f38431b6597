import Domain
import LibPQ

/// Lets go of what was waited for to stop: instances nobody owns any more, and agents somebody asked to remove.
enum Departures {
    /// The instances among plans that may go now that they are proved to be down.
    static func due(_ plans: [Plan]) -> [Int64] {
        plans.compactMap { plan in
            guard plan.decision.condition == .converged, plan.isDeparting else { return nil }
            return plan.subject.instance
        }
    }

    /// Deletes them, and the agents that leave with them.
    ///
    /// Checks everything again under the lock of the map.
    static func complete(_ instances: [Int64], pool: PQPool) async throws(PQError) {
        _ = try await pool.pipeline([
            AdvisoryLocks.map,
            """
            DELETE FROM instances x
            USING observed_states o
            WHERE x.instance = ANY (\(instances))
              AND o.instance = x.instance
              AND o.reading IN ('STOPPED', 'FAILED', 'MISSING')
              AND (x.agent IS NULL OR x.agent IN (SELECT a.agent FROM agents a WHERE a.removal_asked_at IS NOT NULL))
            """,
            """
            DELETE FROM reconcile_queue q
            WHERE q.instance = ANY (\(instances))
              AND NOT EXISTS (SELECT FROM instances x WHERE x.instance = q.instance)
            """,
            """
            DELETE FROM looks l
            WHERE l.instance = ANY (\(instances))
              AND NOT EXISTS (SELECT FROM instances x WHERE x.instance = l.instance)
            """,
            // What they left out of their names' events stays theirs, see `UnmatchedStatements.bury`.
            """
            INSERT INTO clock_event_matches (sequence, agent)
            SELECT w.sequence, w.agent
            FROM agents a
            JOIN left_out_events w ON w.agent = a.agent
            WHERE a.removal_asked_at IS NOT NULL
              AND NOT EXISTS (SELECT FROM instances x WHERE x.agent = a.agent)
            ON CONFLICT (sequence) DO NOTHING
            """,
            """
            DELETE FROM agents a
            WHERE a.removal_asked_at IS NOT NULL
              AND NOT EXISTS (SELECT FROM instances x WHERE x.agent = a.agent)
            """,
        ])
    }
}
