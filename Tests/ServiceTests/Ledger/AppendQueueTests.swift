import Domain
import FoundationEssentials
import LibPQ
import Logging
import Testing

@testable import Service

/// What becomes of events that the queue took, whatever the database and the end of the service do to their batch.
@Suite("AppendQueue", .timeLimit(.minutes(2)))
struct AppendQueueTests {
    /// The database takes half a minute over every event of this name.
    private static let slow = "slow"
    private static let slowDown = """
        CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM pg_sleep(30);
            RETURN NULL;
        END
        $$;
        CREATE TRIGGER dawdle AFTER INSERT ON clock_events
            FOR EACH ROW WHEN (NEW.external_id = 'slow') EXECUTE FUNCTION dawdle()
        """
    private static let events: PQStatement = "SELECT count(*) AS count FROM clock_events"
    private static let sleeping: PQStatement = """
        SELECT count(*) AS count
        FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event = 'PgSleep' AND query LIKE 'WITH i AS MATERIALIZED%'
        """
    private static let wakeSleeping: PQStatement = """
        SELECT pg_cancel_backend(pid)
        FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event = 'PgSleep' AND query LIKE 'WITH i AS MATERIALIZED%'
        """

    private static func event(_ externalID: String = "nobody") -> IncomingEvent {
        let then = Timestamp(seconds: 1_700_000_000)
        return IncomingEvent(
            dedupe: UUID(),
            sourceID: 0,
            externalID: externalID,
            matchesAgentID: true,
            kind: .clockIn,
            occurredAt: then,
            hasOwnTime: true,
            receivedAt: then,
            effectiveAt: then,
            eventID: externalID
        )
    }

    /// Runs a queue for the length of the body, then lets it end.
    private static func withQueue(
        _ pool: PQPool,
        timeout: Duration,
        _ body: @Sendable (AppendQueue) async throws -> Void
    ) async throws {
        let clock = DatabaseClock()
        try await clock.measure(pool)
        let queue = AppendQueue(
            transaction: AppendTransaction(
                pool: pool,
                leases: LeaseBook(),
                policy: ReconcilePolicy(),
                clock: clock,
                timeout: timeout
            ),
            meters: AppendMeters(),
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
            carryOut: { _ in }
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await queue.run() }
            // However the body ends, the writers do.
            defer { queue.close() }
            try await body(queue)
        }
    }

    private static func count(_ statement: PQStatement, _ pool: PQPool) async throws -> Int64 {
        try await pool.query(statement)[0].column("count", as: Int64.self)
    }

    /// Waits until something is so.
    private static func until(_ pool: PQPool, _ isSo: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while try await !isSo() {
            try #require(ContinuousClock.now < deadline, "it did not come to pass")
            _ = try await pool.query("SELECT pg_sleep(0.03)")
        }
    }

    @Test
    func `what was taken is committed and answered though the end comes at once`() async throws {
        try await withMigratedDatabase { pool, _ in
            for _ in 0..<20 {
                try await Self.withQueue(pool, timeout: .seconds(20)) { queue in
                    // So many that the next batch is gathered for a moment.
                    _ = try await queue.append((0..<8).map { _ in Self.event() })
                    try await withThrowingTaskGroup(of: Int.self) { group in
                        for _ in 0..<3 {
                            group.addImmediateTask { try await queue.append([Self.event()]).count }
                        }
                        queue.close()
                        for try await count in group { #expect(count == 1) }
                    }
                }
            }
            #expect(try await Self.count(Self.events, pool) == 20 * 11)
        }
    }

    @Test
    func `an event that the database takes too long over keeps no other of its batch out of the ledger`() async throws {
        try await withMigratedDatabase { pool, _ in
            try await pool.withConnection { try await $0.simpleQuery(Self.slowDown) }
            try await Self.withQueue(pool, timeout: .seconds(1)) { queue in
                let others = (0..<3).map { _ in Self.event() }
                // Nothing is committed in time, so all are told to come again.
                await #expect(throws: AppendRefusal.databaseUnavailable) {
                    try await queue.append([Self.event(Self.slow)] + others)
                }
                try await Self.until(pool) { try await Self.count(Self.events, pool) == 3 }
                let outcomes = try await queue.append(others)
                let taken = outcomes.map { outcome in if case .receipt = outcome { true } else { false } }
                #expect(taken == [true, true, true])
                #expect(try await Self.count(Self.events, pool) == 3)
            }
        }
    }

    @Test
    func `while the database takes long over an event others are taken, few as they are`() async throws {
        try await withMigratedDatabase { pool, _ in
            try await pool.withConnection { try await $0.simpleQuery(Self.slowDown) }
            try await Self.withQueue(pool, timeout: .seconds(25)) { queue in
                try await withThrowingTaskGroup(of: Bool.self) { group in
                    group.addTask { (try? await queue.append([Self.event(Self.slow)])) != nil }
                    try await Self.until(pool) { try await Self.count(Self.sleeping, pool) == 1 }
                    // Who comes just when nothing was committed for too long is refused beside the slow one.
                    let other = Self.event()
                    try await Self.until(pool) { (try? await queue.append([other])) != nil }
                    #expect(try await Self.count(Self.sleeping, pool) == 1)
                    // Once it is refused, the time in which it would be tried again is over.
                    let isTaken = try await group.next()
                    #expect(isTaken == false)
                    _ = try await pool.query(Self.wakeSleeping)
                }
            }
            #expect(try await Self.count(Self.events, pool) == 1)
        }
    }
}
