package import Domain
package import LibPQ

/// How many agents stand how, for who asks once.
package enum ConditionCounts {
    /// Counts agents as lists and the page show them: what was read too long ago is unknown, who has no instance is unassigned.
    ///
    /// Reads every agent. By the condition's word; a condition that nobody has is left out.
    package static func read(
        pool: PQPool,
        freshness: FreshnessBook,
        clock: DatabaseClock
    ) async throws(PQError) -> [(condition: Condition, count: Int)] {
        let summary = try await SummaryReads(pool: pool, freshness: freshness, clock: clock).summary()
        let counts = Condition.allCases.map { condition in
            (condition: condition, count: summary.count { $0.condition == condition })
        }
        return counts.filter { $0.count > 0 }.sorted { $0.condition.rawValue < $1.condition.rawValue }
    }
}
