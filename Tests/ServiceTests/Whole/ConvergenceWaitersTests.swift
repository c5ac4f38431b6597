import Domain
import EngineSimulator
import LibPQ
import Testing

@testable import Service

/// How many requests may wait for convergence at a time, and for how long.
@Suite("ConvergenceWaiters", .timeLimit(.minutes(3)))
struct ConvergenceWaitersTests {
    @Test
    func `who comes while as many wait as may is answered at once, and whoever waits as ever`() async throws {
        try await withRunningService {
            $0.waitingLimit = 1
        } _: { service in
            let agents = ["ana", "ben"]
            for agent in agents {
                try await service.add(agent)
                try await service.until(agent) { $0.condition == "converged" }
            }
            // What cannot be read proves nothing, so neither is answered for that.
            try await service.engine.fault(.error, on: [.info])
            let began = ContinuousClock.now
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for agent in agents { group.addTask { try await service.clock("clock-in", agent, wait: 60).status } }
                let first = try await group.next()
                #expect(ContinuousClock.now - began < .seconds(50), "its minute was not over")
                try await service.engine.mend()
                let second = try await group.next()
                return [first, second]
            }
            #expect(statuses == [202, 200])
        }
    }

    @Test
    func `who waits has an answer in time while the database does not`() async throws {
        try await withMigratedDatabase { pool, _ in
            let waiters = ConvergenceWaiters(
                pool: pool,
                freshness: FreshnessBook(pool: pool, sweep: SweepPolicy(), callsPerSecond: [:]),
                clock: DatabaseClock(),
                limit: 2
            )
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await waiters.run() }
                try await pool.withTransaction { transaction in
                    _ = try await transaction.run(["LOCK TABLE instances IN ACCESS EXCLUSIVE MODE"])
                    let began = ContinuousClock.now
                    let hasConverged = await waiters.wait(for: Self.receipt, atMost: .seconds(1))
                    #expect(!hasConverged)
                    // A second more at most, and as much again for a busy machine.
                    #expect(ContinuousClock.now - began < .seconds(3))
                }
                group.cancelAll()
            }
        }
    }

    /// Of an event whose agent has an instance.
    private static var receipt: Receipt {
        let now = Timestamp(seconds: 1_800_000_000)
        return Receipt(
            eventID: "e1",
            agentID: "ana",
            kind: .clockIn,
            occurredAt: now,
            receivedAt: now,
            sequence: 1,
            isReplay: false,
            effect: .applied,
            agent: AgentFacts(
                agent: 1,
                generation: 1,
                state: ShiftState(),
                desired: .running,
                rule: .shift,
                isLeaving: false
            ),
            instance: 1,
            warnings: []
        )
    }
}
