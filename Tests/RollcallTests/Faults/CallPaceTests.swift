import TestSupport
import Testing

/// The judge of budget and order, on logs in which something is planted.
@Suite("Call pace")
struct CallPaceTests {
    private func call(_ operation: String, _ instance: String, _ received: Int64) -> CallPace.Call {
        CallPace.Call(instance: instance, operation: operation, receivedAt: received, answeredAt: received + 1)
    }

    @Test
    func `the most calls in any second are found, wherever the second begins`() {
        var times: [Int64] = [0, 400_000, 900_000, 1_000_000, 1_399_999, 1_400_000, 2_500_000]
        #expect(CallPace(times.map { call("info", "a", $0) }).most(within: CallPace.second) == 4)
        times.append(1_380_000)
        #expect(CallPace(times.map { call("info", "a", $0) }).most(within: CallPace.second) == 5)
        #expect(CallPace([]).most(within: CallPace.second) == 0)
    }

    @Test
    func `a look that leaves while a person's command waits is found, and what leaves before and after is not`() {
        let pace = CallPace([
            call("info", "x", 900_000), call("start", "b", 2_000_000), call("info", "y", 2_500_000),
            call("start", "a", 4_000_000), call("info", "a", 4_500_000),
        ])
        let waits = pace.waits(answeredAt: ["a": 1_000_000, "b": 1_000_000, "c": 1_000_000], known: 500_000)
        #expect(Set(waits.map(\.instance)) == ["a", "b"])
        #expect(pace.overtaking(waits, unless: \.isCommand).map(\.instance) == ["y"])
        #expect(pace.overtaking(waits) { _ in false }.map(\.instance) == ["b", "y"])
    }

    @Test
    func `a repair that leaves while a person's command waits is found, though it is a command`() {
        let pace = CallPace([
            call("info", "x", 1_000_000), call("start", "b", 2_000_000), call("start", "x", 2_500_000),
            call("start", "a", 4_000_000), call("start", "y", 4_500_000),
        ])
        let waits = pace.waits(answeredAt: ["a": 1_000_000, "b": 1_000_000], known: 500_000)
        let drifted: Set<String> = ["x", "y"]
        let overtaking = pace.overtaking(waits) { $0.isCommand && !drifted.contains($0.instance) }
        #expect(overtaking.map(\.instance) == ["x"])
    }

    @Test
    func `a look that leaves while a repair waits is found`() {
        let pace = CallPace([
            call("start", "a", 100_000), call("info", "a", 1_000_000), call("info", "x", 1_200_000),
            call("info", "y", 2_000_000), call("start", "a", 3_000_000), call("info", "a", 4_000_000),
        ])
        let waits = pace.repairWaits(of: ["a"], since: 500_000, known: 500_000)
        #expect(waits.map(\.from) == [1_500_001])
        #expect(pace.overtaking(waits, unless: \.isCommand).map(\.instance) == ["y"])
    }
}
