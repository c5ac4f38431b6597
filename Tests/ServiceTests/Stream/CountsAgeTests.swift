import Domain
import FoundationEssentials
import HTTPTypes
import Hummingbird
import LibPQ
import NIOCore
import Synchronization
import Testing

@testable import Service

/// How old the counts say that they are, and in which order they come.
@Suite("Age of the counts", .timeLimit(.minutes(2)))
struct CountsAgeTests {
    @Test
    func `counts are as old as the round that read everybody, whoever was touched since`() async throws {
        try await withPage { page in
            for agent in ["a1", "a2"] { try await page.management.addAgent(agent) }
            let touched = try await page.management.pool.rows("SELECT agent FROM agents WHERE agent_id = 'a1'") {
                row throws(PQError) in try row.column("agent", as: Int64.self)
            }
            var reader = FeedReader(page.feed.sources)
            var news: [FeedEvent.Content] = []
            while !reader.isComplete {
                var nobody = Touched()
                try await reader.read(&nobody, into: &news)
            }
            #expect(reader.summary?.asOf == reader.roundBeganOn)
            // Of a1 it hears at once, of a2 nothing is known since. Two agents are a round of one read.
            try await page.management.observe("a1", "STOPPED")
            var told: Summary?
            while told == nil {
                var hint = Touched()
                hint.add(agents: touched)
                news = []
                try await reader.read(&hint, into: &news)
                for case .summary(let summary) in news { told = summary }
            }
            #expect(told?.asOf == reader.roundBeganOn)
        }
    }

    @Test
    func `what the round finds between two reads is told with the next, once`() async throws {
        try await withPage { page in
            try await page.management.addAgent("a1")
            var reader = FeedReader(page.feed.sources)
            var news: [FeedEvent.Content] = []
            while !reader.isComplete {
                var nobody = Touched()
                try await reader.read(&nobody, into: &news)
            }
            // A round begins every two seconds; nobody says that a1 changed.
            try await page.management.observe("a1", "STOPPED")
            while !reader.isWalkDue { try await Task.sleep(for: .milliseconds(20)) }
            try await reader.walk()
            var told: [Int] = []
            for _ in 0..<2 {
                news = []
                var nobody = Touched()
                try await reader.read(&nobody, into: &news)
                told.append(news.count { if case .agent = $0 { true } else { false } })
            }
            #expect(told == [1, 0])
        }
    }

    @Test
    func `a part of the round that fails is due as before, and whoever reads next fails as well`() async throws {
        try await withPage { page in
            try await page.management.addAgent("a1")
            var reader = FeedReader(page.feed.sources)
            var news: [FeedEvent.Content] = []
            var nobody = Touched()
            while !reader.isComplete { try await reader.read(&nobody, into: &news) }
            while !reader.isWalkDue { try await Task.sleep(for: .milliseconds(20)) }
            try await rename("agent_details", to: "away", page)
            do {
                try await reader.walk()
                Issue.record("what is not there was read")
            } catch {
                #expect(reader.isWalkDue)
            }
            do {
                try await reader.read(&nobody, into: &news)
                Issue.record("what is not there was read")
            } catch {
                #expect(reader.isWalkDue)
            }
            try await rename("away", to: "agent_details", page)
            try await reader.read(&nobody, into: &news)
            #expect(!reader.isWalkDue)
        }
    }

    @Test
    func `a round that is wanted while another goes on lets that end at once and begins soon after`() async throws {
        try await withPage { page in
            try await page.management.addAgent("a1")
            // With them a round has three parts, of which a1 is in the first.
            _ = try await page.management.pool.query(
                """
                WITH a AS (INSERT INTO agents (agent_id) SELECT 'b' || n FROM generate_series(1, 450) n RETURNING agent)
                INSERT INTO agent_states (agent) SELECT agent FROM a
                """
            )
            var reader = FeedReader(page.feed.sources)
            var news: [FeedEvent.Content] = []
            var nobody = Touched()
            while !reader.isComplete { try await reader.read(&nobody, into: &news) }
            while !reader.isWalkDue { try await Task.sleep(for: .milliseconds(20)) }
            try await reader.walk()
            let begunAt = ContinuousClock.now
            #expect(reader.isRoundOpen && reader.hasTime)
            try await page.management.observe("a1", "STOPPED")
            var hint = Touched()
            hint.add(.everything)
            news = []
            try await reader.read(&hint, into: &news)
            // The rest of it in one part, which is due whenever the last one was; a1 is found by the next round.
            #expect(!reader.isRoundOpen && !reader.hasTime)
            #expect(!news.contains { if case .agent = $0 { true } else { false } })
            #expect(reader.nextRoundAt <= begunAt + FeedReader.wantedInterval)
            while !reader.isWalkDue { try await Task.sleep(for: .milliseconds(20)) }
            let dueAt = ContinuousClock.now
            try await reader.read(&nobody, into: &news)
            #expect(!reader.isRoundOpen && reader.hasTime, "all of it at once")
            #expect(news.count { if case .agent = $0 { true } else { false } } == 1)
            #expect(reader.nextRoundAt > dueAt + FeedReader.wantedInterval, "it was wanted once")
        }
    }

    private func rename(_ view: String, to name: String, _ page: PageFixture) async throws {
        try await page.management.pool.withTransaction { transaction in
            _ = try await transaction.run([
                "SET LOCAL ROLE NONE", "ALTER VIEW \(identifier: view) RENAME TO \(identifier: name)",
            ])
        }
    }

    /// Takes what a stream writes; with the first of it something happens, which the stream waits for.
    private struct Writer: ResponseBodyWriter {
        let taken: Taken
        let atFirst: @Sendable () async throws -> Void

        final class Taken: Sendable {
            let text = Mutex("")
        }

        mutating func write(_ buffer: ByteBuffer) async throws {
            let isFirst = taken.text.withLock { text in
                defer { text += String(buffer: buffer) }
                return !text.contains("event: reset")
            }
            if isFirst, taken.text.withLock({ $0.contains("event: reset") }) { try await atFirst() }
        }

        consuming func finish(_ trailingHeaders: HTTPFields?) async throws {}
    }

    @Test
    func `counts that changed while everybody was sent are not followed by older ones`() async throws {
        try await withPage { page in
            try await page.management.addAgent("a0")
            let subscription = try #require(page.feed.subscribe {})
            try await page.wait { page.feed.position != nil }
            let stream = EventStream(
                feed: page.feed,
                reads: page.feed.sources.reads,
                incidents: page.feed.sources.incidents,
                clock: page.feed.sources.clock,
                caller: Caller(keyID: UUID(), name: "x", role: .view, sourceID: 0),
                filter: AgentFilter(),
                hasSnapshot: true,
                isAllowed: { true }
            )
            let taken = Writer.Taken()
            var writer: any ResponseBodyWriter = Writer(taken: taken) {
                // While the first page is on its way two more agents come, one after the other, and are counted.
                for number in [1, 2] {
                    try await page.management.addAgent("a\(number)")
                    try await page.wait { page.feed.counts?.summary.count { _ in true } == number + 1 }
                }
            }
            func counts() -> [Int] {
                taken.text.withLock { text in
                    text.matches(of: #/event: summary\ndata: \{"as_of":"[^"]*","agents":([0-9]+)/#).compactMap {
                        Int($0.1)
                    }
                }
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    try await page.wait { counts().contains(3) }
                    try await page.management.addAgent("a3")
                    try await page.wait { counts().contains(4) }
                    page.feed.unsubscribe(subscription)
                }
                try await stream.send(subscription, lastEventID: nil, to: &writer)
                try await group.waitForAll()
            }
            #expect(counts() == [3, 4])
        }
    }
}
