import Domain
import LibPQ
import Synchronization

/// Requests that wait until an instance is where it should be (`Prefer: wait=N`).
///
/// One statement every ``interval`` reads the conditions of all instances somebody waits for, whichever replica acts for
/// them; nothing runs while nobody waits.
final class ConvergenceWaiters: Sendable {
    /// Requests that may wait at a time; one more is answered at once.
    static let limit = 1000
    static let interval: Duration = .milliseconds(100)

    private struct Waiter {
        var instance: Int64
        var generation: Int64
        var continuation: CheckedContinuation<Bool, Never>
        var deadline: ContinuousClock.Instant
    }

    private let waiting = Mutex<[Waiter]>([])
    private let arrivals: AsyncStream<Void>
    private let signal: AsyncStream<Void>.Continuation
    private let pool: PQPool

    init(pool: PQPool) {
        self.pool = pool
        (arrivals, signal) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Waits until the receipt's instance has converged.
    ///
    /// - Returns: whether it has; `false` at once when it cannot without a person, or too many wait.
    func wait(for receipt: Receipt, atMost limit: Duration) async -> Bool {
        guard let instance = receipt.instance, let agent = receipt.agent, agent.rule != .hold else { return false }
        return await withCheckedContinuation { continuation in
            let waiter = Waiter(
                instance: instance,
                generation: agent.generation,
                continuation: continuation,
                deadline: ContinuousClock.now + limit
            )
            let isTaken = waiting.withLock { waiting in
                guard waiting.count < Self.limit else { return false }
                waiting.append(waiter)
                return true
            }
            if isTaken { signal.yield() } else { continuation.resume(returning: false) }
        }
    }

    /// Answers waiters until the task is cancelled; then answers all.
    func run() async {
        for await _ in arrivals {
            while !Task.isCancelled, case let instances = waitedFor(), !instances.isEmpty {
                // A failed read answers nobody; the deadline does.
                let standings = (try? await standings(of: instances)) ?? [:]
                settle(standings)
                try? await Task.sleep(for: Self.interval)  // Cancelled: the loop ends.
            }
            if Task.isCancelled { break }
        }
        let rest = waiting.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
        for waiter in rest { waiter.continuation.resume(returning: false) }
    }

    fileprivate struct Standing {
        var condition: Condition
        var generation: Int64
    }

    private func waitedFor() -> [Int64] {
        waiting.withLock { Array(Set($0.map(\.instance))) }
    }

    private func standings(of instances: [Int64]) async throws(PQError) -> [Int64: Standing] {
        let rows = try await pool.rows(
            """
            SELECT o.instance, o.condition, s.generation
            FROM observed_states o
            JOIN instances x ON x.instance = o.instance
            JOIN agent_states s ON s.agent = x.agent
            WHERE o.instance = ANY (\(instances))
            """
        ) { row throws(PQError) in
            let standing = Standing(
                condition: Condition(rawValue: try row.column("condition", as: String.self)) ?? .unknown,
                generation: try row.column("generation", as: Int64.self)
            )
            return (try row.column("instance", as: Int64.self), standing)
        }
        return Dictionary(rows) { first, _ in first }
    }

    private func settle(_ standings: [Int64: Standing]) {
        let now = ContinuousClock.now
        let settled = waiting.withLock { waiting in
            var settled: [(CheckedContinuation<Bool, Never>, Bool)] = []
            waiting.removeAll { waiter in
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
