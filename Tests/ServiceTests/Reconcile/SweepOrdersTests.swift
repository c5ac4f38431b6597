import LibPQ
import Logging
import Synchronization
import Testing

@testable import Service

/// Sweeps that one replica is asked for and another does.
@Suite("SweepOrders", .timeLimit(.minutes(2)))
struct SweepOrdersTests {
    /// Why whoever took an order does not do it.
    enum Failure: CaseIterable {
        case leaseMoved, error, stopped
    }

    private struct Broken: Error {}

    private static let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    private static func until(_ pool: PQPool, _ statement: PQStatement) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while try await pool.query(statement).isEmpty {
            try #require(ContinuousClock.now < deadline, "it did not come to pass")
            _ = try await pool.query("SELECT pg_sleep(0.03)")
        }
    }

    @Test(arguments: Failure.allCases)
    func `an order that cannot be done is done by the next holder`(failure: Failure) async throws {
        try await withMigratedDatabase { pool, _ in
            try await Registry(pool: pool).accounts(["main"])
            let sweep = try await pool.query(
                """
                INSERT INTO sweep_orders (account, until)
                SELECT account, now() + interval '1 minute' FROM engine_accounts
                RETURNING sweep
                """
            )[0].column("sweep", as: Int64.self)
            try await withThrowingTaskGroup(of: Void.self) { group in
                let (holder, taken) = (SweepOrders(pool: pool, logger: Self.logger), Latch())
                holder.note([sweep])
                group.addTask {
                    await holder.run { _, wait in
                        taken.open()
                        switch failure {
                        case .leaseMoved: return nil
                        case .error: throw Broken()
                        case .stopped:
                            try await Task.sleep(for: wait)
                            return nil
                        }
                    }
                }
                await taken.wait()
                if failure == .stopped { group.cancelAll() }
                try await Self.until(pool, "SELECT sweep FROM sweep_orders WHERE taken_at IS NULL")
                group.cancelAll()
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                let next = SweepOrders(pool: pool, logger: Self.logger)
                next.note([sweep])
                group.addTask {
                    await next.run { _, _ in
                        let run = SweepRun()
                        run.allExpected()
                        return run
                    }
                }
                try await Self.until(pool, "SELECT sweep FROM sweep_orders WHERE is_complete AND taken_at IS NOT NULL")
                group.cancelAll()
            }
        }
    }

    /// Makes an account, and a replica that acts for it.
    private static func addHolder(_ pool: PQPool) async throws {
        try await Registry(pool: pool).accounts(["main"])
        _ = try await pool.pipeline([
            """
            INSERT INTO replicas (replica, seen_at, expires_at, release)
            VALUES ('0b1e7a52-4c1f-4a53-9d3a-1f5b6c7d8e9f', now(), now() + interval '1 minute', 'test')
            """,
            """
            INSERT INTO engine_leases (account, holder, term)
            SELECT account, '0b1e7a52-4c1f-4a53-9d3a-1f5b6c7d8e9f', 1 FROM engine_accounts
            ON CONFLICT (account) DO UPDATE SET holder = excluded.holder
            """,
        ])
    }

    @Test
    func `an order that its asker does not wait for stays, and is done without a wait`() async throws {
        try await withMigratedDatabase { pool, _ in
            try await Self.addHolder(pool)
            let asker = SweepOrders(pool: pool, logger: Self.logger)
            #expect(try await asker.ask("main", wait: .zero) == SweepOrders.Report())
            let orders = try await pool.query("SELECT sweep FROM sweep_orders WHERE taken_at IS NULL")
            let sweep = try orders[0].column("sweep", as: Int64.self)
            try await withThrowingTaskGroup(of: Void.self) { group in
                let holder = SweepOrders(pool: pool, logger: Self.logger)
                let waits = Mutex<[Duration]>([])
                holder.note([sweep])
                group.addTask {
                    await holder.run { _, wait in
                        waits.withLock { $0.append(wait) }
                        return SweepRun()
                    }
                }
                try await Self.until(pool, "SELECT sweep FROM sweep_orders WHERE is_complete IS NOT NULL")
                #expect(waits.withLock { $0 } == [.zero])
                group.cancelAll()
            }
        }
    }

    @Test
    func `who asks and is told to stop hears what is known, and leaves no order`() async throws {
        try await withMigratedDatabase { pool, _ in
            try await Self.addHolder(pool)
            let orders = SweepOrders(pool: pool, logger: Self.logger)
            let report: SweepOrders.Report? = try await withThrowingTaskGroup(of: SweepOrders.Report?.self) { group in
                group.addTask { try await orders.ask("main", wait: .seconds(600)) }
                try await Self.until(pool, "SELECT sweep FROM sweep_orders")
                group.cancelAll()
                return try await group.next() ?? nil
            }
            #expect(report == SweepOrders.Report())
            #expect(try await pool.query("SELECT sweep FROM sweep_orders").isEmpty)
        }
    }
}
