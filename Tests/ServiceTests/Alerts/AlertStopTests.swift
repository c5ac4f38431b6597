import ClockSources
import LibPQ
import Logging
import Synchronization
import Testing

@testable import Service

@Suite("AlertSender: stops and retries", .timeLimit(.minutes(2)))
struct AlertStopTests {
    private let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    /// Has an answer of the test's to each letter.
    private final class Receiver: AlertReceiver {
        private let letters = Mutex<[String]>([])
        private let answer: @Sendable (_ letter: Int) async -> AlertOutcome

        /// `answer`: told which letter it is, from 1.
        init(_ answer: @escaping @Sendable (_ letter: Int) async -> AlertOutcome) {
            self.answer = answer
        }

        /// The ids of the letters, in the order in which they came.
        var ids: [String] { letters.withLock { $0 } }

        func post(_ body: [UInt8], headers: [(name: String, value: String)]) async -> AlertOutcome {
            let id = headers.first { $0.name.lowercased() == "webhook-id" }?.value ?? ""
            let count = letters.withLock { letters in
                letters.append(id)
                return letters.count
            }
            return await answer(count)
        }
    }

    private func sender(
        to receiver: Receiver,
        _ fixture: ManagementFixture,
        pool: PQPool? = nil,
        firstRetry: Duration = .seconds(5)
    ) throws -> AlertSender {
        let signer = try #require(StandardWebhooksSigner(secrets: ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]))
        var configuration = AlertConfiguration(receiver: receiver, signer: signer, after: .seconds(3600))
        configuration.interval = .seconds(3600)
        configuration.firstRetry = firstRetry
        return AlertSender(
            pool: pool ?? fixture.pool,
            configuration: configuration,
            redactor: Redactor(),
            clock: fixture.clock,
            logger: logger
        )
    }

    private func addIncidents(_ count: Int64, _ fixture: ManagementFixture) async throws {
        _ = try await fixture.pool.query(
            "INSERT INTO incidents (account, kind) SELECT n, 'engine_outage' FROM generate_series(1, \(count)) AS n"
        )
    }

    /// Runs a sender until so many letters came, and stops it.
    private func run(
        _ sender: AlertSender,
        _ fixture: ManagementFixture,
        until count: Int,
        cameTo receiver: Receiver
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await sender.run() }
            let deadline = ContinuousClock.now + .seconds(30)
            while receiver.ids.count < count {
                try #require(ContinuousClock.now < deadline, "\(receiver.ids.count) of \(count) letters came")
                _ = try await fixture.pool.query("SELECT pg_sleep(0.02)")
            }
            group.cancelAll()
        }
    }

    @Test(arguments: [AlertOutcome.timedOut, .unreachable, .answered(status: 204)])
    func `a stop leaves to others at once what has no answer, and what was delivered is not sent again`(
        last: AlertOutcome
    )
        async throws
    {
        try await withManagement { fixture in
            let all = Int(AlertStatements.portion)
            try await addIncidents(AlertStatements.portion, fixture)
            let hanging = Receiver { letter in
                if letter == 1 { return .answered(status: 204) }
                try? await Task.sleep(for: .seconds(3600))  // Until the sender is told to stop.
                return last
            }
            try await run(try sender(to: hanging, fixture), fixture, until: 2, cameTo: hanging)
            #expect(hanging.ids.count == 2)
            let delivered = last.isDelivered ? 2 : 1
            let free = try await fixture.count(
                """
                SELECT count(*) AS count
                FROM alert_notices
                WHERE state = 'waiting'
                  AND next_try_at <= now()
                  AND claimed_until IS NULL
                  AND attempts = 0
                  AND last_try_at IS NULL
                """
            )
            #expect(free == Int64(all - delivered))
            let other = Receiver { _ in .answered(status: 204) }
            try await run(try sender(to: other, fixture), fixture, until: all - delivered, cameTo: other)
            #expect(other.ids.count == all - delivered)
            #expect(Set(other.ids).isDisjoint(with: hanging.ids.prefix(delivered)))
            #expect(Set(other.ids + hanging.ids).count == all)
        }
    }

    @Test
    func `who stood still until another delivered all sends nothing again, and takes nothing back`() async throws {
        try await withManagement { fixture in
            try await addIncidents(AlertStatements.portion, fixture)
            let receiver = Receiver { letter in
                guard letter == 1 else { return .answered(status: 204) }
                await #expect(throws: Never.self) {
                    _ = try await fixture.pool.pipeline([
                        """
                        UPDATE alert_notices
                        SET state = 'delivered', attempts = attempts + 1, claimed_until = NULL, ended_at = now()
                        """,
                        "INSERT INTO incidents (account, kind) VALUES (99, 'engine_outage')",
                    ])
                }
                return .timedOut
            }
            try await run(try sender(to: receiver, fixture), fixture, until: 2, cameTo: receiver)
            let news = try await fixture.pool.rows(
                """
                SELECT 'msg_' || n.notice AS id
                FROM alert_notices n
                JOIN incidents i ON i.incident = n.incident
                WHERE i.account = 99
                """
            ) { row throws(PQError) in try row.column("id", as: String.self) }
            #expect(Array(receiver.ids.dropFirst()) == news)
            let delivered: PQStatement = "SELECT count(*) AS count FROM alert_notices WHERE state = 'delivered'"
            #expect(try await fixture.count(delivered) == AlertStatements.portion + 1)
        }
    }

    @Test
    func `a retry is looked for when it is due by what was stored, however long the storing took`() async throws {
        try await withManagement { fixture in
            try await addIncidents(1, fixture)
            // The sender's one connection is taken when the outcome of the first try is to be stored.
            var configuration = fixture.pool.configuration
            configuration.maxConnections = 1
            let pool = PQPool(configuration, logger: logger)
            let receiver = Receiver { letter in
                if letter > 1 { return .answered(status: 204) }
                let isTaken = Latch()
                _ = Task {
                    try await pool.withTransaction { transaction in
                        try await transaction.query("SELECT 1 AS one")
                        isTaken.open()
                        try await transaction.query("SELECT pg_sleep(2.5)")
                    }
                }
                await isTaken.wait()
                return .answered(status: 503)
            }
            let sender = try sender(to: receiver, fixture, pool: pool, firstRetry: .seconds(2))
            do {
                try await run(sender, fixture, until: 2, cameTo: receiver)
            } catch {
                await pool.shutdown()
                throw error
            }
            await pool.shutdown()
            #expect(Set(receiver.ids).count == 1)
        }
    }
}
