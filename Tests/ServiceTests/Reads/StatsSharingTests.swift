import Domain
import LibPQ
import Logging
import Synchronization
import Testing

@testable import Service

/// Many who look at the figures of one day at once.
@Suite("Stats sharing", .timeLimit(.minutes(2)))
struct StatsSharingTests {
    private static let question = StatsReads.Question(
        teams: nil,
        from: Timestamp(seconds: 1_800_000_000),
        to: Timestamp(seconds: 1_800_086_400)
    )

    /// Figures that are read from a table that somebody keeps locked for as long as the body lasts.
    private func withLockedTable(
        _ body: @escaping @Sendable (_ reads: StatsReads, _ owner: PQPool) async throws -> Void,
        then rest: @escaping @Sendable () async throws -> Void
    ) async throws {
        try await withMigratedDatabase { owner, connectionString in
            let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
            let pool = PQPool(PQConfiguration(connectionString: connectionString, maxConnections: 8), logger: logger)
            let freshness = FreshnessBook(pool: pool, sweep: SweepPolicy(), callsPerSecond: [:])
            let reads = StatsReads(pool: pool, freshness: freshness)
            do {
                try await owner.withTransaction { transaction in
                    try await transaction.run(["LOCK TABLE commands IN ACCESS EXCLUSIVE MODE"])
                    try await body(reads, owner)
                }
                try await rest()
            } catch {
                await pool.shutdown()
                throw error
            }
            await pool.shutdown()
        }
    }

    /// Waits until so many wait for another's read, and one read waits for the lock.
    private func wait(for waiting: Int, _ reads: StatsReads, _ owner: PQPool) async throws {
        let deadline = ContinuousClock.now + .seconds(20)
        while true {
            let isBlocked = try await blocked(owner) == 1
            if isBlocked, reads.waiting == waiting { return }
            try #require(ContinuousClock.now < deadline, "\(reads.waiting) wait")
            _ = try await owner.query("SELECT pg_sleep(0.02)")
        }
    }

    /// How many statements wait for a lock in this database.
    private func blocked(_ owner: PQPool) async throws -> Int64 {
        let found = try await owner.query(
            """
            SELECT count(*) AS count
            FROM pg_stat_activity a
            WHERE a.datname = current_database()
              AND a.wait_event_type = 'Lock'
            """
        )
        return try found[0].column("count", as: Int64.self)
    }

    @Test
    func `many who ask the same at once cost one read`() async throws {
        let answers = Askers()
        try await withLockedTable { reads, owner in
            answers.ask(8, reads)
            try await wait(for: 7, reads, owner)
        } then: {
            let ends = await answers.ends()
            #expect(ends.count == 8 && ends.allSatisfy { $0 })
        }
    }

    @Test
    func `where the read fails all of them hear of it, and none reads for itself`() async throws {
        let answers = Askers()
        try await withLockedTable { reads, owner in
            answers.ask(8, reads)
            try await wait(for: 7, reads, owner)
            _ = try await owner.query(
                """
                SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
                """
            )
            let ends = await answers.ends()
            #expect(ends.count == 8 && !ends.contains(true))
            #expect(try await blocked(owner) == 0 && reads.waiting == 0)
        } then: {
        }
    }

    @Test
    func `where who reads hangs up, another reads on`() async throws {
        let first = Askers()
        let others = Askers()
        try await withLockedTable { reads, owner in
            first.ask(1, reads)
            try await wait(for: 0, reads, owner)
            others.ask(3, reads)
            try await wait(for: 3, reads, owner)
            first.hangUp()
            #expect(await first.ends() == [false])
            try await wait(for: 2, reads, owner)
        } then: {
            #expect(await others.ends() == [true, true, true])
        }
    }

    @Test
    func `an answer is given again for 15 seconds, also of a time that is long over`() async throws {
        try await withMigratedDatabase { owner, _ in
            let start = ContinuousClock.now
            let passed = Mutex(Duration.zero)
            let freshness = FreshnessBook(pool: owner, sweep: SweepPolicy(), callsPerSecond: [:])
            let reads = StatsReads(pool: owner, freshness: freshness) { start + passed.withLock { $0 } }
            let first = try await reads.stats(Self.question).countedAt
            passed.withLock { $0 = .seconds(15) }
            #expect(try await reads.stats(Self.question).countedAt == first)
            passed.withLock { $0 = .seconds(16) }
            #expect(try await reads.stats(Self.question).countedAt > first)
        }
    }

    /// Some who ask the same, each for itself.
    private final class Askers: Sendable {
        private let tasks = Mutex<[Task<Bool, Never>]>([])

        func ask(_ number: Int, _ reads: StatsReads) {
            tasks.withLock { tasks in
                for _ in 0..<number {
                    tasks.append(
                        Task {
                            do {
                                _ = try await reads.stats(StatsSharingTests.question)
                                return true
                            } catch {
                                return false
                            }
                        }
                    )
                }
            }
        }

        func hangUp() {
            for task in tasks.withLock({ $0 }) { task.cancel() }
        }

        /// Whether each got an answer.
        func ends() async -> [Bool] {
            var ends: [Bool] = []
            for task in tasks.withLock({ $0 }) { ends.append(await task.value) }
            return ends
        }
    }
}
