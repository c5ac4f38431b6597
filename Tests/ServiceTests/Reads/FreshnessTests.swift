import Domain
import Testing

@Suite("Freshness")
struct FreshnessTests {
    @Test(arguments: [
        (instances: 0, callsPerSecond: 50, onShift: 20, offShift: 60), (1000, 50, 20, 60), (2000, 50, 40, 60),
        (100_000, 50, 2000, 2000), (10, 0, 20, 60),
    ])
    func `intervals stretch to one round of the fleet`(instances: Int, callsPerSecond: Int, onShift: Int, offShift: Int)
    {
        let freshness = Freshness(
            onShift: .seconds(20),
            offShift: .seconds(60),
            instances: instances,
            callsPerSecond: callsPerSecond
        )
        #expect(freshness.onShift == .seconds(onShift))
        #expect(freshness.offShift == .seconds(offShift))
    }

    @Test
    func `a look counts for three intervals, and what was never read never does`() {
        let freshness = Freshness(onShift: .seconds(20), offShift: .seconds(60), instances: 1, callsPerSecond: 50)
        let now = Timestamp(seconds: 1_800_000_000)
        #expect(!freshness.isStale(readAt: now - .seconds(60), desired: .running, now: now))
        #expect(freshness.isStale(readAt: now - .seconds(61), desired: .running, now: now))
        #expect(!freshness.isStale(readAt: now - .seconds(180), desired: .stopped, now: now))
        #expect(freshness.isStale(readAt: now - .seconds(181), desired: .stopped, now: now))
        #expect(freshness.isStale(readAt: nil, desired: .stopped, now: now))
    }

    @Test(arguments: [
        (looks: 1000, count: 1000, onShift: 20_000, offShift: 60_000), (500, 1000, 10_000, 30_000),
        (0, 1000, 200, 200), (1, 1000, 200, 200), (0, 0, 20_000, 60_000), (9, 3, 20_000, 60_000),
    ])
    func `a walk waits after a page for its share of the interval`(
        looks: Int,
        count: Int,
        onShift: Int,
        offShift: Int
    ) {
        let freshness = Freshness(onShift: .seconds(20), offShift: .seconds(60), instances: 1000, callsPerSecond: 50)
        for (desired, milliseconds) in [(RunState.running, onShift), (.stopped, offShift)] {
            let pause = freshness.pause(after: looks, of: count, desired: desired, shortest: .milliseconds(200))
            #expect(pause == .milliseconds(milliseconds))
        }
    }

    @Test(arguments: [(0, 1), (1, 0), (900, 100), (100, 900), (1000, 0), (20_000, 80_000), (3, 4)])
    func `both walks together want no more than the budget, and all of it where they need it`(on: Int, off: Int) {
        for callsPerSecond in [1, 7, 50] {
            let freshness = Freshness(
                onShift: .seconds(20),
                offShift: .seconds(60),
                instances: on + off,
                callsPerSecond: callsPerSecond
            )
            let rates = [(on, RunState.running), (off, .stopped)].map { count, desired in
                let round = freshness.pause(after: count, of: count, desired: desired, shortest: .milliseconds(200))
                return Double(count) / round.inSeconds
            }
            let rate = rates.reduce(0, +)
            #expect(rate <= Double(callsPerSecond) * 1.001)
            if on + off > 60 * callsPerSecond { #expect(rate > Double(callsPerSecond) * 0.98) }
        }
    }
}
