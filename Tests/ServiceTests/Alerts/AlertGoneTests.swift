import ClockSources
import Foundation
import LibPQ
import Logging
import Synchronization
import Testing

@testable import Service

/// What the outside hears of an agent who could not work and is no more.
@Suite("AlertSender: agents that are removed", .timeLimit(.minutes(2)))
struct AlertGoneTests {
    /// What the outside is told of an agent.
    private struct Letter: Decodable, Sendable {
        struct About: Decodable, Sendable {
            var agentId: String?
            var team: String?
            var since: String
        }

        var type: String
        var data: About

        init(_ body: [UInt8]) throws {
            let decoder = JSONDecoder()
            decoder.keyDecodingStrategy = .convertFromSnakeCase
            self = try decoder.decode(Letter.self, from: Data(body))
        }
    }

    /// Takes everything.
    private final class Inbox: AlertReceiver {
        private let letters = Mutex<[[UInt8]]>([])

        func post(_ body: [UInt8], headers: [(name: String, value: String)]) async -> AlertOutcome {
            letters.withLock { $0.append(body) }
            return .answered(status: 204)
        }

        /// The first letter of a type.
        func letter(of type: String) throws -> Letter? {
            try letters.withLock { $0 }.map(Letter.init).first { $0.type == type }
        }
    }

    private let inbox = Inbox()

    /// Runs a sender until there is a letter of a type, and gives it.
    private func letter(_ type: String, _ fixture: ManagementFixture) async throws -> Letter.About {
        let signer = try #require(StandardWebhooksSigner(secrets: ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]))
        let sender = AlertSender(
            pool: fixture.pool,
            configuration: AlertConfiguration(receiver: inbox, signer: signer, after: .seconds(60)),
            redactor: Redactor(),
            clock: fixture.clock,
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await sender.run() }
            let deadline = ContinuousClock.now + .seconds(30)
            while try inbox.letter(of: type) == nil {
                try #require(ContinuousClock.now < deadline, "no letter came")
                _ = try await fixture.pool.query("SELECT pg_sleep(0.02)")
            }
            group.cancelAll()
        }
        return try #require(try inbox.letter(of: type)).data
    }

    /// Lets an agent be told of who is on shift for an hour and has no session; gives since when.
    private func tell(of agentID: String, _ fixture: ManagementFixture) async throws -> String {
        try await fixture.addOnShift([agentID], withSession: false)
        _ = try await fixture.pool.query("UPDATE agent_states SET desired_since = now() - interval '1 hour'")
        let letter = try await letter("agent.cannot_work", fixture)
        #expect(letter.agentId == agentID && letter.team == "support")
        return letter.since
    }

    private func traces(of agentID: String, _ fixture: ManagementFixture) async throws -> Int64 {
        try await fixture.count(
            """
            SELECT (SELECT count(*) FROM alert_notices n WHERE n.body LIKE '%' || \(agentID) || '%')
                + (SELECT count(*) FROM agent_alerts t WHERE t.agent_id = \(agentID)) AS count
            """
        )
    }

    @Test
    func `of an agent who is removed the end is told, to whom the beginning was`() async throws {
        try await withManagement { fixture in
            let since = try await tell(of: "zelda-9-works", fixture)
            #expect(try await fixture.send("DELETE", "/v1/agents/zelda-9-works").status == 204)
            let letter = try await letter("agent.can_work", fixture)
            #expect(letter.agentId == "zelda-9-works" && letter.team == "support" && letter.since == since)
            #expect(try await fixture.count("SELECT count(*) AS count FROM agent_alerts") == 0)
        }
    }

    @Test(arguments: [true, false])
    func `of a person who is erased the end has no name, and none is kept for it`(isErasedAtOnce: Bool) async throws {
        try await withManagement { fixture in
            let since = try await tell(of: "zelda-9-works", fixture)
            if !isErasedAtOnce {
                #expect(try await fixture.send("DELETE", "/v1/agents/zelda-9-works").status == 204)
                #expect(try await traces(of: "zelda-9-works", fixture) == 2)
            }
            #expect(try await fixture.send("DELETE", "/v1/agents/zelda-9-works?erase=true").status == 204)
            #expect(try await traces(of: "zelda-9-works", fixture) == 0)
            let letter = try await letter("agent.can_work", fixture)
            #expect(letter.agentId == nil && letter.team == nil && letter.since == since)
            #expect(try await traces(of: "zelda-9-works", fixture) == 0)
        }
    }

    @Test
    func `an end that was read before the person was erased is not noted`() async throws {
        try await withManagement { fixture in
            _ = try await tell(of: "zelda-9-works", fixture)
            #expect(try await fixture.send("DELETE", "/v1/agents/zelda-9-works").status == 204)
            let news = try await fixture.pool.rows(AlertStatements.news(after: .seconds(60), page: 0)) {
                row throws(PQError) in
                (what: try row.column("what", as: String.self), news: try AlertNews(row))
            }.filter { $0.what == "agent.can_work" }.map(\.news)
            #expect(news.map(\.agentID) == ["zelda-9-works"])
            #expect(try await fixture.send("DELETE", "/v1/agents/zelda-9-works?erase=true").status == 204)
            let bodies = news.map { $0.body(Redactor(), now: fixture.clock.now()) }
            _ = try await fixture.pool.pipeline(AlertStatements.noteAgents(news, bodies: bodies))
            #expect(try await traces(of: "zelda-9-works", fixture) == 0)
            let letter = try await letter("agent.can_work", fixture)
            #expect(letter.agentId == nil && letter.team == nil)
        }
    }
}
