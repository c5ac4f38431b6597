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

    /// Takes everything, and does something with each letter.
    private final class Inbox: AlertReceiver {
        private let letters = Mutex<[[UInt8]]>([])
        private let heard: @Sendable (_ letter: Int) async throws -> Void

        /// `heard`: told which letter it is, from 1.
        init(heard: @escaping @Sendable (_ letter: Int) async throws -> Void = { _ in }) {
            self.heard = heard
        }

        func post(_ body: [UInt8], headers: [(name: String, value: String)]) async -> AlertOutcome {
            let count = letters.withLock { letters in
                letters.append(body)
                return letters.count
            }
            await #expect(throws: Never.self) { try await heard(count) }
            return .answered(status: 204)
        }

        /// How many letters of a type came.
        func count(of type: String) throws -> Int {
            try letters.withLock { $0 }.map(Letter.init).filter { $0.type == type }.count
        }

        /// The first letter of a type.
        func letter(of type: String) throws -> Letter? {
            try letters.withLock { $0 }.map(Letter.init).first { $0.type == type }
        }
    }

    private let inbox = Inbox()

    /// Runs a sender until there is a letter of a type, and gives it.
    ///
    /// `other`: who hears of it; `nil` for the inbox of the test.
    private func letter(
        _ type: String,
        _ fixture: ManagementFixture,
        to other: Inbox? = nil
    ) async throws -> Letter.About {
        let inbox = other ?? self.inbox
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

    /// Has agents on shift for an hour without a session.
    private func add(_ agentIDs: [String], _ fixture: ManagementFixture) async throws {
        try await fixture.addOnShift(agentIDs, withSession: false)
        _ = try await fixture.pool.query("UPDATE agent_states SET desired_since = now() - interval '1 hour'")
    }

    /// Has it noted that an agent cannot work, which waits to be told.
    private func note(_ agentID: String, _ fixture: ManagementFixture) async throws {
        try await add([agentID], fixture)
        let news = try await fixture.pool.rows(AlertStatements.news(after: .seconds(60), page: 0), AlertNews.init)
            .filter { $0.subject == .cannotWork }
        #expect(news.compactMap(\.agentID) == [agentID])
        let bodies = news.map { $0.body(Redactor(), now: fixture.clock.now()) }
        _ = try await fixture.pool.pipeline(AlertStatements.noteAgents(news, bodies: bodies))
    }

    /// Lets an agent be told of who is on shift for an hour and has no session; gives since when.
    private func tell(of agentID: String, _ fixture: ManagementFixture) async throws -> String {
        try await add([agentID], fixture)
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

    @Test(arguments: [true, false], ["zelda-9-works", "ana", "100234"])
    func `of a person who is erased the end has no name, and none is kept for it`(
        isErasedAtOnce: Bool,
        agentID: String
    ) async throws {
        try await withManagement { fixture in
            let since = try await tell(of: agentID, fixture)
            if !isErasedAtOnce {
                #expect(try await fixture.send("DELETE", "/v1/agents/\(agentID)").status == 204)
                #expect(try await traces(of: agentID, fixture) == 2)
            }
            #expect(try await fixture.send("DELETE", "/v1/agents/\(agentID)?erase=true").status == 204)
            #expect(try await traces(of: agentID, fixture) == 0)
            let letter = try await letter("agent.can_work", fixture)
            #expect(letter.agentId == nil && letter.team == nil && letter.since == since)
            #expect(try await traces(of: agentID, fixture) == 0)
        }
    }

    @Test
    func `what waits to be told goes first, however long the search for what else is left takes`() async throws {
        try await withManagement { fixture in
            try await note("ana", fixture)
            #expect(try await traces(of: "ana", fixture) == 1)
            // No body is searched meanwhile.
            _ = try await fixture.pool.query("SELECT set_deliveries_apart()")
            #expect(try await fixture.send("DELETE", "/v1/agents/ana?erase=true").status == 202)
            #expect(try await fixture.count("SELECT count(*) AS count FROM erasures") == 1)
            #expect(try await traces(of: "ana", fixture) == 0)
        }
    }

    @Test
    func `of who is erased while another erasure takes long nothing waits to be told`() async throws {
        try await withManagement { fixture in
            for agentID in ["ana", "100234"] { try await note(agentID, fixture) }
            let wait = LockWait()
            let erasures = try await fixture.pool.withTransaction { gate in
                // Whoever searches bodies stands still.
                _ = try await gate.run(["LOCK TABLE deliveries IN EXCLUSIVE MODE"])
                let first = wait.task { try await fixture.send("DELETE", "/v1/agents/ana?erase=true").status }
                try await wait.until(1, in: gate)
                let second = wait.task { try await fixture.send("DELETE", "/v1/agents/100234?erase=true").status }
                let deadline = ContinuousClock.now + .seconds(15)
                while try await traces(of: "100234", fixture) > 0 {
                    try #require(ContinuousClock.now < deadline, "it is still told")
                    try await Task.sleep(for: .milliseconds(20))
                }
                #expect(!wait.isDone)
                return [first, second]
            }
            for erasure in erasures { #expect([202, 204].contains(try await erasure.value)) }
        }
    }

    @Test
    func `of people who are erased while a portion is being sent nothing more is sent`() async throws {
        try await withManagement { fixture in
            try await add(["ana", "100234"], fixture)
            let inbox = Inbox { letter in
                guard letter == 1 else { return }
                for agentID in ["ana", "100234"] {
                    let answer = try await fixture.send("DELETE", "/v1/agents/\(agentID)?erase=true")
                    #expect(answer.status == 204)
                }
            }
            let letter = try await letter("agent.can_work", fixture, to: inbox)
            #expect(letter.agentId == nil)
            #expect(try inbox.count(of: "agent.cannot_work") == 1, "the one that was on its way")
        }
    }

    @Test(arguments: ["ana", "zelda-9-works"])
    func `what is about somebody new under the id of who is erased stays`(agentID: String) async throws {
        try await withManagement { fixture in
            try await note(agentID, fixture)
            #expect(try await fixture.send("DELETE", "/v1/agents/\(agentID)").status == 204)
            try await note(agentID, fixture)
            let erasure = ErasureTraces.Erasure(
                id: UUID(),
                agents: [],
                others: [],
                agentIDs: [agentID],
                sourceIDs: [],
                externalIDs: [],
                names: [],
                lastDelivery: 0
            )
            #expect(try await fixture.pool.execute(TraceStatements.deleteNotices(erasure)) == 1)
            let left: PQStatement = """
                SELECT count(*) AS count
                FROM alert_notices n
                JOIN agent_alerts t ON n.thread = 'agent/' || t.episode
                WHERE t.gone_at IS NULL
                """
            #expect(try await fixture.count(left) == 1)
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
