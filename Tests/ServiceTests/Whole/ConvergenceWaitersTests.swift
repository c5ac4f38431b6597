import Domain
import EngineSimulator
import Testing

/// How many requests may wait for convergence at a time.
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
}
