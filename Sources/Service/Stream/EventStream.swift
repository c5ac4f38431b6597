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
    /// Whether the one who watches still may.
    let isAllowed: @Sendable () async -> Bool

    /// Often enough for a page to say within 10 s that it hears nothing.
    static let commentInterval = Duration.seconds(2)
    private static let ownEnginesInterval = Duration.seconds(30)
    private static let pageLimit = 500
    private static let eventsAtATime = 512

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
        var commentDueAt = ContinuousClock.now
        var buffer = ByteBuffer()
        var pulse: UInt64 = 0
        var own = OwnEngines()
        for await _ in subscription.signals {
            guard await isAllowed() else {
                EventText.writeSignedOut(to: &buffer)
                return try await flush(&buffer, subscription, &writer)
            }
            let pulses = feed.pulses
            if pulses.version != pulse {
                pulse = pulses.version
                let engines = await visible(pulses.engines, &own)
                EventText.writePulse(engines, at: clock.now(), to: &buffer)
            }
            if commentDueAt <= .now {
                commentDueAt = .now + Self.commentInterval
                if feed.isCurrent {
                    EventText.writeAlive(clock.now(), to: &buffer)
                } else {
                    EventText.writeWaiting(to: &buffer)
                }
            }
            if let here = place {
                place = try await take(after: here, counted: counted, text, into: &buffer)
            }
            try await flush(&buffer, subscription, &writer)
            if let here = place, feed.position.map({ here < $0 }) ?? false { subscription.wake() }
            if place == nil, let start = feed.position {
                counted = try await sendEverything(from: start, text, subscription, &writer)
                place = start
                subscription.wake()
            }
        }
    }

    /// The engines that the caller's teams have sessions on, as last read.
    private struct OwnEngines {
        var names: Set<String> = []
        var readAt: ContinuousClock.Instant?
    }

    /// What the caller may know of the engines: those of its own teams, asked for once in a while.
    ///
    /// While the database does not answer it is what it was.
    private func visible(_ engines: [EnginePulse], _ own: inout OwnEngines) async -> [EnginePulse] {
        guard let teams = caller.teams?.sorted() else { return engines }
        if own.readAt.map({ $0 + Self.ownEnginesInterval < .now }) ?? true {
            let read = try? await feed.sources.pool.rows(EnginePulse.statement(teams: teams)) { row throws(PQError) in
                try EnginePulse(row)
            }
            if let read { own = OwnEngines(names: Set(read.map(\.engine)), readAt: .now) }
        }
        return engines.filter { own.names.contains($0.engine) }
    }

    /// Writes the events after a place.
    ///
    /// `counted`: the place up to which no counts are written, since newer ones were.
    ///
    /// - Returns: the place behind them; `nil` when some of them are gone.
    private func take(
        after place: UInt64,
        counted: UInt64,
        _ text: EventText,
        into buffer: inout ByteBuffer
    ) async throws -> UInt64? {
        var place = place
        while buffer.readableBytes < 1_048_576 {
            guard let events = feed.events(after: place, limit: Self.eventsAtATime) else { return nil }
            guard let last = events.last else { break }
            for event in events where !event.isCounts || event.sequence > counted {
                try await write(event, text, into: &buffer)
            }
            place = last.sequence
        }
        return place
    }

    private func write(_ event: FeedEvent, _ text: EventText, into buffer: inout ByteBuffer) async throws {
        switch event.content {
        case .agent(let news):
            switch news.telling(to: filter) {
            case .agent: text.write("agent", event.sequence, to: &buffer) { $0.writeImmutableBuffer(news.json) }
            case .removed(let agentID): text.writeRemoved(agentID, event.sequence, to: &buffer)
            case .nothing: break
            }
        case .summary(let summary):
            text.write("summary", event.sequence, to: &buffer) { summary.visible(to: caller).write(to: &$0) }
        case .incident(let incident):
            // Of its own teams' part in it a bound key learns by asking for itself; incidents are few.
            let visible = caller.teams == nil ? incident : try await ownIncidents().first { $0.id == incident.id }
            guard let visible else { return }
            text.write("incident", event.sequence, to: &buffer) { visible.write(to: &$0) }
        case .waiting:
            guard caller.teams == nil else { return }
            text.write("waiting", event.sequence, to: &buffer) { $0.writeStaticString("{}") }
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
