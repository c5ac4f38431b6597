import Domain
import LibPQ
import Logging
import Testing

/// Sweeps that the database keeps from reading all pages.
@Suite("Broken sweeps", .timeLimit(.minutes(2)))
struct BrokenSweepTests {
    private static let lock: PQStatement = "LOCK TABLE instances IN ACCESS EXCLUSIVE MODE"
    /// The pages that wait for the lock.
    private static let waitingPages: PQStatement = """
        SELECT count(*) AS count
        FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE 'SELECT x.instance, x.instance_id%'
        """
    private static let waitingLocks: PQStatement = """
        SELECT count(*) AS count
        FROM pg_locks
        WHERE relation = 'instances'::regclass AND mode = 'AccessExclusiveLock' AND NOT granted
        """
    private static let killPages: PQStatement = """
        SELECT pg_terminate_backend(pid)
        FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE 'SELECT x.instance, x.instance_id%'
        """

    @Test(arguments: [0, 1])
    func `a sweep that could not read a page is told as far as it got, and the next one is whole`(
        pagesBefore: Int
    ) async throws {
        try await withRunningService { service in
            try await service.add("ana", "bo")
            #expect(try await service.clock("clock-in", "ana", wait: 30).status == 200)
            for agent in ["ana", "bo"] { try await service.until(agent) { $0.condition == "converged" } }
            let answer = try await Self.killingPage(after: pagesBefore, of: service) {
                try await service.send("POST", "/v1/engines/main/sweep?wait=30")
            }
            #expect(answer.status == 202, "\(answer.text)")
            let counts: SweepView = try answer.decoded()
            // Who is on shift is read first.
            #expect(!counts.complete && counts.instances == pagesBefore, "\(answer.text)")
            #expect(try await service.sweep().instances == 2)
        }
    }

    /// Ends the database's process that reads a page, the first or the one after it, while `ask` is on its way.
    private static func killingPage(
        after pages: Int,
        of service: RunningService,
        _ ask: @escaping @Sendable () async throws -> WireResponse
    ) async throws -> WireResponse {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let pool = PQPool(
            PQConfiguration(connectionString: service.databaseURL, maxConnections: 4),
            logger: logger
        )
        let (locked, pageWaits) = (Latch(), Latch())
        let answer = try await withThrowingTaskGroup(of: WireResponse?.self) { group in
            group.addTask {
                await locked.wait()
                return try await ask()
            }
            group.addTask {
                // In line behind the first page, and before the second.
                await pageWaits.wait()
                guard pages > 0 else { return nil }
                try await pool.withTransaction { transaction in
                    try await transaction.run([Self.lock])
                    try await service.until { try await service.count(Self.waitingPages) > 0 }
                    try await transaction.run([Self.killPages])
                }
                return nil
            }
            do {
                // Whatever happens nobody is left waiting.
                defer { for latch in [locked, pageWaits] { latch.open() } }
                try await pool.withTransaction { transaction in
                    try await transaction.run([Self.lock])
                    locked.open()
                    try await service.until { try await service.count(Self.waitingPages) > 0 }
                    guard pages > 0 else { return try await transaction.run([Self.killPages]) }
                    pageWaits.open()
                    try await service.until { try await service.count(Self.waitingLocks) > 0 }
                    return []
                }
            }
            var answer: WireResponse?
            for try await found in group { answer = found ?? answer }
            return answer
        }
        await pool.shutdown()
        return try #require(answer)
    }
}
