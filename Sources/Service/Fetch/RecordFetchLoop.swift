import ClockSources
import Domain
import LibPQ
import Logging
import ServiceLifecycle
import Synchronization

/// Fetches what deliveries only named, off the path of any request, and appends what it says.
///
/// A record is fetched by one replica at a time, and again until there is an answer: a wish is crossed off only after what
/// came of it is committed. What is said twice because of a crash in between, the ledger knows.
struct RecordFetchLoop: Service {
    /// Fetches at a time, over all sources.
    static let width = 8
    /// How often is looked for what became due by itself, or was asked for by another replica.
    static let interval: Duration = .seconds(1)

    /// A source whose deliveries name records.
    struct Sender: Sendable {
        var name: String
        var reader: any RecordNamingSource
        var fetcher: any RecordFetcher
        var admission: DeliveryAdmission
    }

    private let senders: [Int32: Sender]
    private let fetches: RecordFetchQueue
    private let queue: AppendQueue
    private let keeper: DeliveryKeeper
    private let clock: DatabaseClock
    private let logger: Logger

    /// Sources that say all are passed over.
    ///
    /// `sourceIDs`: the surrogate key of each source's name.
    init(
        sources: [ConfiguredSource],
        sourceIDs: [String: Int32],
        fetches: RecordFetchQueue,
        queue: AppendQueue,
        keeper: DeliveryKeeper,
        clock: DatabaseClock,
        skew: Duration,
        logger: Logger
    ) {
        var senders: [Int32: Sender] = [:]
        for source in sources {
            guard let sourceID = sourceIDs[source.name], let fetcher = source.fetcher,
                let reader = source.reader as? any RecordNamingSource
            else { continue }
            senders[sourceID] = Sender(
                name: source.name,
                reader: reader,
                fetcher: fetcher,
                admission: DeliveryAdmission(sourceID: sourceID, matchesAgentID: source.matchesAgentID, skew: skew)
            )
        }
        self.senders = senders
        self.fetches = fetches
        self.queue = queue
        self.keeper = keeper
        self.clock = clock
        self.logger = logger
    }

    /// Fetches until told to stop; what is under way then is given up, and another replica may have it at once.
    func run() async throws {
        guard !senders.isEmpty else {
            try? await gracefulShutdown()  // Cancelled: the same as told to stop.
            return
        }
        await BackgroundTasks.untilShutdown {
            await withDiscardingTaskGroup { group in
                group.addTask {
                    while !Task.isCancelled {
                        fetches.ring()
                        try? await Task.sleep(for: Self.interval)  // Cancelled: the loop ends.
                    }
                }
                let places = Places(count: Self.width)
                for await _ in fetches.rings {
                    for item in await due(limit: places.free) {
                        places.take()
                        group.addTask {
                            await fetch(item)
                            places.giveBack()
                            fetches.ring()
                        }
                    }
                }
                group.cancelAll()
            }
        }
    }

    private func due(limit: Int) async -> [RecordFetchQueue.Item] {
        guard limit > 0 else { return [] }
        do {
            // Whoever is cancelled while the claim is made would not know of it, and could not give it back.
            return try await BackgroundTasks.toTheEnd {
                try await fetches.take(of: senders.keys.sorted(), limit: limit)
            }
        } catch {
            logger.warning("cannot tell which records to fetch", metadata: [LogKeys.error: "\(error)"])
            return []
        }
    }

    private func fetch(_ item: RecordFetchQueue.Item) async {
        guard let sender = senders[item.sourceID] else { return }
        let outcome = await outcome(of: item, from: sender)
        do {
            try await BackgroundTasks.toTheEnd { try await write(outcome, of: item) }
        } catch {
            // The claim ends by itself, and then it is fetched again.
            logger.warning("a fetched record is not settled", metadata: [LogKeys.error: "\(error)"])
        }
    }

    /// What came of a fetch.
    private enum Outcome: Sendable {
        case committed
        /// Why, in one word.
        case failed(String, retryIn: Duration)
        /// This replica stops: that says nothing of the sender.
        case givenUp
    }

    private func write(_ outcome: Outcome, of item: RecordFetchQueue.Item) async throws(PQError) {
        switch outcome {
        case .committed: try await fetches.settle(item)
        case .failed(let failure, let delay): try await fetches.postpone(item, by: delay, failure: failure)
        case .givenUp: try await fetches.release(item)
        }
    }

    private func outcome(of item: RecordFetchQueue.Item, from sender: Sender) async -> Outcome {
        guard !Task.isCancelled else { return .givenUp }
        let path = sender.reader.path(of: item.reference)
        let fetchedAt = clock.now()
        switch await record(at: path, from: sender) {
        case .success(let body):
            if await append(body, of: item, path: path, sender, at: fetchedAt) { return .committed }
            return Task.isCancelled ? .givenUp : .failed("not_committed", retryIn: RecordFetchBackoff.first)
        case .failure(let error):
            if Task.isCancelled, [.unreachable, .timedOut].contains(error.kind) { return .givenUp }
            logger.log(
                level: error.isTransient ? .info : .warning,
                "a record cannot be fetched",
                metadata: [
                    LogKeys.source: "\(sender.name)", LogKeys.reason: "\(error.kind.rawValue)",
                    LogKeys.attempts: "\(item.attempts + 1)",
                ]
            )
            let delay = RecordFetchBackoff.delay(after: error, attempts: item.attempts)
            return .failed(error.kind.rawValue, retryIn: delay)
        }
    }

    private func record(at path: String, from sender: Sender) async -> Result<[UInt8]?, RecordFetchError> {
        do throws(RecordFetchError) {
            return .success(try await sender.fetcher.record(at: path))
        } catch {
            return .failure(error)
        }
    }

    /// Commits what a record says; `false` when it must be tried again.
    private func append(
        _ body: [UInt8]?,
        of item: RecordFetchQueue.Item,
        path: String,
        _ sender: Sender,
        at fetchedAt: Timestamp
    ) async -> Bool {
        let reading = sender.reader.read(body, of: item.reference, fetchedAt: fetchedAt)
        var kept = KeptDelivery(
            fetched: path,
            body: body ?? [],
            reading,
            at: fetchedAt,
            sourceID: item.sourceID
        )
        let events = sender.admission.admit(reading, receivedAt: fetchedAt)
        kept.events = events.map(\.dedupe)
        do {
            guard !events.isEmpty, events.count <= DeliveryAdmission.eventLimit else {
                kept.events = []
                try await keeper.keep(kept)
                return true
            }
            for outcome in try await queue.append(events, delivery: kept) {
                if case .refused = outcome { return false }
            }
            return true
        } catch {
            return false
        }
    }
}

/// How many more fetches may begin.
private final class Places: Sendable {
    private let count: Mutex<Int>

    init(count: Int) { self.count = Mutex(count) }

    var free: Int { count.withLock { $0 } }

    func take() { count.withLock { $0 -= 1 } }

    func giveBack() { count.withLock { $0 += 1 } }
}

/// How long a record waits that could not be fetched.
enum RecordFetchBackoff {
    static let first: Duration = .seconds(1)
    static let longest: Duration = .seconds(900)
    /// After the sender's API asked for less: Personio's cool-down is a minute.
    static let whenLimited: Duration = .seconds(60)
    /// While a person must act first.
    static let whenRefused: Duration = .seconds(300)

    /// Twice as long after each try.
    static func delay(after error: RecordFetchError, attempts: Int) -> Duration {
        let doubled = min(longest, first * (1 << min(max(attempts, 0), 10)))
        return switch error.kind {
        case .unreachable, .timedOut: doubled
        case .rateLimited: max(whenLimited, doubled)
        case .unauthorized, .rejected: max(whenRefused, doubled)
        }
    }
}
