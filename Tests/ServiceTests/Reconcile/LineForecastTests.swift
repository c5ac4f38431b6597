import Domain
import Testing

@testable import Service

@Suite("predictedFinish")
struct LineForecastTests {
    private let now = Timestamp(seconds: 1_800_000_000)

    /// Seconds until it is done.
    private func finish(_ scene: Scene) -> Double? {
        predictedFinish(
            AskedWork(
                sessions: scene.sessions,
                lastAnsweredAt: scene.answeredAgo.map { now - .milliseconds(Int64($0)) }
            ),
            scene.load,
            scene.pace,
            width: scene.width,
            delay: .seconds(1),
            now: now
        ).map { ($0 - now).inSeconds }
    }

    private struct Scene {
        var sessions = 0
        var answeredAgo: Int?
        var load = LineLoad(callsPerSecond: 50)
        var pace = LinePace()
        var width = 16
    }

    @Test
    func `nothing under way has no end`() {
        #expect(finish(Scene(load: LineLoad(counts: LineCounts(repair: 5, sweep: 900), callsPerSecond: 5))) == nil)
    }

    @Test
    func `a long line takes its commands and its looks, by the budget`() {
        var scene = Scene(sessions: 10_000, load: LineLoad(counts: LineCounts(people: 10_000), callsPerSecond: 200))
        #expect(finish(scene) == 100)
        scene.load.counts.people = 0
        #expect(finish(scene) == 50, "only looks are left")
        scene.load.counts.repair = 1000
        #expect(finish(scene) == 55, "repairs go before looks")
        scene.load.counts.sweep = 100_000
        #expect(finish(scene) == 55, "sweeps do not")
    }

    @Test
    func `a single start takes as long as its session does`() {
        var scene = Scene(sessions: 1, load: LineLoad(counts: LineCounts(people: 1), callsPerSecond: 50))
        scene.pace = LinePace(command: .milliseconds(200), look: .milliseconds(100), settling: .seconds(4))
        let whole = finish(scene) ?? 0
        // A call of 0.2 s keeps its place in the budget for 1.2 s.
        #expect(abs(whole - 4.324) < 0.001)
        scene.load.counts.people = 0
        scene.answeredAgo = 3000
        #expect(abs((finish(scene) ?? 0) - 1.1) < 0.001, "what has passed is passed")
    }

    @Test
    func `slow calls or what left lately bound the rate, and the budget bounds both`() {
        var scene = Scene(
            sessions: 100,
            load: LineLoad(counts: LineCounts(people: 100), callsPerSecond: 1000),
            width: 10
        )
        scene.pace.command = .seconds(2)
        #expect((finish(scene) ?? 0) > 20)
        scene.pace.callsPerSecond = 2000
        #expect((finish(scene) ?? 0) < 4)
        scene.load.callsPerSecond = 10
        #expect((finish(scene) ?? 0) >= 20)
    }

    @Test
    func `looks that come before their session is up are made again, but not in a long line`() {
        var scene = Scene(sessions: 100, answeredAgo: 0, load: LineLoad(callsPerSecond: 100))
        scene.pace.settling = .seconds(4)
        scene.pace.looksPerCommand = 4
        #expect(finish(scene) == 4)
        scene.sessions = 1000
        #expect(finish(scene) == 10)
        scene.pace.settling = .seconds(14)
        #expect(finish(scene) == 14)
        scene.answeredAgo = 5000
        #expect(finish(scene) == 10, "what has come up meanwhile is looked at once")
    }

    @Test(arguments: 0..<40)
    func `it is monotone in every count, not before now, and not before the budget allows`(seed: UInt64) throws {
        var numbers = SeededNumbers(seed: seed)
        for _ in 0..<250 {
            var scene = Scene()
            scene.sessions = Int.random(in: 1...3000, using: &numbers)
            scene.load = LineLoad(
                counts: LineCounts(
                    people: Int.random(in: 0...3000, using: &numbers),
                    repair: Int.random(in: 0...300, using: &numbers),
                    look: Int.random(in: 0...3000, using: &numbers),
                    sweep: Int.random(in: 0...3000, using: &numbers)
                ),
                callsPerSecond: Int.random(in: 1...500, using: &numbers)
            )
            scene.pace = LinePace(
                command: .milliseconds(Int64.random(in: 0...4000, using: &numbers)),
                look: .milliseconds(Int64.random(in: 0...4000, using: &numbers)),
                settling: .milliseconds(Int64.random(in: 0...60_000, using: &numbers)),
                looksPerCommand: Double.random(in: 0...9, using: &numbers),
                callsPerSecond: Bool.random(using: &numbers) ? Double.random(in: 0...900, using: &numbers) : nil
            )
            scene.width = Int.random(in: 1...64, using: &numbers)
            scene.answeredAgo = Bool.random(using: &numbers) ? Int.random(in: 0...60_000, using: &numbers) : nil
            let time = try #require(finish(scene))
            let counts = scene.load.counts
            let calls = counts.people + counts.repair + max(scene.sessions, counts.people)
            #expect(time >= Double(calls) / Double(scene.load.callsPerSecond) - 0.001, "\(scene)")
            for more in [\LineCounts.people, \.repair, \.look, \.sweep] {
                var longer = scene
                longer.load.counts[keyPath: more] += Int.random(in: 1...500, using: &numbers)
                #expect(try #require(finish(longer)) >= time - 0.001, "\(scene) \(longer)")
            }
            var longer = scene
            longer.sessions += Int.random(in: 1...500, using: &numbers)
            #expect(try #require(finish(longer)) >= time - 0.001, "\(scene) \(longer)")
        }
    }

    @Test
    func `only what changed is news`() {
        let said = LineForecast(asked: 1, counts: LineCounts(people: 1), finishesAt: now, predictedAt: now)
        #expect(said.isNews(after: nil))
        var next = said
        next.predictedAt = now + .seconds(9)
        next.finishesAt = now + .milliseconds(400)
        #expect(!next.isNews(after: said))
        next.finishesAt = now - .milliseconds(500)
        #expect(next.isNews(after: said))
        next.finishesAt = nil
        #expect(next.isNews(after: said) && said.isNews(after: next))
        next = said
        next.counts.sweep = 7
        #expect(next.isNews(after: said))
    }
}

@Suite("RecentValues")
struct RecentValuesTests {
    @Test
    func `of one value the median is expected, of many the largest, and old ones are forgotten`() {
        var values = RecentValues()
        #expect(values.largest(of: 1) == nil)
        for value in 1...99 { values.take(Double(value)) }
        #expect(values.largest(of: 0) == 50 && values.largest(of: 1) == 50)
        #expect(values.largest(of: 9) == 90 && values.largest(of: 1000) == 99)
        for _ in 0..<RecentValues.limit { values.take(7) }
        #expect(values.largest(of: 1000) == 7)
    }
}

@Suite("LineForecaster")
struct LineForecasterTests {
    private let start = Timestamp(seconds: 1_800_000_000)
    private let forecaster = LineForecaster(width: 8, delay: .seconds(1))

    /// A plan after a pass over an instance's start.
    private func plan(
        _ instance: Int64,
        priority: JobPriority = .people,
        _ condition: Condition,
        dueAt: Timestamp?,
        answeredAt: Timestamp? = nil,
        readAt: Timestamp? = nil
    ) -> Plan {
        let command = CommandRecord(
            id: 1,
            action: .start,
            sentAt: start,
            endedAt: answeredAt,
            verdict: answeredAt.map { _ in .ok }
        )
        let subject = Subject(
            instance: instance,
            account: 1,
            address: SessionAddress(instanceID: "i"),
            evidence: Evidence(readAt: readAt, lastCommand: command),
            condition: condition,
            reason: .startSent
        )
        return Plan(
            stored: subject,
            subject: subject,
            decision: Decision(nil, .startSent, condition, lookAgainAt: dueAt),
            command: nil,
            dueAt: dueAt,
            priority: priority,
            looksWhenDue: true,
            isDeparting: false,
            isActing: true
        )
    }

    private func forecast(at seconds: Int64) -> LineForecast {
        forecaster.forecast(LineLoad(callsPerSecond: 50), isSilent: false, now: start + .seconds(seconds))
    }

    @Test
    func `what people asked for is followed until it is proved, and tells how long the next one takes`() throws {
        #expect(forecast(at: 0).finishesAt == nil)
        forecaster.take([plan(1, .starting, dueAt: start + .seconds(1), answeredAt: start)], now: start)
        #expect(forecast(at: 0).asked == 1)
        let proved = start + .seconds(6)
        forecaster.take([plan(1, .converged, dueAt: nil, answeredAt: start, readAt: proved)], now: proved)
        #expect(forecast(at: 6).asked == 0 && forecast(at: 6).finishesAt == nil)
        let next = start + .seconds(10)
        forecaster.take([plan(2, .starting, dueAt: next + .seconds(1), answeredAt: next)], now: next)
        #expect(forecast(at: 11).finishesAt == next + .seconds(6), "as long as the one before")
        let silent = forecaster.forecast(LineLoad(callsPerSecond: 50), isSilent: true, now: next)
        #expect(silent.asked == 1 && silent.finishesAt == nil, "nobody knows")
        forecaster.forget()
        #expect(forecast(at: 12).asked == 0)
    }

    @Test
    func `what nobody asked for, waits for a person or is far off is not followed`() {
        let soon = start + .seconds(1)
        forecaster.take(
            [
                plan(1, priority: .repair, .starting, dueAt: soon),
                plan(2, .needsPairing, dueAt: soon),
                plan(3, .starting, dueAt: start + .seconds(300)),
                plan(4, .converged, dueAt: nil),
            ],
            now: start
        )
        #expect(forecast(at: 0).asked == 0)
    }
}
