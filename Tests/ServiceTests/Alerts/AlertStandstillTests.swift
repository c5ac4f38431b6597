import Domain
import LibPQ
import Testing

@testable import Service

/// What a replica notes that stood still after it read what is new.
@Suite("AlertStatements: after a standstill", .timeLimit(.minutes(2)))
struct AlertStandstillTests {
    @Test
    func `who was told of and works again by now is not told of again`() async throws {
        try await withManagement { fixture in
            try await fixture.addOnShift(["ana"])
            try await stop("ana", fixture)
            let readBefore = try await news(.cannotWork, fixture)
            #expect(readBefore.compactMap(\.agentID) == ["ana"])
            // Another replica reads the same, tells of it, and of its end.
            try await note(try await news(.cannotWork, fixture), fixture)
            try await fixture.observe("ana", "WORKING")
            try await note(try await news(.canWork, fixture), fixture)
            #expect(try await kinds(fixture) == ["agent.can_work", "agent.cannot_work"])

            try await note(readBefore, fixture)
            #expect(try await kinds(fixture) == ["agent.can_work", "agent.cannot_work"])
            #expect(try await fixture.count("SELECT count(*) AS count FROM agent_alerts") == 0)

            // What is read after that end is told as ever.
            try await stop("ana", fixture)
            try await note(try await news(.cannotWork, fixture), fixture)
            #expect(try await kinds(fixture) == ["agent.can_work", "agent.cannot_work", "agent.cannot_work"])
        }
    }

    /// As if the session had not worked for an hour.
    private func stop(_ agentID: String, _ fixture: ManagementFixture) async throws {
        try await fixture.observe(agentID, "FAILED", .needsAttention, reason: .restartBudgetUsed)
        _ = try await fixture.pool.pipeline([
            "DELETE FROM session_changes",
            "UPDATE agent_states SET desired_since = now() - interval '1 hour'",
            "UPDATE observed_states SET since = now() - interval '1 hour'",
            "UPDATE session_owners SET from_at = now() - interval '1 hour'",
        ])
    }

    private func news(_ subject: AlertNews.Subject, _ fixture: ManagementFixture) async throws -> [AlertNews] {
        try await fixture.pool.rows(AlertStatements.news(after: .seconds(60), page: 0)) { row throws(PQError) in
            (what: try row.column("what", as: String.self), news: try AlertNews(row))
        }.filter { $0.what == subject.rawValue }.map(\.news)
    }

    private func note(_ news: [AlertNews], _ fixture: ManagementFixture) async throws {
        let bodies = news.map { $0.body(Redactor(), now: fixture.clock.now()) }
        _ = try await fixture.pool.pipeline(AlertStatements.noteAgents(news, bodies: bodies))
    }

    private func kinds(_ fixture: ManagementFixture) async throws -> [String] {
        try await fixture.pool.rows("SELECT kind FROM alert_notices ORDER BY kind") { row throws(PQError) in
            try row.column("kind", as: String.self)
        }
    }
}
