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

    @Test(
        arguments: [SessionReading.status(.suspect), .status(.unknown("PASSKEY_REQUIRED"))],
        [RestartGate.stormLimit - 1, RestartGate.stormLimit]
    )
    func `many that may be dead, or are in a state that nobody knows, are one incident until they work; fewer are none`(
        reading: SessionReading,
        count: Int
    ) {
        let kind: IncidentKind = reading == .status(.suspect) ? .sessionsSuspect : .wordsUnknown
        var fleet = FailingFleet(1...Int64(count), .status(.working), since: start - .seconds(3600))
        var told: [AlikeLine.News] = []
        for step in 0...60 {
            let now = start + .seconds(step * 10)
            told += fleet.alike.take(fleet.pass(step < 30 ? reading : .status(.working), at: now), now: now)
        }
        let both = [true, false].map { AlikeLine.News(kind: kind, isMany: $0) }
        #expect(told == (count < RestartGate.stormLimit ? [] : both))
    }

    /// Passes over sessions that work for a moment after each start and go down by themselves.
    private func fall(_ fleet: inout FailingFleet, at now: Timestamp) -> [Plan] {
        fleet.pass(.status(fleet.reasons.contains(.wentDown) ? .working : .stopped), at: now)
    }

    @Test
    func `many that go down again and again are one incident, through every start, until they have worked a while`() {
        var fleet = FailingFleet(1...limit, .status(.working), since: start - .seconds(3600))
        var told: [AlikeLine.News] = []
        var reasons: Set<Reason> = []
        for step in 0...360 {
            let now = start + .seconds(step * 10)
            told += fleet.alike.take(fall(&fleet, at: now), now: now)
            reasons.formUnion(fleet.reasons)
        }
        #expect(told == [.init(kind: .sessionsKeepFalling, isMany: true)], "an hour of falls and starts")
        #expect(reasons.isSuperset(of: [.keepsFalling, .wentDown, .working]), "\(reasons)")
        for step in 361...420 {
            let now = start + .seconds(step * 10)
            told += fleet.alike.take(fleet.pass(.status(.working), at: now), now: now)
        }
        #expect(told.map(\.isMany) == [true, false])
    }

    @Test
    func
        `who takes over while many that keep falling are up goes on until they could fall no more`()
    {
        let line = AlikeLine()
        line.begin(open: [.sessionsKeepFalling])
        for session in 1...limit { line.meet(session, upSince: start, now: start + .seconds(60)) }
        var ended: Timestamp?
        for step in 6...60 {
            let now = start + .seconds(step * 10)
            if line.take([], now: now).contains(.init(kind: .sessionsKeepFalling, isMany: false)) { ended = now }
        }
        let over = start + RestartGate.window
        #expect(
            ended.map { $0 >= over && $0 <= over + RestartGate.usualCalm + .seconds(10) } == true,
            "\(ended as Any)"
        )
    }

    @Test
    func `who began long ago to go down again and again is no news with every fall`() {
        let line = AlikeLine()
        var fleets: [FailingFleet] = []
        var told: [AlikeLine.News] = []
        for step in 0...720 {
            let now = start + .seconds(step * 10)
            // One more each seven minutes.
            if step % 42 == 0 {
                fleets.append(FailingFleet(Int64(step)...Int64(step), .status(.working), since: now - .seconds(10)))
            }
            var plans: [Plan] = []
            for index in fleets.indices { plans += fall(&fleets[index], at: now) }
            told += line.take(plans, now: now)
        }
        #expect(fleets.count > RestartGate.stormLimit && told.isEmpty, "\(told)")
        #expect(fleets.contains { $0.reasons == [.keepsFalling] })
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
