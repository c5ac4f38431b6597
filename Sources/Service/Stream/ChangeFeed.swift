import FoundationEssentials
import Logging
import ServiceLifecycle
import Synchronization

/// Tells everybody who watches what changes: one reader per replica, however many watch.
///
/// While nobody watches nothing is read and nothing is kept. Hints make it quick, and it is right without them.
package final class ChangeFeed: Service {
    private struct State {
        var ring = FeedRing()
        var touched = Touched()
        var pulses = EnginePulses()
        /// The counts as the reader last knew them.
        var counts: FeedCounts?
        var subscriptions: [UInt64: FeedSubscription] = [:]
        var nextID: UInt64 = 0
        /// Whether the reader knows all agents, so that who reads a list now misses nothing afterwards.
        var isComplete = false
        /// When the reader last succeeded.
        var readAt: ContinuousClock.Instant?
        var isEnding = false
    }

    /// Names this run of this replica in the ids of events; never the same again.
    let run: String
    private let state = Mutex(State())
    let sources: FeedSources
    private let logger: Logger
    private let bell: AsyncStream<Void>
    private let ringer: AsyncStream<Void>.Continuation

    /// How many may watch at a time; a browser more is told to come back later.
    static let subscriberLimit = 1000
    /// Between two reads at the most, while somebody watches.
    static let interval = Duration.milliseconds(250)
    /// Between two reads at the least, however many hints come.
    ///
    /// The more watch, the more each telling costs whoever posts events; that a page shows a change within half a second leaves
    /// room for it.
    static func spacing(watchers: Int) -> Duration { .milliseconds(min(max(40, watchers), 200)) }
    /// Subscribers woken at a time, and the pause after them: who posts events waits for a few writes and not for hundreds.
    private static let wokenAtATime = 8
    private static let wakingPause = Duration.milliseconds(1)
    /// How long reading goes on when the last watcher has left: it may just be reloading the page.
    static let linger = Duration.seconds(30)
    /// From then on without a successful read the streams say that they wait.
    static let silence = Duration.seconds(3)
    /// Touched agents, and touched instances, read at a time.
    private static let touchedAtATime = 1000

    package init(_ dependencies: ManagementDependencies) {
        sources = FeedSources(
            pool: dependencies.readPool,
            reads: dependencies.reads,
            summaries: dependencies.summaries,
            incidents: dependencies.incidents,
            unmatched: dependencies.unmatchedCount,
            clock: dependencies.clock
        )
        logger = dependencies.logger
        run = UUID().uuidString.prefix(8).lowercased()
        (bell, ringer) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        // So that 0 is no place of the ring: it is the id of what is sent before everything was.
        state.withLock { $0.ring.clear() }
    }

    /// Says that a commit, of this replica or another, may have changed what is shown of agents, or of instances' agents.
    ///
    /// Cheap, and free while nobody watches.
    func touched(_ news: ChangeNews) {
        let isWatched = state.withLock { state in
            guard state.readAt != nil || !state.subscriptions.isEmpty else { return false }
            state.touched.add(news)
            return !state.subscriptions.isEmpty
        }
        if isWatched { ringer.yield() }
    }

    /// Reads for as long as somebody watches, until the task is cancelled or shut down gracefully.
    package func run() async throws {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.tick() }
            group.addTask { try? await gracefulShutdown() }  // Cancelled: the same as told to stop.
            group.addTask { await self.read() }
            await group.next()
            group.cancelAll()
        }
        let left = state.withLock { state in
            state.isEnding = true
            defer { state.subscriptions = [:] }
            return state.subscriptions.values
        }
        for subscription in left { subscription.end() }
    }

    /// Rings the bell at intervals, and wakes subscribers every second so that they say that they are alive.
    private func tick() async {
        var ticks = 0
        while !Task.isCancelled {
            try? await Task.sleep(for: Self.interval)  // Cancelled: the loop ends.
            ticks += 1
            let subscriptions = state.withLock { Array($0.subscriptions.values) }
            if ticks % 4 == 0 { await Self.each(of: subscriptions) { $0.pulse() } }
            ringer.yield()
        }
    }

    private func read() async {
        var reader: FeedReader?
        var watchedAt = ContinuousClock.now
        var isFailing = false
        for await _ in bell {
            if isWatched { watchedAt = .now }
            guard watchedAt + Self.linger > .now, isWatched || reader != nil else {
                if reader != nil { forget() }
                reader = nil
                continue
            }
            let began = ContinuousClock.now
            // Taken out, so that what it remembers is not copied at its first change.
            var current = reader.take() ?? FeedReader(sources)
            isFailing = await !read(&current, isFailing: isFailing)
            reader = current
            let spacing = Self.spacing(watchers: state.withLock { $0.subscriptions.count })
            // A read that takes long is not followed by the next at once.
            let next = max(began + spacing, .now + spacing / 2)
            try? await Task.sleep(until: next, clock: .continuous)  // Cancelled: the stream ends too.
        }
    }

    /// Reads once, and tells the subscribers: what was read before a failure as well, since the reader will not find it again.
    ///
    /// A failure is logged when it is the first in a row.
    ///
    /// - Returns: whether the database answered.
    private func read(_ reader: inout FeedReader, isFailing: Bool) async -> Bool {
        var touched = state.withLock { $0.touched.take(Self.touchedAtATime) }
        var news: [FeedEvent.Content] = []
        do {
            try await reader.read(&touched, into: &news)
            let pulses = try await reader.readPulses()
            await tell(news, pulses, reader, hasSucceeded: true)
            if !reader.isComplete { ringer.yield() }
            return true
        } catch {
            state.withLock { $0.touched.add(touched) }
            await tell(news, nil, reader, hasSucceeded: false)
            if !isFailing { logger.warning("streams wait for the database", metadata: [LogKeys.error: "\(error)"]) }
            try? await Task.sleep(for: .seconds(1))  // Cancelled: the stream ends too.
            return false
        }
    }

    /// Does something to every subscriber, to a few at a time.
    private static func each(of subscriptions: [FeedSubscription], _ body: (FeedSubscription) -> Void) async {
        for (place, subscription) in subscriptions.enumerated() {
            if place > 0, place % wokenAtATime == 0 {
                try? await Task.sleep(for: wakingPause)  // Cancelled: the rest at once.
            }
            body(subscription)
        }
    }

    private func tell(
        _ news: [FeedEvent.Content],
        _ pulses: [EnginePulse]?,
        _ reader: FeedReader,
        hasSucceeded: Bool
    ) async {
        let isComplete = reader.isComplete
        let summary = reader.summary
        let subscriptions = state.withLock { state in
            for content in news { state.ring.append(content) }
            let isFirst = isComplete && !state.isComplete
            let isPulse = pulses.map { state.pulses.take($0) } ?? false
            state.isComplete = isComplete
            state.counts = summary.map { FeedCounts(summary: $0, place: state.ring.last) }
            if hasSucceeded { state.readAt = .now }
            return news.isEmpty && !isFirst && !isPulse ? [] : Array(state.subscriptions.values)
        }
        await Self.each(of: subscriptions) { $0.wake() }
    }

    /// Nobody watched for a while: what happens from now on is not noticed.
    private func forget() {
        state.withLock { state in
            state.ring.clear()
            state.touched = Touched()
            state.pulses.engines = []
            state.counts = nil
            state.isComplete = false
            state.readAt = nil
        }
    }

    private var isWatched: Bool { state.withLock { !$0.subscriptions.isEmpty } }
}

/// For subscribers.
extension ChangeFeed {
    /// Starts to watch.
    ///
    /// - Returns: `nil` when too many do, or the service is ending.
    func subscribe(onStuck: @escaping @Sendable () -> Void) -> FeedSubscription? {
        let subscription = state.withLock { state -> FeedSubscription? in
            guard !state.isEnding, state.subscriptions.count < Self.subscriberLimit else { return nil }
            let subscription = FeedSubscription(id: state.nextID, onStuck: onStuck)
            state.nextID += 1
            state.subscriptions[subscription.id] = subscription
            return subscription
        }
        if subscription != nil { ringer.yield() }
        return subscription
    }

    /// Ends a subscription; its signals end with it.
    func unsubscribe(_ subscription: FeedSubscription) {
        state.withLock { _ = $0.subscriptions.removeValue(forKey: subscription.id) }
        subscription.end()
    }

    /// Where a list that is read now can be followed up from; `nil` while the feed does not know all agents yet.
    var position: UInt64? {
        state.withLock { $0.isComplete ? $0.ring.last : nil }
    }

    /// Whether a stream can go on after an event.
    func holds(after sequence: UInt64) -> Bool {
        state.withLock { $0.isComplete && $0.ring.holds(after: sequence) }
    }

    /// The events after one, oldest first; `nil` when some of them are gone.
    func events(after sequence: UInt64, limit: Int) -> ArraySlice<FeedEvent>? {
        state.withLock { $0.ring.events(after: sequence, limit: limit) }
    }

    /// The counts as they are known now; `nil` while the feed does not know all agents yet.
    var counts: FeedCounts? { state.withLock { $0.counts } }

    /// How the engines do, and which reading that is; version 0 before the first.
    var pulses: EnginePulses { state.withLock { $0.pulses } }

    /// Whether what is told is up to date: the database answered a moment ago.
    var isCurrent: Bool {
        state.withLock { state in state.readAt.map { $0 + Self.silence > .now } ?? false }
    }

    /// Whether one more may watch.
    var hasRoom: Bool { state.withLock { !$0.isEnding && $0.subscriptions.count < Self.subscriberLimit } }

    /// How many watch, for metrics and tests.
    package var subscriberCount: Int { state.withLock { $0.subscriptions.count } }
}

/// The counts as the feed last knew them.
struct FeedCounts: Sendable {
    var summary: Summary
    /// Counts in the ring up to this place are no newer.
    var place: UInt64
}
