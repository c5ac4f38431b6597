import Domain
import Hummingbird
import LibPQ
import NIOCore

/// What one watcher is sent: its place in the feed, turned into bytes.
struct EventStream: Sendable {
    let feed: ChangeFeed
    let reads: AgentReads
    let incidents: IncidentReads
    let clock: DatabaseClock
    let caller: Caller
    let filter: AgentFilter
    /// Whether everything follows a reset.
    ///
    /// The page reads it as a list instead, in the order in which it shows it.
    let hasSnapshot: Bool
    /// Whether one that goes on after an event is told the counts first.
    var beginsWithCounts = false
    /// Whether the one who watches still may.
    let isAllowed: @Sendable () async -> Bool

    private static let pageLimit = 500
    /// How long the engines of teams may take to be read: a stream that waits for a database that hangs cannot say that it does.
    private static let enginesPatience = Duration.seconds(1)

    /// Whether it is told what everybody is who neither filters nor is bound to teams.
    private var isShared: Bool { caller.teams == nil && filter == AgentFilter() }

    /// Sends until the subscription ends, the caller may not watch any more, or writing fails.
    ///
    /// `lastEventID`: where a stream that broke off goes on.
    @concurrent func send(
        _ subscription: FeedSubscription,
        lastEventID: String?,
        to writer: inout any ResponseBodyWriter
    ) async throws {
        let text = EventText(run: feed.run)
        var place = text.sequence(in: lastEventID).flatMap { feed.holds(after: $0) ? $0 : nil }
        var counted: UInt64 = 0
        var owesCounts = beginsWithCounts && place != nil
        var comments = CommentPace()
        var engines = PulseTelling(teams: caller.teamList)
        var buffer = ByteBuffer()
        for await _ in subscription.signals {
            guard await isAllowed() else {
                EventText.writeSignedOut(to: &buffer)
                return try await flush(&buffer, subscription, &writer)
            }
            writeComment(&comments, to: &buffer)
            if let here = place, owesCounts {
                counted = try await writeSummary(here, text, to: &buffer)
                owesCounts = false
            }
            // What is read for it alone, and may hang, delays no sign of life.
            if engines.teamsToAsk(now: .now) != nil { try await flush(&buffer, subscription, &writer) }
            let look = feed.look(after: place, isShared: isShared && counted <= place ?? 0)
            await writePulse(look.pulses, &engines, to: &buffer)
            place = try await write(look.news, counted: counted, text, to: &buffer)
            try await flush(&buffer, subscription, &writer)
            if let here = place, here < look.last { subscription.wake() }
            if place == nil, let start = feed.position {
                counted = try await sendEverything(from: start, text, subscription, &comments, &writer)
                place = start
                subscription.wake()
            }
        }
    }

    /// Writes how the engines do that the caller may know of, where that is other than what it was told.
    private func writePulse(
        _ pulses: EnginePulses,
        _ engines: inout PulseTelling,
        to buffer: inout ByteBuffer
    ) async {
        if let teams = engines.teamsToAsk(now: .now) {
            // Without an answer they are what they were.
            let read = try? await feed.sources.pool.rows(
                EnginePulse.statement(teams: teams),
                timeout: Self.enginesPatience
            ) { row throws(PQError) in
                try EnginePulse(row)
            }
            engines.learn(read.map { Set($0.map(\.engine)) }, now: .now)
        }
        guard let told = engines.take(pulses) else { return }
        EventText.writePulse(told, at: clock.now(), to: &buffer)
    }

    /// Writes, when it is time, whether what is told is up to date.
    private func writeComment(_ comments: inout CommentPace, to buffer: inout ByteBuffer) {
        guard comments.isDue() else { return }
        if feed.isCurrent {
            EventText.writeAlive(clock.now(), to: &buffer)
        } else {
            EventText.writeWaiting(to: &buffer)
        }
    }

    /// Writes what is news.
    ///
    /// `counted`: the place up to which no counts are written, since newer ones were.
    ///
    /// - Returns: the place behind it; `nil` when there is none, since some of it is gone.
    private func write(
        _ news: FeedNews?,
        counted: UInt64,
        _ text: EventText,
        to buffer: inout ByteBuffer
    ) async throws -> UInt64? {
        switch news {
        case .run(let run)?:
            // Alone it goes out as it is, and its bytes are everybody's.
            if buffer.readableBytes == 0 { buffer = run.bytes } else { buffer.writeImmutableBuffer(run.bytes) }
            return run.end
        case .events(let events, let end)?:
            for event in events.told(counted: counted) { try await write(event, text, to: &buffer) }
            return end
        case nil: return nil
        }
    }

    private func write(_ event: FeedEvent, _ text: EventText, to buffer: inout ByteBuffer) async throws {
        switch event.content {
        case .agent(let news):
            switch news.telling(to: filter) {
            case .agent: event.write(text, to: &buffer)
            case .removed(let agentID): text.writeRemoved(agentID, event.sequence, to: &buffer)
            case .nothing: break
            }
        case .summary(let summary):
            guard let teams = caller.teams else { return event.write(text, to: &buffer) }
            let frame = feed.boundCounts.frame(event.sequence, of: teams) {
                var frame = ByteBuffer()
                text.write("summary", event.sequence, to: &frame) { summary.visible(to: caller).write(to: &$0) }
                return frame
            }
            buffer.writeImmutableBuffer(frame)
        case .incident(let incident):
            guard caller.teams != nil else { return event.write(text, to: &buffer) }
            // Of its own teams' part in it a bound key learns by asking for itself; incidents are few.
            guard let visible = try await ownIncidents().first(where: { $0.id == incident.id }) else { return }
            text.write("incident", event.sequence, to: &buffer) { visible.write(to: &$0) }
        case .waiting:
            if caller.teams == nil { event.write(text, to: &buffer) }
        }
    }

    /// Sends a reset, the counts, and everybody unless the watcher reads that for itself.
    ///
    /// All but the last event carry an id that nobody can go on from: who breaks off in between begins anew.
    ///
    /// - Returns: the place of the counts that it sent.
    @concurrent private func sendEverything(
        from start: UInt64,
        _ text: EventText,
        _ subscription: FeedSubscription,
        _ comments: inout CommentPace,
        _ writer: inout any ResponseBodyWriter
    ) async throws -> UInt64 {
        var buffer = ByteBuffer()
        text.writeReset(hasSnapshot ? 0 : start, at: clock.now(), to: &buffer)
        guard hasSnapshot else {
            let counted = try await writeSummary(start, text, to: &buffer)
            try await flush(&buffer, subscription, &writer)
            return counted
        }
        var cursor: String?
        repeat {
            let page = try await reads.page(filter, cursor: cursor, limit: Self.pageLimit)
            for (agent, standing) in zip(page.agents, try await reads.standings(page.agents)) {
                text.write("agent", 0, to: &buffer) { agent.write(standing, to: &$0) }
            }
            writeComment(&comments, to: &buffer)
            try await flush(&buffer, subscription, &writer)
            cursor = page.nextCursor
        } while cursor != nil
        for incident in try await ownIncidents().reversed() where incident.closedAt == nil {
            text.write("incident", 0, to: &buffer) { incident.write(to: &$0) }
        }
        let counted = try await writeSummary(start, text, to: &buffer)
        try await flush(&buffer, subscription, &writer)
        return counted
    }

    /// Writes the counts as they are known now, which is no less than what `place` has.
    ///
    /// - Returns: the place in the feed up to which counts are no newer.
    private func writeSummary(_ place: UInt64, _ text: EventText, to buffer: inout ByteBuffer) async throws -> UInt64 {
        var counts = feed.counts
        if counts == nil { counts = FeedCounts(summary: try await feed.sources.summaries.summary(), place: place) }
        guard let counts else { return place }
        let visible = counts.summary.visible(to: caller)
        text.write("summary", place, to: &buffer) { visible.write(to: &$0) }
        return counts.place
    }

    private func ownIncidents() async throws -> [Incident] {
        try await incidents.incidents(for: caller)
    }

    @concurrent private func flush(
        _ buffer: inout ByteBuffer,
        _ subscription: FeedSubscription,
        _ writer: inout any ResponseBodyWriter
    ) async throws {
        guard buffer.readableBytes > 0 else { return }
        let bytes = buffer
        buffer = ByteBuffer()
        subscription.beginWriting()
        defer { subscription.endWriting() }
        try await writer.write(bytes)
    }
}
