import Domain
import Testing

@testable import Service

@Suite("AlikeLine")
struct AlikeLineTests {
    private let start = Timestamp(seconds: 1_800_000_000)
    private let limit = Int64(RestartGate.stormLimit)

    @Test
    func `many starts that are refused are one incident from the first refusals on, through every try`() {
        // They were down for hours before anybody wanted them to run.
        var fleet = FailingFleet(1...limit, .status(.stopped), since: start - .seconds(36_000))
        var told: [AlikeLine.News] = []
        var reasons: Set<Reason> = []
        for step in 0...360 {
            let now = start + .seconds(step * 10)
            told += fleet.alike.take(fleet.pass(.status(.stopped), .permanent, at: now), now: now)
            reasons.formUnion(fleet.reasons)
            if step == 1 { #expect(told == [.init(kind: .commandsRefused, isMany: true)]) }
        }
        #expect(told.count == 1, "an hour of tries and refusals")
        #expect(reasons.isSuperset(of: [.startRefused, .shouldRun]), "\(reasons)")
        for step in 361...370 {
            let now = start + .seconds(step * 10)
            told += fleet.alike.take(fleet.pass(.status(.working), at: now), now: now)
        }
        #expect(told.map(\.isMany) == [true, false])
    }

    @Test
    func `who needs somebody for another reason by now is refused nothing any more`() {
        var fleet = FailingFleet(1...limit, .status(.stopped), since: start)
        var told: [AlikeLine.News] = []
        for step in 0...20 {
            let now = start + .seconds(step * 10)
            let isRefused = step < 3
            let plans = fleet.pass(.status(isRefused ? .stopped : .scanQRCode), isRefused ? .permanent : .ok, at: now)
            told += fleet.alike.take(plans, now: now)
        }
        #expect(told.contains(.init(kind: .commandsRefused, isMany: false)))
        #expect(!told.contains(.init(kind: .sessionsLoggedOut, isMany: false)))
    }

    @Test
    func `who was refused long ago is no news with every try`() {
        let line = AlikeLine()
        var fleets: [FailingFleet] = []
        var told: [AlikeLine.News] = []
        for step in 0...720 {
            let now = start + .seconds(step * 10)
            // One more each seven minutes.
            if step % 42 == 0 { fleets.append(FailingFleet(Int64(step)...Int64(step), .status(.stopped), since: now)) }
            let plans = fleets.indices.flatMap { fleets[$0].pass(.status(.stopped), .permanent, at: now) }
            told += line.take(plans, now: now)
        }
        #expect(fleets.count > RestartGate.stormLimit && told.isEmpty, "\(told)")
    }

    @Test
    func `refusals that are long apart are no incident, also for who takes over`() {
        for (since, isMany) in [(RestartGate.window, false), (RestartGate.window - .seconds(1), true)] {
            let line = AlikeLine()
            line.begin(open: [])
            for instance in 1...limit {
                line.meet(
                    instance,
                    reason: instance % 2 == 0 ? .startRefused : .stopRefused,
                    readingSince: start,
                    attentionSince: start - since,
                    now: start
                )
            }
            let news: [AlikeLine.News] = isMany ? [.init(kind: .commandsRefused, isMany: true)] : []
            #expect(line.take([], now: start) == news)
        }
    }
}
