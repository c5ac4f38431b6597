import Domain
import LibPQ
import ServiceLifecycle
import Synchronization

/// Requests that wait until an instance is where it should be (`Prefer: wait=N`).
///
/// One statement every ``interval`` reads the conditions of all instances somebody waits for, whichever replica acts for
/// them; nothing runs while nobody waits. Whose time is up is answered beside it, so that a database that hangs keeps nobody
/// longer than asked for.
final class ConvergenceWaiters: Service {
    /// Requests that may wait at a time unless told otherwise.
    static let usualLimit = 1000
    static let interval: Duration = .milliseconds(100)
    /// The longest that one read may take; the next has better luck.
    private static let readTimeout: Duration = .milliseconds(500)

    private struct Waiter {
        var instance: Int64
        var generation: Int64
        var continuation: CheckedContinuation<Bool, Never>
        var deadline: ContinuousClock.Instant
    }

    private struct State {
        var waiters: [Waiter] = []
        var isClosed = false
    }

    private let state = Mutex(State())
    private let arrivals: AsyncStream<Void>
    private let signal: AsyncStream<Void>.Continuation
    private let pool: PQPool
    private let freshness: FreshnessBook
    private let clock: DatabaseClock
    private let limit: Int

    /// `limit`: requests that may wait at a time; one more is answered at once.
    init(pool: PQPool, freshness: FreshnessBook, clock: DatabaseClock, limit: Int) {
        self.pool = pool
        self.freshness = freshness
        self.clock = clock
        self.limit = limit
        (arrivals, signal) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Waits until the receipt's instance has converged.
    ///
    /// - Returns: whether it has; `false` at once when it cannot without a person, or too many wait.
    func wait(for receipt: Receipt, atMost patience: Duration) async -> Bool {
        guard let instance = receipt.instance, let agent = receipt.agent, agent.rule != .hold else { return false }
        return await withCheckedContinuation { continuation in
            let waiter = Waiter(
                instance: instance,
                generation: agent.generation,
                continuation: continuation,
                deadline: ContinuousClock.now + patience
            )
            let isTaken = state.withLock { state in
                guard !state.isClosed, state.waiters.count < self.limit else { return false }
                state.waiters.append(waiter)
                return true
            }
            if isTaken { signal.yield() } else { continuation.resume(returning: false) }
        }
    }

    /// Answers waiters until the service is told to stop; then answers all, and who comes later at once, so that
    /// nobody's patience holds up the end.
    func run() async throws {
        await BackgroundTasks.untilShutdown { await self.answer() }
        let rest = state.withLock { state in
            state.isClosed = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in rest { waiter.continuation.resume(returning: false) }
    }

    private func answer() async {
        for await _ in arrivals {
            while !Task.isCancelled, case let instances = waitedFor(), !instances.isEmpty {
                await BackgroundTasks.run {
                    await self.settleOverdue()
                } until: {
                    // A failed read answers nobody; the deadline does.
                    let standings = (try? await self.standings(of: instances)) ?? [:]
                    self.settle(standings)
                }
                try? await Task.sleep(for: Self.interval)  // Cancelled: the loop ends.
            }
            if Task.isCancelled { break }
        }
    }

    /// Answers whoever's time is up until the task is cancelled: a read whose connection is gone ends later than its time limit.
    private func settleOverdue() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: Self.interval)  // Cancelled: the loop ends.
            settle([:])
        }
    }

    fileprivate struct Standing {
        var condition: Condition
        var generation: Int64
    }

    private func waitedFor() -> [Int64] {
        state.withLock { Array(Set($0.waiters.map(\.instance))) }
    }

    /// How the instances stand as everybody is shown it: what was read too long ago is unknown.
    ///
    /// By the table as it was counted last, since counting may take long. Indexes: the primary keys.
    private func standings(of instances: [Int64]) async throws(PQError) -> [Int64: Standing] {
        let table = freshness.known
        let now = clock.now()
        let rows = try await pool.rows(
            """
            SELECT o.instance, o.condition, o.reason, x.account, s.desired, s.generation,
                greatest(o.read_at, l.looked_at) AS read_at
            FROM observed_states o
            JOIN instances x ON x.instance = o.instance
            JOIN agent_states s ON s.agent = x.agent
            LEFT JOIN looks l ON l.instance = o.instance
            WHERE o.instance = ANY (\(instances))
            """,
            timeout: Self.readTimeout
        ) { row throws(PQError) in
            var standing = Standing(
                condition: Condition(rawValue: try row.column("condition", as: String.self)) ?? .unknown,
                generation: try row.column("generation", as: Int64.self)
            )
            let desired = RunState(code: try row.column("desired", as: Int16.self)) ?? .stopped
            let isStale = table[try row.column("account", as: Int32.self)].isStale(
                readAt: try row.column("read_at", as: Timestamp?.self),
                desired: desired,
                now: now
            )
            // The engine's refusal needs no look to be true.
            if isStale, try row.column("reason", as: String?.self) != Reason.accountRefused.rawValue {
                standing.condition = .unknown
            }
            return (try row.column("instance", as: Int64.self), standing)
        }
        return Dictionary(rows) { first, _ in first }
    }

    private func settle(_ standings: [Int64: Standing]) {
        let now = ContinuousClock.now
        let settled = state.withLock { state in
            var settled: [(CheckedContinuation<Bool, Never>, Bool)] = []
            state.waiters.removeAll { waiter in
                let answer = standings[waiter.instance].flatMap { $0.answer(for: waiter.generation) }
                guard let answer = answer ?? (waiter.deadline <= now ? false : nil) else { return false }
                settled.append((waiter.continuation, answer))
                return true
            }
            return settled
        }
        for (continuation, answer) in settled { continuation.resume(returning: answer) }
    }
}

extension ConvergenceWaiters.Standing {
    /// Whether it has converged; `nil` while it still may.
    fileprivate func answer(for generation: Int64) -> Bool? {
        guard self.generation >= generation else { return nil }
        switch condition {
        case .converged: return true
        case .needsPairing, .needsAttention, .held, .unassigned: return false
        case .starting, .stopping, .drifted, .unknown: return nil
        }
    }
}
