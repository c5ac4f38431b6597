import Domain
import LibPQ
import Testing

@testable import Service

/// For whom figures of sessions count, and what is not known of them.
@Suite("Stats of sessions", .timeLimit(.minutes(2)))
struct StatsSessionsTests {
    private struct Figures: Equatable {
        var found, repaired, late: Int
        /// Hours, with one decimal.
        var hibernated, unread: Double
    }

    private func figures(_ fixture: ManagementFixture, team: String? = nil) async throws -> Figures {
        let answer = try await fixture.send("GET", "/v1/stats" + (team.map { "?team=\($0)" } ?? "")).json()
        let drift = try #require(answer["drift"] as? [String: Any])
        for (total, parts) in [("hibernated_hours", "hibernation"), ("unread_hours", "unread")] {
            let hours = try #require(answer[parts] as? [[String: Any]]).compactMap { $0["hours"] as? Double }
            // Each is rounded to a tenth.
            #expect(abs(hours.reduce(0, +) - (answer[total] as? Double ?? -1)) <= 0.05 * Double(hours.count + 1))
        }
        return Figures(
            found: drift["found"] as? Int ?? -1,
            repaired: drift["repaired"] as? Int ?? -1,
            late: drift["found_late"] as? Int ?? -1,
            hibernated: answer["hibernated_hours"] as? Double ?? -1,
            unread: answer["unread_hours"] as? Double ?? -1
        )
    }

    /// Hours ago, and what the session was read to be.
    private func read(_ readings: [(Double, String)], _ fixture: ManagementFixture) async throws {
        _ = try await fixture.pool.query(
            """
            INSERT INTO session_changes (instance, at, recorded_at, reading)
            SELECT x.instance, now() - make_interval(secs => n.ago * 3600), now(), n.reading
            FROM instances x, unnest(\(readings.map(\.0)), \(readings.map(\.1))) AS n (ago, reading)
            """
        )
    }

    private func command(_ action: Action, hoursAgo: Double, _ fixture: ManagementFixture) async throws {
        let at = fixture.clock.now() - .milliseconds(Int64(hoursAgo * 3_600_000))
        _ = try await fixture.pool.query(
            """
            INSERT INTO commands (instance, command_id, account, action, term, intended_at, sent_at, ended_at, reason)
            SELECT instance, \(at.microseconds), account, \(action.code), 1, \(at), \(at), \(at), 'x' FROM instances
            """
        )
    }

    private func gap(
        hoursAgo from: Double,
        _ to: Double,
        everywhere: Bool = false,
        _ fixture: ManagementFixture
    )
        async throws
    {
        _ = try await fixture.pool.query(
            """
            INSERT INTO look_gaps (instance, from_at, to_at)
            SELECT CASE WHEN \(everywhere) THEN 0 ELSE x.instance END, now() - make_interval(secs => \(from) * 3600),
                now() - make_interval(secs => \(to) * 3600)
            FROM instances x
            """
        )
    }

    /// A session was ana's, of the team red, for twelve hours, and has been bob's, of the team blue, for eight.
    private func move(_ fixture: ManagementFixture) async throws {
        try await fixture.addAgent("ana", team: "red", instance: "i")
        _ = try await fixture.send("PUT", "/v1/agents/ana", json: #"{"team":"red","instance":null}"#)
        try await fixture.addAgent("bob", team: "blue", instance: "i")
        _ = try await fixture.pool.pipeline([
            "UPDATE session_owners SET from_at = now() - interval '20 hours', to_at = now() - interval '8 hours' WHERE to_at IS NOT NULL",
            "UPDATE session_owners SET from_at = now() - interval '8 hours' WHERE to_at IS NULL",
        ])
    }

    @Test
    func `what was of a session counts for whose it was then`() async throws {
        try await withManagement { fixture in
            try await move(fixture)
            // Read for the first time four hours after ana got it, and stopped until she came to work.
            try await read([(16, "STOPPED"), (12, "WORKING"), (4, "STOPPED"), (2, "WORKING")], fixture)
            try await command(.start, hoursAgo: 12.001, fixture)
            let red = Figures(found: 0, repaired: 0, late: 0, hibernated: 4, unread: 4)
            let blue = Figures(found: 1, repaired: 1, late: 0, hibernated: 2, unread: 0)
            #expect(try await figures(fixture, team: "red") == red)
            #expect(try await figures(fixture, team: "blue") == blue)
            #expect(try await figures(fixture).hibernated == 6)
            // What is kept of it stays for both when the session is gone.
            _ = try await fixture.pool.query("DELETE FROM instances")
            #expect(try await fixture.count("SELECT count(*) AS count FROM session_changes") == 4)
            let since = (fixture.clock.now() - .seconds(23 * 3600)).rfc3339
            #expect(try await figures(fixture, team: "red&from=\(since)") == red)
        }
    }

    @Test
    func `what another has mended is no repair of whose it was`() async throws {
        try await withManagement { fixture in
            try await move(fixture)
            try await read([(16, "WORKING"), (12, "STOPPED"), (6, "WORKING")], fixture)
            #expect(
                try await figures(fixture, team: "red")
                    == Figures(found: 1, repaired: 0, late: 0, hibernated: 4, unread: 4)
            )
            #expect(
                try await figures(fixture, team: "blue")
                    == Figures(found: 0, repaired: 0, late: 0, hibernated: 2, unread: 0)
            )
        }
    }

    @Test
    func `time in which nobody looked is not known, be it at the session or at any, once where both are so`()
        async throws
    {
        try await withManagement { fixture in
            try await fixture.addAgent("ana")
            _ = try await fixture.pool.query("UPDATE session_owners SET from_at = now() - interval '10 hours'")
            try await read([(10, "STOPPED")], fixture)
            try await gap(hoursAgo: 8, 6, fixture)
            try await gap(hoursAgo: 7, 5, everywhere: true, fixture)
            // A read counts for three minutes, so nothing is missing in this one.
            try await gap(hoursAgo: 3, 2.96, everywhere: true, fixture)
            #expect(try await figures(fixture) == Figures(found: 0, repaired: 0, late: 0, hibernated: 7, unread: 3))
        }
    }

    @Test
    func `nothing is known since the last read when that is long ago, and nothing of a session that was never read`()
        async throws
    {
        try await withManagement { fixture in
            try await fixture.addAgent("ana", team: "red")
            try await fixture.addAgent("bob", team: "blue")
            try await fixture.observe("ana", "STOPPED", ago: .seconds(5 * 3600))
            _ = try await fixture.pool.pipeline([
                "UPDATE session_owners SET from_at = now() - interval '10 hours'",
                "UPDATE looks SET looked_at = now() - interval '2 hours'",
                "DELETE FROM look_gaps",
            ])
            #expect(
                try await figures(fixture, team: "red")
                    == Figures(found: 0, repaired: 0, late: 0, hibernated: 3, unread: 7)
            )
            #expect(
                try await figures(fixture, team: "blue")
                    == Figures(found: 0, repaired: 0, late: 0, hibernated: 0, unread: 10)
            )
        }
    }

    @Test
    func `what the first look after a gap found is told apart from drift, as triggers note both`() async throws {
        try await withManagement { fixture in
            try await fixture.addAgent("ana")
            _ = try await fixture.pool.query("UPDATE session_owners SET from_at = now() - interval '10 hours'")
            try await fixture.observe("ana", "WORKING", ago: .seconds(10 * 3600))
            // Somebody looks until eight hours ago, and then only two hours later.
            _ = try await fixture.pool.pipeline([
                "DELETE FROM looks",
                "INSERT INTO looks (instance, looked_at) SELECT instance, now() - interval '8 hours' FROM instances",
            ])
            try await fixture.observe("ana", "STOPPED", ago: .seconds(6 * 3600))
            #expect(try await fixture.count("SELECT count(*) AS count FROM look_gaps") == 1)
            // Then it is mended, and stops once more while somebody looks.
            try await read([(5, "WORKING"), (4, "STOPPED"), (3, "WORKING")], fixture)
            _ = try await fixture.pool.query("UPDATE looks SET looked_at = now()")
            _ = try await fixture.pool.query("DELETE FROM look_gaps WHERE to_at > now() - interval '5 hours'")
            #expect(try await figures(fixture) == Figures(found: 1, repaired: 1, late: 1, hibernated: 2, unread: 2))
        }
    }
}
