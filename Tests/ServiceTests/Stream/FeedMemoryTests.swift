import Domain
import Testing

@testable import Service

@Suite("FeedMemory")
struct FeedMemoryTests {
    private let now = Timestamp(seconds: 1_800_000_000)

    private func agent(
        _ number: Int64,
        team: String = "t",
        reading: String = "STOPPED"
    ) -> (AgentDetails, AgentStanding) {
        let details = AgentDetails(
            agent: number,
            agentID: "a\(number)",
            name: "",
            team: team,
            timeZone: "UTC",
            createdAt: now,
            generation: 1,
            state: ShiftState(),
            storedDesired: .stopped,
            instance: number,
            account: 1,
            instanceSpec: InstanceSpec(engine: "main", instanceID: "i\(number)"),
            reading: reading,
            readAt: now,
            condition: .converged,
            reason: .stopped,
            since: now
        )
        let freshness = Freshness(onShift: .seconds(20), offShift: .seconds(60), instances: 1, callsPerSecond: 50)
        return (details, details.standing(breakAction: .keep, freshness: freshness, now: now))
    }

    private func complete(_ agents: Int64..., limit: Int = 100) -> FeedMemory {
        var memory = FeedMemory(limit: limit)
        _ = memory.take(agents.map { agent($0) }, isTouched: false)
        _ = memory.endRound()
        return memory
    }

    @Test
    func `the first round tells nothing, since everybody reads a list after it`() {
        var memory = FeedMemory()
        #expect(memory.take([agent(1)], isTouched: false).isEmpty)
        #expect(memory.take([agent(1, reading: "WORKING")], isTouched: true).isEmpty)
        #expect(!memory.isComplete)
        #expect(memory.endRound().isEmpty)
        #expect(memory.isComplete)
    }

    @Test
    func `what did not change is not told`() {
        var memory = complete(1)
        #expect(memory.take([agent(1)], isTouched: true).isEmpty)
        let news = memory.take([agent(1, reading: "WORKING")], isTouched: false)
        #expect(news.map(\.after?.agentID) == ["a1"])
        #expect(memory.take([agent(1, reading: "WORKING")], isTouched: false).isEmpty)
    }

    @Test
    func `who moved is told with where from and where to`() {
        var memory = complete(1)
        let news = memory.take([agent(1, team: "u")], isTouched: false)
        #expect(news.map(\.before?.team) == ["t"])
        #expect(news.map(\.after?.team) == ["u"])
    }

    @Test
    func `who was not met in a whole round is gone, once`() {
        var memory = complete(1, 2)
        _ = memory.take([agent(2)], isTouched: false)
        #expect(memory.endRound().map(\.before?.agentID) == ["a1"])
        _ = memory.take([agent(2)], isTouched: false)
        #expect(memory.endRound().isEmpty)
    }

    @Test
    func `who was touched and is not there is gone at once`() {
        var memory = complete(1, 2)
        #expect(memory.lose([2, 7]).map(\.before?.agentID) == ["a2"])
        #expect(memory.count == 1)
    }

    @Test
    func `beyond its bound it tells what was touched and remembers no more`() {
        var memory = complete(1, limit: 1)
        #expect(memory.take([agent(2)], isTouched: false).isEmpty)
        #expect(memory.take([agent(2)], isTouched: true).map(\.after?.agentID) == ["a2"])
        #expect(memory.count == 1)
    }

    @Test
    func `it counts whom it knows, through every change`() {
        var memory = FeedMemory()
        #expect(memory.groups == nil)
        _ = memory.take([agent(1), agent(2), agent(3, team: "u")], isTouched: false)
        #expect(memory.groups == nil, "the first round is not over")
        _ = memory.endRound()
        #expect(memory.groups?.map(\.team) == ["t", "u"] && memory.groups?.map(\.count) == [2, 1])
        _ = memory.take([agent(1, team: "u")], isTouched: true)
        #expect(memory.groups?.map(\.count) == [1, 2])
        _ = memory.lose([2])
        #expect(memory.groups?.map(\.team) == ["u"])
        _ = memory.endRound()
        _ = memory.take([agent(3, team: "u")], isTouched: false)
        _ = memory.endRound()
        #expect(memory.groups?.map(\.count) == [1])
    }

    @Test
    func `it counts nothing while there are more than it remembers`() {
        var memory = complete(1, 2, limit: 2)
        #expect(memory.groups?.map(\.count) == [2])
        _ = memory.take([agent(1), agent(2), agent(3)], isTouched: false)
        #expect(memory.groups == nil)
        _ = memory.endRound()
        #expect(memory.groups == nil)
        _ = memory.take([agent(1), agent(2)], isTouched: false)
        _ = memory.endRound()
        #expect(memory.groups?.map(\.count) == [2])
    }
}
