import Domain
import LibPQ
import Logging

/// Sweeps that one replica is asked for and another, which acts for the account, does.
///
/// An order is a row, and a notification says that there is one; whoever acts for the account sees it with its next heartbeat,
/// does it, and writes down what came of it. Who cannot do it after all gives it back, to whoever acts for the account by then.
final class SweepOrders: Sendable {
    /// Orders that one replica does at a time; the others wait in the table.
    static let atATime = 8
    /// Between two looks for what came of an order.
    static let pause: Duration = .milliseconds(50)
    /// For how long after the end of the asker's patience an order may still be taken: who waits for nothing wants it, too.
    static let grace: Duration = .seconds(10)
    /// So long before the end of the asker's patience the counts so far are written.
    static let lead: Duration = .milliseconds(300)

    /// What is known of a sweep.
    struct Report: Sendable, Hashable {
        var isComplete = false
        var counts = SweepRun.Counts()
    }

    private let pool: PQPool
    private let logger: Logger
    private let orders: AsyncStream<Int64>
    private let order: AsyncStream<Int64>.Continuation

    init(pool: PQPool, logger: Logger) {
        self.pool = pool
        self.logger = logger
        (orders, order) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(Self.atATime))
    }

    // MARK: Who asks

    /// Orders a sweep from the replica that acts for an account, and waits for it, until the task is cancelled at most.
    ///
    /// What is not done by then is done all the same: the order stays, for ``grace`` where nobody has taken it, unless the task is
    /// cancelled.
    ///
    /// - Returns: what is known by then; `nil` when no living replica acts for the account.
    /// - Throws: when the database fails.
    func ask(_ account: String, wait: Duration) async throws -> Report? {
        let ordered = try await BackgroundTasks.toTheEnd { try await self.order(account, wait: wait) }
        guard let sweep = ordered else { return nil }
        let end = ContinuousClock.now + wait
        var report: Report?
        while report == nil, ContinuousClock.now < end, !Task.isCancelled {
            try? await Task.sleep(for: Self.pause)  // Cancelled: the loop ends with one more look.
            report = try await BackgroundTasks.toTheEnd { try await self.read(sweep) }
        }
        if report != nil || Task.isCancelled {
            try await BackgroundTasks.toTheEnd { try await self.remove(sweep) }
        }
        return report ?? Report()
    }

    /// Returns the order's number; `nil` when no living replica acts for the account.
    private func order(_ account: String, wait: Duration) async throws(PQError) -> Int64? {
        let asked = try await pool.pipeline([
            "DELETE FROM sweep_orders WHERE until < now() - interval '1 minute'",
            """
            INSERT INTO sweep_orders (account, until)
            SELECT e.account, now() + make_interval(secs => \(wait.inSeconds))
            FROM engine_accounts e
            JOIN engine_leases l ON l.account = e.account
            JOIN replicas r ON r.replica = l.holder AND r.expires_at > now()
            WHERE e.name = \(account)
            RETURNING sweep
            """,
            "SELECT pg_notify(\(PostgresReconcilerStore.wakes), '')",
        ])[1]
        guard let row = asked.first else { return nil }
        return try row.column("sweep", as: Int64.self)
    }

    /// Index: `sweep_orders_pkey`.
    private func remove(_ sweep: Int64) async throws(PQError) {
        try await pool.execute("DELETE FROM sweep_orders WHERE sweep = \(sweep)")
    }

    /// Index: `sweep_orders_pkey`.
    private func read(_ sweep: Int64) async throws(PQError) -> Report? {
        try await pool.rows(
            """
            SELECT is_complete, instances, read, unread, drifted, repaired, deferred
            FROM sweep_orders
            WHERE sweep = \(sweep) AND is_complete IS NOT NULL
            """
        ) { row throws(PQError) in
            Report(
                isComplete: try row.column("is_complete", as: Bool.self),
                counts: SweepRun.Counts(
                    instances: Int(try row.column("instances", as: Int32.self)),
                    read: Int(try row.column("read", as: Int32.self)),
                    unread: Int(try row.column("unread", as: Int32.self)),
                    drifted: Int(try row.column("drifted", as: Int32.self)),
                    repaired: Int(try row.column("repaired", as: Int32.self)),
                    deferred: Int(try row.column("deferred", as: Int32.self))
                )
            )
        }.first
    }

    // MARK: Who does

    /// Takes in what a heartbeat found; what is too much is found again by the next.
    func note(_ sweeps: [Int64]) {
        for sweep in sweeps { order.yield(sweep) }
    }

    /// Does what is ordered until the task is cancelled.
    ///
    /// `sweep`: does one, within the wait it is given; `nil` when it cannot. What it cannot do or throws at is for another.
    func run(_ sweep: @escaping @Sendable (_ account: String, _ wait: Duration) async throws -> SweepRun?) async {
        await withDiscardingTaskGroup { group in
            for _ in 0..<Self.atATime {
                group.addTask {
                    for await number in self.orders {
                        do {
                            try await self.carryOut(number, sweep)
                        } catch {
                            self.logger.warning("ordered sweep broken off", metadata: [LogKeys.error: "\(error)"])
                        }
                    }
                }
            }
        }
    }

    /// Takes an order and does it, unless another has it.
    ///
    /// Indexes: `sweep_orders_pkey`, `engine_accounts_pkey`.
    private func carryOut(
        _ number: Int64,
        _ sweep: (_ account: String, _ wait: Duration) async throws -> SweepRun?
    ) async throws {
        let taken = try await pool.query(
            """
            UPDATE sweep_orders o
            SET taken_at = now()
            FROM engine_accounts e
            WHERE o.sweep = \(number) AND o.taken_at IS NULL AND e.account = o.account
            RETURNING e.name, o.taken_at, extract(epoch FROM o.until - now())::double precision AS seconds
            """
        )
        guard !taken.isEmpty else { return }
        let takenAt = try taken[0].column("taken_at", as: Timestamp.self)
        do {
            let left = Duration.seconds(try taken[0].column("seconds", as: Double.self)) - Self.lead
            if let run = try await sweep(try taken[0].column("name", as: String.self), max(left, .zero)) {
                return try await write(number, run)
            }
        } catch {
            await giveBack(number, takenAt: takenAt)
            throw error
        }
        await giveBack(number, takenAt: takenAt)
    }

    /// Lets another do an order, unless it is done, or another took it since.
    ///
    /// Where this fails the order stays undone, and whoever asked hears nothing of it by the end of its wait.
    private func giveBack(_ number: Int64, takenAt: Timestamp) async {
        do {
            _ = try await BackgroundTasks.toTheEnd { [pool] in
                try await pool.execute(
                    """
                    UPDATE sweep_orders
                    SET taken_at = NULL
                    WHERE sweep = \(number) AND taken_at = \(takenAt) AND is_complete IS NULL
                    """
                )
            }
        } catch {
            logger.warning("ordered sweep not given back", metadata: [LogKeys.error: "\(error)"])
        }
    }

    /// Writes down what came of an order.
    private func write(_ number: Int64, _ run: SweepRun) async throws(PQError) {
        let counts = run.counts
        _ = try await pool.execute(
            """
            UPDATE sweep_orders
            SET is_complete = \(run.isOver), instances = \(Int32(clamping: counts.instances)),
                read = \(Int32(clamping: counts.read)), unread = \(Int32(clamping: counts.unread)),
                drifted = \(Int32(clamping: counts.drifted)), repaired = \(Int32(clamping: counts.repaired)),
                deferred = \(Int32(clamping: counts.deferred))
            WHERE sweep = \(number)
            """
        )
    }
}
