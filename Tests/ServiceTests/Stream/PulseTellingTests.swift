import Domain
import FoundationEssentials
import HTTPTypes
import Hummingbird
import LibPQ
import NIOCore
import Synchronization
import Testing

@testable import Service

@Suite("PulseTelling", .timeLimit(.minutes(2)))
struct PulseTellingTests {
    private let begun = ContinuousClock.now
    private let main = EnginePulse(engine: "main", isActing: true)
    private let other = EnginePulse(engine: "other", isActing: false)

    private func pulses(_ engines: EnginePulse...) -> EnginePulses {
        var pulses = EnginePulses()
        _ = pulses.take(engines)
        return pulses
    }

    @Test
    func `before anybody read how the engines do nothing is said of them, nor after that was forgotten`() {
        var telling = PulseTelling(teams: nil, now: begun)
        var pulses = EnginePulses()
        #expect(telling.take(pulses) == nil)
        _ = pulses.take([main])
        #expect(telling.take(pulses) == [main])
        #expect(telling.take(pulses) == nil, "it was told")
        pulses.forget()
        var newcomer = PulseTelling(teams: nil, now: begun)
        #expect(newcomer.take(pulses) == nil)
        let isNews = pulses.take([main])
        #expect(isNews)
        #expect(newcomer.take(pulses) == [main])
    }

    @Test
    func `without an answer a team is told of no engines, and of its own once there is one`() {
        var telling = PulseTelling(teams: ["red"], now: begun)
        let pulses = pulses(main, other)
        #expect(telling.teamsToAsk(now: begun) == ["red"])
        telling.learn(nil, now: begun)
        #expect(telling.take(pulses) == nil)
        #expect(telling.teamsToAsk(now: begun + .seconds(1)) == nil)
        let later = begun + PulseTelling.retryInterval
        #expect(telling.teamsToAsk(now: later) == ["red"])
        telling.learn(["main"], now: later)
        #expect(telling.take(pulses) == [main])
        telling.learn(nil, now: later + PulseTelling.interval)
        #expect(telling.take(pulses) == nil, "it is what it was")
    }

    @Test
    func `a team hears of an engine on which it gets its first session though no pulse changes`() {
        var telling = PulseTelling(teams: ["red"], now: begun)
        let pulses = pulses(main, other)
        telling.learn([], now: begun)
        #expect(telling.take(pulses) == [])
        #expect(telling.teamsToAsk(now: begun + .seconds(29)) == nil)
        #expect(telling.teamsToAsk(now: begun + PulseTelling.interval) == ["red"])
        telling.learn(["other"], now: begun + PulseTelling.interval)
        #expect(telling.take(pulses) == [other])
        telling.learn(["other"], now: begun + PulseTelling.interval * 2)
        #expect(telling.take(pulses) == nil)
    }

    @Test
    func `a team is told of its engine without what waits there, and not again when that alone changes`() {
        var busy = main
        busy.line = LineForecast(asked: 41, finishesAt: Timestamp(seconds: 1_800_000_000))
        var telling = PulseTelling(teams: ["red"], now: begun)
        telling.learn(["main"], now: begun)
        var pulses = pulses(busy)
        #expect(telling.take(pulses) == [main])
        busy.line.asked = 40
        let isNews = pulses.take([busy])
        #expect(isNews)
        #expect(telling.take(pulses) == nil)
    }

    @Test
    func `who hears of all engines asks for none`() {
        #expect(PulseTelling(teams: nil, now: begun).teamsToAsk(now: begun) == nil)
    }

    /// Keeps what a stream writes, each write by itself.
    private struct Writes: ResponseBodyWriter {
        let taken: Taken

        final class Taken: Sendable {
            let texts = Mutex<[String]>([])
        }

        mutating func write(_ buffer: ByteBuffer) async throws {
            taken.texts.withLock { $0.append(String(buffer: buffer)) }
        }

        consuming func finish(_ trailingHeaders: HTTPFields?) async throws {}
    }

    @Test
    func `a sign of life has left before a team's engines are read, which may hang`() async throws {
        try await withPage { page in
            let subscription = try #require(page.feed.subscribe {})
            try await page.wait { page.feed.look(after: nil, isShared: false).pulses.engines != nil }
            let stream = EventStream(
                feed: page.feed,
                reads: page.feed.sources.reads,
                incidents: page.feed.sources.incidents,
                clock: page.feed.sources.clock,
                caller: Caller(keyID: UUID(), name: "x", role: .view, teams: ["red"], sourceID: 0),
                filter: AgentFilter(teams: ["red"]),
                hasSnapshot: false,
                isAllowed: { true }
            )
            let taken = Writes.Taken()
            var writer: any ResponseBodyWriter = Writes(taken: taken)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    try await page.wait {
                        taken.texts.withLock { texts in texts.contains { $0.contains("event: pulse") } }
                    }
                    page.feed.unsubscribe(subscription)
                }
                try await stream.send(subscription, lastEventID: nil, to: &writer)
                try await group.waitForAll()
            }
            let first = taken.texts.withLock { $0.first } ?? ""
            #expect(first.hasPrefix(": ") && !first.contains("event:"), "\(first)")
        }
    }

    @Test
    func `the first stream after a quiet while says nothing of the engines until they were read`() async throws {
        try await withPage { page in
            try await page.management.addAgent("a1")
            try await page.follow { stream in
                try await stream.next { $0.name == "pulse" && $0.data.contains("main") }
            }
            try await page.management.asOwner(["ALTER TABLE engine_pulses RENAME TO engine_pulses_away"])
            page.feed.forgetSides()
            try await page.follow { stream in
                var comments = 0
                var told: [String] = []
                try await stream.next { event in
                    if event.name == "pulse" { told.append(event.data) }
                    comments += event.comment == nil ? 0 : 1
                    return comments == 3
                }
                // A reading from before may have come late, but none is made up.
                #expect(told.allSatisfy { $0.contains(#""engine":"main""#) }, "\(told)")
                try await page.management.asOwner(["ALTER TABLE engine_pulses_away RENAME TO engine_pulses"])
                guard told.isEmpty else { return }
                let first = try await stream.next("pulse")
                #expect(first.data.contains(#""engine":"main""#), "\(first.data)")
            }
        }
    }
}

@Suite("CommentPace")
struct CommentPaceTests {
    @Test
    func `a stream says every two seconds whether it is up to date, also while events wake it all the time`() {
        let begun = ContinuousClock.now
        for wakes in [[1000], [200, 200, 200, 200, 200], [1100, 900], [650, 350]] {
            var pace = CommentPace(now: begun)
            var now = begun
            var last = begun
            for round in 0..<100 {
                if pace.isDue(now: now) {
                    #expect(now - last <= CommentPace.interval)
                    last = now
                }
                now += .milliseconds(wakes[round % wakes.count])
            }
            #expect(now - last <= CommentPace.interval)
        }
        #expect(CommentPace.pause + ChangeFeed.wakeInterval < CommentPace.interval)
    }
}
