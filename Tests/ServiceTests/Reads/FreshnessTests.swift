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
}
