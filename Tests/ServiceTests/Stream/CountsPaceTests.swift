import Domain
import NIOCore
import Testing

@testable import Service

@Suite("CountsPace")
struct CountsPaceTests {
    private let begun = ContinuousClock.now

    private func summary(_ count: Int, at seconds: Int64) -> Summary {
        let group = Summary.Group(team: "t", shift: .in, desired: .running, condition: .converged, count: count)
        return Summary(groups: [group], asOf: Timestamp(seconds: 1_800_000_000 + seconds))
    }

    @Test
    func `the first counts are known and not told`() {
        var pace = CountsPace()
        #expect(pace.isDue(hasChanged: false, watchers: 200, now: begun))
        #expect(pace.take(summary(1, at: 0), now: begun) == nil)
        #expect(pace.latest == summary(1, at: 0))
    }

    @Test
    func `a change is told soon, and many changes not more often than that`() {
        var pace = CountsPace()
        _ = pace.take(summary(1, at: 0), now: begun)
        var told = 0
        for tick in 0..<100 {
            let now = begun + .milliseconds(10 * tick)
            guard pace.isDue(hasChanged: true, watchers: 200, now: now) else { continue }
            told += pace.take(summary(2 + tick, at: 1), now: now) == nil ? 0 : 1
        }
        #expect(told == 4)
        #expect(CountsPace.interval < .milliseconds(500) - ChangeFeed.interval)
    }

    @Test
    func `counts that stay the same are told again as counted anew, once a newer count found them`() {
        var pace = CountsPace()
        _ = pace.take(summary(1, at: 0), now: begun)
        #expect(!pace.isDue(hasChanged: false, watchers: 200, now: begun + .seconds(9)))
        let late = begun + CountsPace.renewal
        #expect(pace.isDue(hasChanged: false, watchers: 200, now: late))
        #expect(pace.take(summary(1, at: 0), now: late) == nil, "it is the same count")
        #expect(pace.take(summary(1, at: 9), now: late) == summary(1, at: 9))
        #expect(!pace.isDue(hasChanged: false, watchers: 200, now: late + .seconds(1)))
    }

    private func summary(teams: Int, at seconds: Int64) -> Summary {
        let groups = (0..<teams).flatMap { team in
            Condition.allCases.map { condition in
                Summary.Group(
                    team: "customer-care-\(team)",
                    shift: .in,
                    desired: .running,
                    condition: condition,
                    count: 100 + Int(seconds)
                )
            }
        }
        return Summary(groups: groups, asOf: Timestamp(seconds: 1_800_000_000 + seconds))
    }

    @Test
    func `counts of 20 teams come to 200 watchers as soon as to one`() {
        #expect(CountsPace.spacing(teams: 20, watchers: 200) == CountsPace.interval)
        var bytes = ByteBuffer()
        summary(teams: 20, at: 0).write(to: &bytes)
        #expect(bytes.readableBytes < 21 * CountsPace.teamSize, "a team takes no more than is reckoned with")
    }

    @Test
    func `counts of very many teams come to many watchers less often, and every two seconds at the least`() {
        var pace = CountsPace()
        _ = pace.take(summary(teams: 200, at: 0), now: begun)
        let soon = begun + CountsPace.interval
        #expect(pace.isDue(hasChanged: true, watchers: 1, now: soon))
        #expect(!pace.isDue(hasChanged: true, watchers: 200, now: soon))
        #expect(pace.isDue(hasChanged: true, watchers: 1000, now: begun + .seconds(2)))
        #expect(CountsPace.spacing(teams: 100_000, watchers: ChangeFeed.subscriberLimit) == .seconds(2))
    }

    @Test
    func `counts do not go back in time, whoever counted`() {
        var pace = CountsPace()
        _ = pace.take(summary(1, at: 5), now: begun)
        #expect(pace.take(summary(2, at: 4), now: begun + .seconds(1)) == nil)
        #expect(pace.latest == summary(1, at: 5))
        #expect(pace.take(summary(2, at: 5), now: begun + .seconds(1)) == summary(2, at: 5))
    }
}
