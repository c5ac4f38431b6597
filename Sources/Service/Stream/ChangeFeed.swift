import FoundationEssentials
import Logging
import ServiceLifecycle
import Synchronization

/// Tells everybody who watches what changes: one reader of agents per replica, and one of all else, however many watch.
///
/// While nobody watches nothing is read and nothing is kept. Hints make it quick, and it is right without them.
package final class ChangeFeed: Service {
    struct State {
        var ring: FeedRing
        var pulses = EnginePulses()
        /// The counts as the reader last knew them.
        var counts: FeedCounts?
        var subscriptions: [UInt64: FeedSubscription] = [:]
        var nextID: UInt64 = 0
        /// Where the next telling begins among the subscriptions.
        var turn = 0
        /// Whether all agents are known, and all incidents.
        var knowsAgents = false
        var knowsSides = false
        /// When each of the readers last succeeded.
        var readAt: ContinuousClock.Instant?
        var sidesReadAt: ContinuousClock.Instant?
        var isEnding = false

        /// Whether who reads a list now misses nothing afterwards.
        var isComplete: Bool { knowsAgents && knowsSides }
    }

    /// What commits touched, apart from all else: who posts events waits for nobody who watches.
    struct Touches {
        var touched = Touched()
        /// Whether somebody watches.
        var isWatched = false
        /// Whether what was read is still remembered, and so must not grow old unnoticed.
        var isRemembered = false
    }

    /// Names this run of this replica in the ids of events; never the same again.
    let run: String
    let state: Mutex<State>
    /// Locked while ``state`` is, never the other way round.
    let touches = Mutex(Touches())
    let boundCounts = BoundCounts()
    let sources: FeedSources
    private let logger: Logger
    private let bell: AsyncStream<Void>
    let ringer: AsyncStream<Void>.Continuation
    private let sideBell: AsyncStream<Void>
    let sideRinger: AsyncStream<Void>.Continuation

    /// How many may watch at a time; a browser more is told to come back later.
    static let subscriberLimit = 1000
    /// Between two reads at the most, while somebody watches.
    static let interval = Duration.milliseconds(250)
    /// So many of them are between two wakes of a stream on which nothing happens.
    private static let intervalsPerWake = 4
    static let wakeInterval = interval * intervalsPerWake
    /// How long reading goes on when the last watcher has left: it may just be reloading the page, or connecting again.
    ///
    /// A page that lost its stream tries again after 12.5 s at the latest (`live.js`), so that also where all lose theirs at once they
    /// go on where they were. Longer is not worth it: reading costs the same whether anybody watches or not.
    static let linger = Duration.seconds(15)
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
        let run = UUID().uuidString.prefix(8).lowercased()
        self.run = run
        var ring = FeedRing(run: run)
        // So that 0 is no place of the ring: it is the id of what is sent before everything was.
        ring.clear()
        state = Mutex(State(ring: ring))
        (bell, ringer) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        (sideBell, sideRinger) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Says that a commit, of this replica or another, may have changed what is shown of agents, or of instances' agents.
    ///
    /// Cheap, and free while nobody watches.
    func touched(_ news: ChangeNews) {
        let isWatched = touches.withLock { touches in
            guard touches.isWatched || touches.isRemembered else { return false }
            touches.touched.add(news)
            return touches.isWatched
        }
        if isWatched { ringer.yield() }
    }

    /// Reads for as long as somebody watches, until the task is cancelled or shut down gracefully.
    package func run() async throws {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.tick() }
            group.addTask { try? await gracefulShutdown() }  // Cancelled: the same as told to stop.
            group.addTask { await self.read() }
            group.addTask { await self.readSides() }
            await group.next()
            group.cancelAll()
        }
        let left = state.withLock { state in
            state.isEnding = true
            let left = state.subscriptions.values
            state.subscriptions = [:]
            noteWatchers(state)
            return left
        }
        for subscription in left { subscription.end() }
    }

    /// Rings the bells at intervals, and wakes subscribers every second so that they say that they are alive.
    private func tick() async {
        var ticks = 0
        var next = ContinuousClock.now
        while !Task.isCancelled {
            // However long the waking took: a stream that is woken late says late that it is alive.
            next = max(next + Self.interval, .now)
            try? await Task.sleep(until: next, clock: .continuous)  // Cancelled: the loop ends.
            ticks += 1
            if ticks % Self.intervalsPerWake == 0 {
                let subscriptions = state.withLock { $0.inTurn() }
                await Self.each(of: subscriptions) { $0.pulse() }
            }
            ringer.yield()
            sideRinger.yield()
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
            current.watchers = subscriberCount
            let ended = await read(&current, isFailing: &isFailing)
            let pace = ReadPace(watchers: subscriberCount, isComplete: current.isComplete)
            let next = pace.next(began: began, ended: ended)
            if !isFailing { await walk(&current, until: next) }
            if current.isRoundOpen || !current.isComplete || current.hasUntold { ringer.yield() }
            reader = current
            try? await Task.sleep(until: next, clock: .continuous)  // Cancelled: the stream ends too.
        }
    }

    /// Goes on with the round until the next read, a little at a time: an event waits for what is read at once.
    private func walk(_ reader: inout FeedReader, until next: ContinuousClock.Instant) async {
        while reader.hasTime, reader.isRoundOpen, reader.walksNextAt < next, !Task.isCancelled {
            try? await Task.sleep(until: reader.walksNextAt, clock: .continuous)  // Cancelled: the loop ends.
            do { try await reader.walk() } catch { break }  // The next read fails as well, and says so.
        }
    }

    /// Reads once, and tells the subscribers: what was read before a failure as well, since the reader will not find it again.
    ///
    /// A failure is logged when it is the first in a row.
    ///
    /// `isFailing`: whether the database did not answer.
    ///
    /// - Returns: when it had answered, before anybody was told.
    private func read(_ reader: inout FeedReader, isFailing: inout Bool) async -> ContinuousClock.Instant {
        var touched = touches.withLock { $0.touched.take(Self.touchedAtATime) }
        var news: [FeedEvent.Content] = []
        do {
            try await reader.read(&touched, into: &news)
            let ended = ContinuousClock.now
            await tell(news, reader, hasSucceeded: true)
            isFailing = false
            return ended
        } catch {
            let ended = ContinuousClock.now
            touches.withLock { $0.touched.putBack(touched) }
            await tell(news, reader, hasSucceeded: false)
            await note(error, isFailing: isFailing)
            isFailing = true
            return ended
        }
    }

    /// Logs a failure that is the first in a row, and waits before the next attempt.
    private func note(_ error: any Error, isFailing: Bool) async {
        if !isFailing { logger.warning("streams wait for the database", metadata: [LogKeys.error: "\(error)"]) }
        try? await Task.sleep(for: .seconds(1))  // Cancelled: the stream ends too.
    }

    /// Reads what stands beside the agents, for as long as somebody watches; what takes long there keeps no agent's news.
    private func readSides() async {
        var reader: FeedSideReader?
        var watchedAt = ContinuousClock.now
        var isFailing = false
        for await _ in sideBell {
            if isWatched { watchedAt = .now }
            guard watchedAt + Self.linger > .now, isWatched || reader != nil else {
                if reader != nil { forgetSides() }
                reader = nil
                continue
            }
            var current = reader ?? FeedSideReader(sources)
            var news: [FeedEvent.Content] = []
            do {
                let pulses = try await current.read(into: &news)
                await tell(news, pulses, current, hasSucceeded: true)
                isFailing = false
            } catch {
                await tell(news, nil, current, hasSucceeded: false)
                await note(error, isFailing: isFailing)
                isFailing = true
            }
            reader = current
        }
    }

    private func tell(_ news: [FeedEvent.Content], _ reader: FeedReader, hasSucceeded: Bool) async {
        let summary = reader.summary
        let events = news.map { FeedEvent($0) }
        let subscriptions = state.withLock { state in
            let wasComplete = state.isComplete
            for event in events { state.ring.append(event) }
            state.knowsAgents = reader.isComplete
            state.counts = summary.map { FeedCounts(summary: $0, place: state.ring.last) }
            if hasSucceeded { state.readAt = .now }
            noteWatchers(state)
            return news.isEmpty && wasComplete == state.isComplete ? [] : state.inTurn()
        }
        await Self.each(of: subscriptions) { $0.wake() }
    }

    private func tell(
        _ news: [FeedEvent.Content],
        _ pulses: [EnginePulse]?,
        _ reader: FeedSideReader,
        hasSucceeded: Bool
    ) async {
        let events = news.map { FeedEvent($0) }
        let subscriptions = state.withLock { state in
            let wasComplete = state.isComplete
            for event in events { state.ring.append(event) }
            state.knowsSides = reader.isComplete
            let isPulse = pulses.map { state.pulses.take($0) } ?? false
            if hasSucceeded { state.sidesReadAt = .now }
            return news.isEmpty && !isPulse && wasComplete == state.isComplete ? [] : state.inTurn()
        }
        await Self.each(of: subscriptions) { $0.wake() }
    }

    /// Nobody watched for a while: what happens from now on is not noticed.
    private func forget() {
        state.withLock { state in
            state.ring.clear()
            state.counts = nil
            state.knowsAgents = false
            state.readAt = nil
            noteWatchers(state)
            touches.withLock { $0.touched = Touched() }
        }
    }

    /// The same of what stands beside the agents.
    func forgetSides() {
        state.withLock { state in
            // Incidents that come and go from now on are in no ring: nobody goes on from before.
            state.ring.clear()
            state.pulses.forget()
            state.knowsSides = false
            state.sidesReadAt = nil
        }
    }

    private var isWatched: Bool { state.withLock { !$0.subscriptions.isEmpty } }
}

/// The counts as the feed last knew them.
struct FeedCounts: Sendable {
    var summary: Summary
    /// Counts in the ring up to this place are no newer.
    var place: UInt64
}
