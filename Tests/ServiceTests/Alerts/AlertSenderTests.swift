import ClockSources
import LibPQ
import Logging
import Synchronization
import Testing

@testable import Service

@Suite("AlertSender", .timeLimit(.minutes(2)))
struct AlertSenderTests {
    @Test
    func `while much waits to be told the sender goes on noticing, also what is over at once`() async throws {
        try await withManagement { fixture in
            _ = try await fixture.pool.query(
                """
                INSERT INTO incidents (account, kind)
                SELECT n, 'engine_outage'
                FROM generate_series(1, \(2 * AlertStatements.portion)) AS n
                """
            )
            let noticed = Mutex<Int64?>(nil)
            let receiver = Listener { letters in
                switch letters {
                case 1:
                    _ = try await fixture.pool.query(
                        "INSERT INTO incidents (account, kind, closed_at) VALUES (1, 'sessions_failing', now())"
                    )
                case Int(AlertStatements.portion) + 1:
                    let count = try await fixture.count(
                        """
                        SELECT count(*) AS count
                        FROM alert_notices n
                        JOIN incidents i ON i.incident = n.incident
                        WHERE i.kind = 'sessions_failing'
                        """
                    )
                    noticed.withLock { $0 = count }
                default: break
                }
            }
            let signer = try #require(StandardWebhooksSigner(secrets: ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]))
            let sender = AlertSender(
                pool: fixture.pool,
                configuration: AlertConfiguration(receiver: receiver, signer: signer, after: .seconds(3600)),
                redactor: Redactor(),
                clock: fixture.clock,
                logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
            )
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await sender.run() }
                let deadline = ContinuousClock.now + .seconds(60)
                while receiver.types(about: "sessions_failing").count < 2 {
                    try #require(ContinuousClock.now < deadline, "\(receiver.types(about: "sessions_failing"))")
                    _ = try await fixture.pool.query("SELECT pg_sleep(0.02)")
                }
                group.cancelAll()
            }
            #expect(noticed.withLock { $0 } == 1, "between two portions it is looked for what is new")
            #expect(receiver.types(about: "sessions_failing") == ["incident.opened", "incident.closed"])
            #expect(receiver.types(about: "engine_outage").count == 2 * Int(AlertStatements.portion))
        }
    }

    /// Takes everything, and does something with each letter.
    private final class Listener: AlertReceiver {
        private let letters = Mutex<[String]>([])
        private let heard: @Sendable (Int) async throws -> Void

        /// `heard`: told how many letters came so far.
        init(heard: @escaping @Sendable (Int) async throws -> Void) {
            self.heard = heard
        }

        func post(_ body: [UInt8], headers: [(name: String, value: String)]) async -> AlertOutcome {
            let count = letters.withLock { letters in
                letters.append(String(decoding: body, as: UTF8.self))
                return letters.count
            }
            await #expect(throws: Never.self) { try await heard(count) }
            return .answered(status: 204)
        }

        /// The types of the letters that speak of a kind of incident, in the order in which they came.
        func types(about kind: String) -> [String] {
            letters.withLock { $0 }.filter { $0.contains(#""kind":"\#(kind)""#) }
                .map { $0.contains(#""type":"incident.opened""#) ? "incident.opened" : "incident.closed" }
        }
    }
}
