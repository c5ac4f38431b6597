import Domain
import NIOCore
import Synchronization
import Testing

@testable import Service

/// That what many are told alike is put together once.
@Suite("FeedRun")
struct FeedRunTests {
    private struct NoRun: Error {}

    private func agent(_ agentID: String) -> FeedEvent {
        let facets = AgentFacets(
            agentID: agentID,
            team: "t",
            shift: .in,
            desired: .running,
            condition: .converged,
            agreement: .fine,
            identity: 1
        )
        let json = ByteBuffer(string: #"{"agent_id":"\#(agentID)"}"#)
        return FeedEvent(.agent(FeedEvent.AgentNews(before: facets, after: facets, searchText: agentID, json: json)))
    }

    private func counts(_ count: Int) -> FeedEvent {
        let group = Summary.Group(team: "t", shift: .in, desired: .running, condition: .converged, count: count)
        return FeedEvent(.summary(Summary(groups: [group], asOf: Timestamp(seconds: 0))))
    }

    private func ring(_ events: FeedEvent...) -> FeedRing {
        var ring = FeedRing(run: "r")
        for event in events { ring.append(event) }
        return ring
    }

    private func run(_ ring: inout FeedRing, after place: UInt64) throws -> FeedRun {
        guard case .run(let run)? = ring.news(after: place, isShared: true) else { throw NoRun() }
        return run
    }

    @Test
    func `two who stand at one place are told one buffer, which is put together once`() throws {
        var ring = ring(agent("a1"), FeedEvent(.waiting))
        let first = try run(&ring, after: 0)
        let second = try run(&ring, after: 0)
        #expect(first === second)
        #expect(
            String(buffer: first.bytes) == """
                id: r-1
                event: agent
                data: {"agent_id":"a1"}

                id: r-2
                event: waiting
                data: {}


                """
        )
        #expect(first.end == 2)
    }

    @Test
    func `who stands elsewhere is told what follows there, and what came since is in nobody's old buffer`() throws {
        var ring = ring(agent("a1"), agent("a2"))
        let all = try run(&ring, after: 0)
        let rest = try run(&ring, after: 1)
        #expect(String(buffer: all.bytes).hasSuffix(String(buffer: rest.bytes)))
        #expect(!String(buffer: rest.bytes).contains("a1"))
        ring.append(agent("a3"))
        let later = try run(&ring, after: 0)
        let news = try run(&ring, after: 2)
        #expect(later.end == 3 && news.end == 3)
        #expect(String(buffer: later.bytes) == String(buffer: all.bytes) + String(buffer: news.bytes))
    }

    @Test
    func `of several counts that are taken at once the latest alone are told`() throws {
        var ring = ring(counts(1), agent("a1"), counts(2), agent("a2"))
        let taken = try run(&ring, after: 0)
        let text = String(buffer: taken.bytes)
        #expect(text.matches(of: #/id: r-([0-9])/#).map { String($0.1) } == ["2", "3", "4"])
        let events = try #require(ring.events(after: 0, limit: 10))
        #expect(events.told().map(\.sequence) == [2, 3, 4])
        #expect(events.told(counted: 3).map(\.sequence) == [2, 4], "who knows newer ones is told none")
    }

    @Test
    func `who filters or is bound to teams gets the events, to see to each`() throws {
        var ring = ring(agent("a1"), counts(1))
        guard case .events(let events, let end)? = ring.news(after: 0, isShared: false) else { throw NoRun() }
        #expect(events.map(\.sequence) == [1, 2] && end == 2)
        guard case .events(let none, let here)? = ring.news(after: 2, isShared: true) else { throw NoRun() }
        #expect(none.isEmpty && here == 2, "there is nothing to put together")
    }

    @Test
    func `what is gone is gone for everybody`() throws {
        var ring = FeedRing(run: "r", eventLimit: 2)
        ring.append(agent("a1"))
        _ = try run(&ring, after: 0)
        for name in ["a2", "a3"] { ring.append(agent(name)) }
        let isGone = ring.news(after: 0, isShared: true) == nil
        #expect(isGone)
    }

    @Test
    func `a large telling is taken in parts, and few of them are kept`() throws {
        var ring = FeedRing(run: "r")
        let count = FeedRing.takenAtATime * (FeedRing.runLimit + 1)
        for number in 0..<count { ring.append(agent("a\(number)")) }
        let first = try run(&ring, after: 0)
        #expect(first.end == UInt64(FeedRing.takenAtATime))
        var place = first.end
        while place < ring.last { place = try run(&ring, after: place).end }
        let again = try run(&ring, after: 0)
        #expect(again !== first, "the oldest made room")
        #expect(again.bytes == first.bytes)
    }
}

@Suite("BoundCounts")
struct BoundCountsTests {
    @Test
    func `counts are rendered once for each set of teams, and again when they are others`() {
        let counts = BoundCounts()
        var rendered: [String] = []
        func frame(_ sequence: UInt64, _ teams: Set<String>) -> String {
            let bytes = counts.frame(sequence, of: teams) {
                let text = "\(sequence) \(teams.sorted())"
                rendered.append(text)
                return ByteBuffer(string: text)
            }
            return String(buffer: bytes)
        }
        for _ in 0..<3 {
            #expect(frame(1, ["red"]) == #"1 ["red"]"#)
            #expect(frame(1, ["red", "blue"]) == #"1 ["blue", "red"]"#)
        }
        #expect(rendered.count == 2)
        #expect(frame(2, ["red"]) == #"2 ["red"]"#)
        #expect(frame(1, ["red"]) == #"1 ["red"]"#, "who lags behind gets what is of its place")
        #expect(frame(2, ["red"]) == #"2 ["red"]"#)
        #expect(rendered.count == 4)
    }

    @Test
    func `so many sets of teams are remembered and no more`() {
        let counts = BoundCounts()
        var renderings = 0
        for _ in 0..<2 {
            for number in 0...BoundCounts.limit {
                _ = counts.frame(1, of: ["t\(number)"]) {
                    renderings += 1
                    return ByteBuffer()
                }
            }
        }
        #expect(renderings == BoundCounts.limit + 2)
    }
}

@Suite("Who is told what", .timeLimit(.minutes(2)))
struct TellingTests {
    @Test
    func `who is bound to teams and who filters is told its own beside who is told everything`() async throws {
        try await withPage { page in
            try await page.management.addAgent("r1", team: "red")
            try await page.management.addAgent("b1", team: "blue")
            let key = try await page.management.key(.view, teams: ["red"])
            try await page.follow { all in
                try await page.follow(key: key) { red in
                    try await page.follow("?team=blue") { blue in
                        for stream in [all, red, blue] { try await stream.next("summary") }
                        for agent in ["r1", "b1"] { try await page.management.observe(agent, "STOPPED") }
                        for (stream, agents, converged, count) in [
                            (all, ["r1", "b1"], 2, 2), (red, ["r1"], 1, 1), (blue, ["b1"], 2, 2),
                        ] {
                            var told: [String] = []
                            let counts = try await stream.next { event in
                                told += [event.agentID].compactMap { $0 }
                                return (event.object["condition"] as? [String: Int])?["converged"] == converged
                            }
                            #expect(told == agents)
                            #expect(counts.name == "summary" && counts.object["agents"] as? Int == count)
                        }
                    }
                }
            }
        }
    }

    @Test
    func `who commits waits for nobody who looks into the feed`() async throws {
        try await withPage { page in
            func isWatched() -> Bool { page.feed.touches.withLock { $0.isWatched } }
            #expect(!isWatched())
            let subscription = try #require(page.feed.subscribe {})
            #expect(isWatched())
            page.feed.state.withLock { _ in page.feed.touched(.some(agents: [7], instances: [])) }
            page.feed.unsubscribe(subscription)
            #expect(!isWatched())
        }
    }
}
