import Domain
import LibPQ
import Logging
import Service
import Testing

/// Who gives events to agents holds the map, so that nobody else gives the same ones to others meanwhile.
@Suite("the map's lock", .timeLimit(.minutes(2)))
struct MapLockTests {
    @Test
    func `a parked event that comes due waits for a change of the map`() async throws {
        try await withRunningService { service in
            try await service.addWithoutSession("ana")
            let ahead = rfc3339(in: 4)
            let answer = try await service.send(
                "POST",
                "/v1/agents/ana/clock-in",
                json: #"{"occurred_at":"\#(ahead)"}"#
            )
            #expect(answer.status == 202, "\(answer.text)")
            try await Self.changingMap(of: service) {
                try await service.until { try await Self.isWaiting(service) }
                #expect(try await service.agent("ana").shift == "out")
            }
            try await service.until { try await service.agent("ana").shift == "in" }
        }
    }

    @Test
    func `rebuild waits for a change of the map`() async throws {
        try await withRunningService { service in
            try await service.addWithoutSession("ana")
            let clock = DatabaseClock()
            try await clock.measure(service.owner)
            let pool = PQPool(
                PQConfiguration(connectionString: service.databaseURL, maxConnections: 1),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            )
            let rebuilder = LedgerRebuilder(pool: pool, policy: service.policy, clock: clock)
            let rebuilt = try await Self.changingMap(of: service) {
                let rebuilding = Task { try await rebuilder.run() }
                try await service.until { try await Self.isWaiting(service) }
                return rebuilding
            }
            #expect(try await rebuilt.value == 1)
            await pool.shutdown()
        }
    }

    /// Keeps the map to itself, as a mapping does, for the length of the body.
    private static func changingMap<Value: Sendable>(
        of service: RunningService,
        _ body: () async throws -> Value
    ) async throws -> Value {
        try await service.owner.withTransaction { transaction in
            _ = try await transaction.run(["SELECT pg_advisory_xact_lock(7265, 1)"])
            return try await body()
        }
    }

    private static func isWaiting(_ service: RunningService) async throws -> Bool {
        try await service.count(
            """
            SELECT count(*) AS count
            FROM pg_locks
            WHERE locktype = 'advisory'
              AND classid = 7265
              AND objid = 1
              AND NOT granted
              AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
            """
        ) > 0
    }
}
