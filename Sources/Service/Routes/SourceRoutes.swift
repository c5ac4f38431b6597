import ClockSources
import Domain
import HTTPTypes
import Hummingbird
import LibPQ
import Logging
import NIOCore

/// `POST /v1/sources/{source}/events`: a vendor's webhook in the vendor's format, proved by the vendor's own proof.
///
/// A delivery whose proof fails leaves nothing but a count and a line. One that is genuine is committed, raw and as events,
/// before its 2xx, and is answered within a second of its last byte, if only to say that it must come again.
struct SourceRoutes: Sendable {
    private let sources: [String: OpenSource]
    private let queue: AppendQueue
    private let keeper: DeliveryKeeper
    private let journal: SourceJournal
    private let clock: DatabaseClock
    private let limits: BodyLimits
    private let room: ReadingRoom
    private let logger: Logger

    /// A source with what belongs to it while it is served.
    private struct OpenSource: Sendable {
        var desk: SourceDesk
        var budget: DeliveryBudget
    }

    init(
        desks: [SourceDesk],
        queue: AppendQueue,
        keeper: DeliveryKeeper,
        journal: SourceJournal,
        clock: DatabaseClock,
        limits: BodyLimits,
        room: ReadingRoom,
        logger: Logger
    ) {
        sources = Dictionary(
            desks.map { desk in
                let budget = DeliveryBudget(perSecond: desk.source.limits.deliveriesPerSecond)
                return (desk.source.name, OpenSource(desk: desk, budget: budget))
            }
        ) { first, _ in first }
        self.queue = queue
        self.keeper = keeper
        self.journal = journal
        self.clock = clock
        self.limits = limits
        self.room = room
        self.logger = logger
    }

    func add(to router: some RouterMethods<AppRequestContext>) {
        for path: RouterPath in ["/v1/sources/:source/events", "/v1/sources/:source/events/:token"] {
            router.post(path) { request, context in try await self.take(request, context) }
            router.on(path, method: .options) { request, context in try self.consent(request, context) }
        }
    }

    /// Tells a sender that asks before it sends whether we want what it has.
    private func consent(_ request: Request, _ context: AppRequestContext) throws(Problem) -> Response {
        let open = try source(context)
        guard let answer = open.desk.source.reader.consent(to: delivery(request, context, body: [])) else {
            throw Problem(.methodNotAllowed)
        }
        return Response(answer)
    }

    /// Takes a delivery, and notes what came of it.
    private func take(_ request: Request, _ context: AppRequestContext) async throws(Problem) -> Response {
        let open = try source(context)
        var isProved = false
        do throws(Problem) {
            let (reading, deadline) = try await read(request, context, open)
            isProved = true
            return try await settle(reading, by: deadline, request, open.desk)
        } catch {
            journal.refuse(error, of: open.desk.sourceID, request, isProved: isProved, at: clock.now())
            throw error
        }
    }

    /// Proves and reads a delivery, and says by when its sender is answered.
    private func read(
        _ request: Request,
        _ context: AppRequestContext,
        _ open: OpenSource
    ) async throws(Problem) -> (SourceDesk.Reading, deadline: ContinuousClock.Instant) {
        guard open.budget.take() else { throw Problem(.rateLimited, retryAfter: 1) }
        var limits = limits
        limits.sizeLimit = min(limits.sizeLimit, open.desk.source.limits.bodySize)
        let buffer = try await collectBody(request, context: context, limits: limits)
        // The sender's patience begins here: reading takes of it too.
        let deadline = ContinuousClock.now + AnswerDeadlines.limit
        let delivery = delivery(request, context, body: Array(buffer.readableBytesView))
        let reading = try accept(
            try await room.read(delivery, open.desk, by: deadline, on: context.channel.eventLoop),
            open.desk
        )
        return (reading, deadline)
    }

    /// Commits what a genuine delivery says, and counts it.
    private func settle(
        _ reading: SourceDesk.Reading,
        by deadline: ContinuousClock.Instant,
        _ request: Request,
        _ desk: SourceDesk
    ) async throws(Problem) -> Response {
        let outcomes = try await commit(reading, by: deadline)
        let answer = try desk.answer(reading.said, outcomes)
        if let loss = desk.loss(of: reading, outcomes) {
            journal.refuse(loss, of: desk.sourceID, request, at: clock.now())
        } else {
            journal.count(desk.outcome(of: reading, outcomes), of: desk.sourceID, at: clock.now())
        }
        return answer
    }

    private func source(_ context: AppRequestContext) throws(Problem) -> OpenSource {
        guard let open = sources[try context.pathParameter("source")] else { throw Problem(.notFound) }
        return open
    }

    private func delivery(_ request: Request, _ context: AppRequestContext, body: [UInt8]) -> Delivery {
        Delivery(request, path: context.parameters.get("token").map { $0[...] }, body: body, receivedAt: clock.now())
    }

    private func accept(
        _ reading: Result<SourceDesk.Reading, SourceRefusal>,
        _ desk: SourceDesk
    ) throws(Problem) -> SourceDesk.Reading {
        do throws(SourceRefusal) {
            return try reading.get()
        } catch {
            logger.warning(
                "delivery refused",
                metadata: [LogKeys.source: "\(desk.source.name)", LogKeys.reason: "\(error.kind.rawValue)"]
            )
            throw Problem(error)
        }
    }

    /// Commits what a delivery says, or that it says nothing, with its raw body.
    private func commit(
        _ reading: SourceDesk.Reading,
        by deadline: ContinuousClock.Instant
    ) async throws(Problem) -> [AppendOutcome] {
        guard !reading.events.isEmpty else {
            try await keeper.keep(reading.kept, fetching: reading.said.fetch, by: deadline)
            return []
        }
        do {
            return try await queue.append(reading.events, delivery: reading.kept, by: deadline)
        } catch {
            throw Problem(error == .databaseUnavailable ? .databaseUnavailable : .overloaded, retryAfter: 1)
        }
    }
}

extension SourceJournal {
    /// Counts and notes a request that is answered with a problem.
    ///
    /// `isProved`: whether it got as far as its proof, and that is right.
    func refuse(_ problem: Problem, of source: Int32, _ request: Request, isProved: Bool = true, at now: Timestamp) {
        let outcome = SourceOutcome(problem)
        refuse(outcome, of: source, isProved: isProved, at: now) {
            SourceRefusalNote(
                at: now,
                reason: outcome,
                detail: problem.detail,
                size: request.headers[.contentLength].flatMap { Int($0) },
                contentType: request.headers[.contentType].map { Self.note($0) },
                userAgent: request.headers[.userAgent].map { Self.note($0) }
            )
        }
    }

    /// A header's value as it is noted: cut, and without what no text may hold.
    private static func note(_ value: String) -> String {
        let scalars = value.unicodeScalars.filter { !$0.isControl }.prefix(SourceRefusalNote.textLimit)
        return String(String.UnicodeScalarView(scalars))
    }
}
