import Testing

@testable import Service

@Suite("CallSpacing")
struct CallSpacingTests {
    /// When calls leave, in microseconds, of which there are always more.
    private func departures(
        _ perSecond: Int,
        from start: Int64,
        until end: Int64,
        _ spacing: inout CallSpacing
    ) -> [Int64] {
        var now = start
        var times: [Int64] = []
        while now < end {
            if spacing.allows(now: now) {
                spacing.take(now: now)
                times.append(now)
            } else {
                let next = spacing.nextAllowed(now: now)
                #expect(next > now)
                now = next
            }
        }
        return times
    }

    @Test(arguments: [1, 2, 5, 20, 50, 200, 3000])
    func `after a quiet second half of the budget leaves at once, the rest evenly, and all of it in time`(
        perSecond: Int
    ) {
        var spacing = CallSpacing(perSecond: perSecond, now: 0)
        let times = departures(perSecond, from: 2_000_000, until: 12_000_000, &spacing)
        #expect(times.count { $0 == 2_000_000 } == max(1, perSecond / 2))
        #expect(abs(times.count - perSecond * 10 - perSecond / 2) <= max(1, perSecond / 10), "\(times.count)")
        let later = times.filter { $0 > 2_000_000 }
        for window in stride(from: Int64(2_000_001), to: 11_000_000, by: 50_000) {
            let count = later.count { $0 >= window && $0 < window + 100_000 }
            #expect(count <= max(1, perSecond / 5) + 1)
        }
    }

    @Test
    func `while calls go on a tenth may catch up, and no more`() {
        var spacing = CallSpacing(perSecond: 50, now: 0)
        _ = departures(50, from: 2_000_000, until: 3_000_000, &spacing)
        let times = departures(50, from: 3_900_000, until: 3_900_001, &spacing)
        #expect(times.count == 5)
        #expect(departures(50, from: 6_000_000, until: 6_000_001, &spacing).count == 25)
    }

    @Test
    func `a clock that stands still or goes back allows no more`() {
        var spacing = CallSpacing(perSecond: 10, now: 1_000_000)
        _ = departures(10, from: 1_000_000, until: 1_000_001, &spacing)
        let allowed = [1_000_000, 500_000, 1_100_000].map { spacing.allows(now: $0) }
        #expect(allowed == [false, false, true])
    }
}
