import Domain
import LibPQ
import Testing

@testable import Service

/// Starts that were tried more than once.
extension StatsTests {
    /// Tries an only start again each minute, three times; four minutes after the first the session runs.
    private func tryAgain(_ fixture: ManagementFixture) async throws {
        _ = try await fixture.pool.pipeline([
            """
            INSERT INTO commands (
                instance, command_id, account, action, agent, generation, term, intended_at, sent_at, ended_at, reason, verdict
            )
            SELECT c.instance, c.command_id + n.minutes * 60000000, c.account, c.action, c.agent, c.generation, c.term,
                c.intended_at + n.minutes * interval '1 minute', c.sent_at + n.minutes * interval '1 minute',
                c.ended_at + n.minutes * interval '1 minute', c.reason, 'unreachable'
            FROM commands c
            CROSS JOIN generate_series(1, 3) AS n (minutes)
            """,
            """
            INSERT INTO session_changes (instance, at, recorded_at, reading)
            SELECT c.instance, c.intended_at + interval '240 seconds', c.intended_at + interval '240.005 seconds', 'WORKING'
            FROM commands c
            ORDER BY c.command_id
            LIMIT 1
            """,
        ])
    }

    @Test(arguments: [true, false])
    func `a start that is tried again and again is one way from its clock event`(isFirstSent: Bool) async throws {
        try await withManagement { fixture in
            try await fixture.addAgent("a1", instance: "a1")
            try await addStart("a1", ago: .seconds(7200), steps: (10, 100, 50, nil, 0), in: fixture)
            try await tryAgain(fixture)
            if !isFirstSent {
                _ = try await fixture.pool.query(
                    """
                    UPDATE commands SET sent_at = NULL, ended_at = NULL, verdict = NULL
                    WHERE command_id = (SELECT min(command_id) FROM commands)
                    """
                )
            }
            let answer = try await fixture.send("GET", "/v1/stats", as: .view)
            let figures = try stages(answer)
            for stage in Stats.Stage.allCases { #expect(figures[stage.rawValue]?.count == 1, "\(stage)") }
            #expect(figures["accept"]?.median == 10)
            #expect(figures["queue"]?.median == (isFirstSent ? 100 : 60_100))
            #expect(figures["total"]?.median == 240_015)
            let hours = try #require(try answer.json()["hours"] as? [[String: Any]])
            #expect(hours.compactMap { $0["count"] as? Int } == [1])
            // It belongs where it was first decided on.
            let since = (fixture.clock.now() - .seconds(7160)).rfc3339
            let later = try stages(try await fixture.send("GET", "/v1/stats?from=\(since)", as: .view))
            #expect(later["accept"]?.count == 0)
            let until = (fixture.clock.now() - .seconds(7150)).rfc3339
            let from = (fixture.clock.now() - .seconds(7500)).rfc3339
            let before = try stages(try await fixture.send("GET", "/v1/stats?from=\(from)&to=\(until)", as: .view))
            #expect(before["accept"]?.count == 1 && before["total"]?.count == 1)
        }
    }
}
