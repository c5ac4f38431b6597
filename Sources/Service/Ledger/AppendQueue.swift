import Domain
import LibPQ
import Logging
import Synchronization

/// Why events were not taken.
///
/// Nothing of a refused request is in the ledger, or its sender will be told so by a replay.
enum AppendRefusal: Error, Sendable, Hashable {
    /// More than ``AppendQueue/waitingLimit`` events wait.
    case overloaded
    /// The database did not commit in time.
    case databaseUnavailable
    /// The service is shutting down.
    case closing
}

/// Group commit: events that come while a batch commits go into the next one.
///
/// Two writers overlap once there is enough for both, so that one batch folds while the other waits for its fsync; with
/// less, two half batches cost more than one whole. For the same reason a batch waits a moment for the senders that just got
/// their answers. The writers run on the pool's own thread. A batch that fails for a reason
/// that is not transient, or that takes the database too long, is halved until the culprit stands alone; a transient failure or
/// an unknown commit is tried again on another connection, which is safe since each event's identity is fixed before the
/// first try.
package final class AppendQueue: Sendable {
    /// Events that may wait; more are refused with `overloaded`.
    static let waitingLimit = 4096
    /// Events of one request that wait at a time, so that a long one leaves room for others; the rest follows them.
    static let portion = 1024
    /// Events of long requests that may follow; more are refused with `overloaded`.
    static let followingLimit = 15 * 1024
    /// Events of one request.
    static let requestLimit = portion + followingLimit
    /// Events in one batch.
    static let batchLimit = 512
    /// Batches under way at a time.
    static let writers = 2
    /// Events that must wait before a second batch begins beside one that is under way.
    static let overlapFrom = 96
    /// A batch that is under way for so long keeps nobody waiting: the second begins with whatever there is.
    static let slowFrom: Duration = .milliseconds(250)
    /// How long a transient failure is retried, from the moment the batch was taken.
    static let retryFor: Duration = .milliseconds(700)
    static let retryPause: Duration = .milliseconds(50)
    /// How long the parts of a batch that took too long are tried by halves, from the moment it was taken: most of them are
    /// committed by then, and where the database hangs they would only hang one after the other.
    static let halveFor: Duration = .seconds(8)

    /// One event of one request.
    struct Waiting: Sendable {
        var event: IncomingEvent
        var ticket: AppendTicket
        var place: Int
        /// The body it came in, with the first event of a vendor's delivery.
        var delivery: KeptDelivery?
    }

    private let state = Mutex(State())
    private let deadlines = AnswerDeadlines()
    /// Signals that a batch is being gathered, and until when.
    private let gatherings: AsyncStream<ContinuousClock.Instant>
    private let gatheringSignal: AsyncStream<ContinuousClock.Instant>.Continuation
    private let transaction: AppendTransaction
    private let carryOut: @Sendable (AppendTransaction.Result) -> Void
    private let logger: Logger
    private let meters: AppendMeters

    /// `carryOut`: told of every committed batch, at once and without waiting.
    init(
        transaction: AppendTransaction,
        meters: AppendMeters,
        logger: Logger,
        carryOut: @escaping @Sendable (AppendTransaction.Result) -> Void
    ) {
        self.transaction = transaction
        self.meters = meters
        self.logger = logger
        self.carryOut = carryOut
        (gatherings, gatheringSignal) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Commits events, each with its own outcome, in order.
    ///
    /// `events`: 1 to ``requestLimit`` validated events.
    /// `delivery`: the body they came in, committed with the first of them.
    /// `deadline`: when the answer must be there; events that are not committed by then are refused, though they may be
    /// committed later, which their sender learns by sending them again.
    /// Returns as many outcomes once every event is committed.
    func append(
        _ events: [IncomingEvent],
        delivery: KeptDelivery? = nil,
        by deadline: ContinuousClock.Instant? = nil
    ) async throws(AppendRefusal) -> [AppendOutcome] {
        let ticket = AppendTicket(count: events.count)
        let answer = await withCheckedContinuation { (continuation: CheckedContinuation<AppendTicket.Answer, Never>) in
            ticket.wait(continuation)
            let refusal: AppendRefusal? = state.withLock { state in
                if state.isClosed { return .closing }
                return state.add(events, delivery: delivery, ticket: ticket) ? nil : .overloaded
            }
            if let refusal { return ticket.refuse(refusal) }
            if let deadline { deadlines.add(ticket, at: deadline) }
            wakeWriter()
        }
        return try answer.get()
    }

    /// Runs the writers until ``close()`` and until everything taken by then has its answer.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.runWriters() }
            group.addTask { await self.deadlines.watch() }
            group.addTask { await self.watchStalls() }
            await group.next()  // The watches never end by themselves.
            group.cancelAll()
        }
    }

    private func runWriters() async {
        await withDiscardingTaskGroup { group in
            for _ in 0..<Self.writers {
                group.addTask(executorPreference: transaction.pool.executor) {
                    while case let batch = await self.nextBatch(), !batch.isEmpty { await self.commit(batch) }
                }
            }
            group.addTask {
                for await instant in self.gatherings {
                    try? await Task.sleep(until: instant)  // Cancelled only at the very end: then at once.
                    self.state.withLock { $0.hasTimer = false }
                    self.wakeWriter()
                }
            }
        }
    }

    /// Takes no more events; ``run()`` ends once those taken are committed.
    func close() {
        let due = state.withLock { $0.close() }
        for (writer, batch) in due { writer.resume(returning: batch) }
        gatheringSignal.finish()
    }

    private func wakeWriter() {
        let now = ContinuousClock.now
        let step = state.withLock { state -> Step in
            guard !state.idleWriters.isEmpty else { return .rest }
            switch state.next(idleOthers: state.idleWriters.count - 1, now: now) {
            case .begin: return .begin(state.idleWriters.removeLast(), state.takeBatch())
            case .gather(let instant): return .gather(until: instant)
            case .rest: return .rest
            }
        }
        perform(step)
    }

    /// The next batch; empty once the queue is closed and drained.
    private func nextBatch() async -> [Waiting] {
        await withCheckedContinuation { continuation in
            let now = ContinuousClock.now
            let step = state.withLock { state -> Step in
                let next = state.next(idleOthers: state.idleWriters.count, now: now)
                if case .begin = next { return .begin(continuation, state.takeBatch()) }
                if state.isClosed { return .begin(continuation, []) }
                state.idleWriters.append(continuation)
                if case .gather(let instant) = next { return .gather(until: instant) }
                return .rest
            }
            perform(step)
        }
    }

    private func perform(_ step: Step) {
        switch step {
        case .begin(let writer, let batch): writer.resume(returning: batch)
        case .gather(let instant): gatheringSignal.yield(instant)
        case .rest: break
        }
    }

    private enum Step {
        case begin(CheckedContinuation<[Waiting], Never>, [Waiting])
        case gather(until: ContinuousClock.Instant)
        case rest
    }

    /// Refuses whoever waits while the database takes nothing, until the task is cancelled; what waits behind a slow batch goes
    /// on beside it.
    ///
    /// What is under way may still be committed, which its sender learns by sending it again.
    private func watchStalls() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: AppendStall.resolution)  // Cancelled: the loop ends.
            let now = ContinuousClock.now
            let refused = state.withLock { state in state.stall.stalled(at: now).map { $0 + state.takeAll() } }
            for waiting in refused ?? [] { waiting.ticket.refuse(.databaseUnavailable) }
            wakeWriter()
        }
    }

    /// `takenAt`: when the batch was taken that this is a part of; `nil` for a whole one.
    private func commit(_ batch: [Waiting], takenAt: ContinuousClock.Instant? = nil) async {
        let began = ContinuousClock.now
        let number = state.withLock { $0.begin(batch, at: began) }
        let tried = TriedCommands()
        var isCommitted = false
        defer { state.withLock { $0.end(number, isCommitted: isCommitted, at: .now) } }
        do {
            transaction.crashPoints.reach(.appendTaken)
            let result = try await commitInTime(batch, tried, began: began)
            isCommitted = true
            transaction.crashPoints.reach(.appendCommitted)
            carryOut(result)
            transaction.crashPoints.reach(.appendCarriedOut)
            let ended = ContinuousClock.now
            meters.committed(batch.count, in: ended - began)
            state.withLock { $0.gathering = Gathering(after: batch.count, waiting: $0.waiting.count, at: ended) }
            for (waiting, outcome) in zip(batch, result.outcomes) {
                waiting.ticket.settle(waiting.place, outcome)
            }
        } catch {
            let lost = tried.lost
            if !lost.isEmpty { carryOut(AppendTransaction.Result(outcomes: [], plans: [], lost: lost)) }
            await refuse(batch, error, takenAt: takenAt ?? began)
        }
    }

    private func commitInTime(
        _ batch: [Waiting],
        _ tried: TriedCommands,
        began: ContinuousClock.Instant
    ) async throws -> AppendTransaction.Result {
        let (events, deliveries) = (batch.map(\.event), batch.deliveries)
        while true {
            do {
                var result = try await transaction.run(events, deliveries: deliveries, tried: tried)
                tried.committed()
                result.lost = tried.lost
                return result
            } catch {
                tried.failed(error)
                guard Self.mayPass(error), ContinuousClock.now - began < Self.retryFor else { throw error }
                logger.debug("append batch failed, trying again", metadata: [LogKeys.error: "\(error)"])
                if error is PQError {
                    try? await Task.sleep(for: Self.retryPause)  // Cancelled only at the very end: then at once.
                }
            }
        }
    }

    private func refuse(_ batch: [Waiting], _ error: any Error, takenAt: ContinuousClock.Instant) async {
        let error = error as? PQError
        let isTheDatabases = Self.isTheDatabases(error)
        // At the end its sender finds another replica sooner than the culprit is found here.
        let tookTooLong = error?.isTimeOut == true && !state.withLock { $0.isClosed }
        if batch.count > 1, tookTooLong || !isTheDatabases {
            let half = batch.count / 2
            for part in [Array(batch[..<half]), Array(batch[half...])] {
                if tookTooLong, ContinuousClock.now - takenAt >= Self.halveFor {
                    giveUp(part, error, takenAt: takenAt)
                } else {
                    await commit(part, takenAt: takenAt)
                }
            }
        } else if isTheDatabases {
            giveUp(batch, error, takenAt: takenAt)
        } else {
            meters.refused(1)
            logger.error("event refused by the database", metadata: Self.metadata(batch, error))
            for waiting in batch { waiting.ticket.settle(waiting.place, .refused) }
        }
    }

    /// Refuses what the database did not take in time.
    ///
    /// What waits behind a batch that failed for as long as we try would only hear the same later, unless others were committed
    /// meanwhile; so it is, too, where a commit waited for a standby that is lost.
    private func giveUp(_ batch: [Waiting], _ error: PQError?, takenAt: ContinuousClock.Instant) {
        logger.warning("events not committed", metadata: Self.metadata(batch, error))
        let others = state.withLock { state -> [Waiting] in
            guard let error, !error.isTimeOut || state.committedAt < takenAt else { return [] }
            return state.takeAll()
        }
        let refused = batch + others
        meters.refused(refused.count)
        for waiting in refused { waiting.ticket.refuse(.databaseUnavailable) }
    }

    private static func metadata(_ batch: [Waiting], _ error: PQError?) -> Logger.Metadata {
        [LogKeys.error: "\(error?.description ?? "cancelled")", LogKeys.count: "\(batch.count)"]
    }
}
