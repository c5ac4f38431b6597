import ClockSources
import Domain
import HTTPTypes
import Hummingbird
import LibPQ
import Logging
import NIOCore

/// `POST /v1/sources/{source}/events`: a vendor's webhook in the vendor's format, proved by the vendor's own proof.
///
/// A delivery whose proof fails leaves nothing. One that is genuine is committed, raw and as events, before its 2xx, and
/// is answered within a second of its last byte, if only to say that it must come again.
struct SourceRoutes: Sendable {
    private let sources: [String: OpenSource]
    private let queue: AppendQueue
    private let keeper: DeliveryKeeper
    private let clock: DatabaseClock
    private let limits: BodyLimits
    private let logger: Logger

    /// A source with what belongs to it while it is served.
    private struct OpenSource: Sendable {
        var source: ConfiguredSource
        var admission: DeliveryAdmission
        var budget: DeliveryBudget
    }

    /// `sourceIDs`: the surrogate key of each source's name; a source without one is not served.
    init(
        sources: [ConfiguredSource],
        sourceIDs: [String: Int32],
        queue: AppendQueue,
        keeper: DeliveryKeeper,
        clock: DatabaseClock,
        skew: Duration,
        limits: BodyLimits,
        logger: Logger
    ) {
        var open: [String: OpenSource] = [:]
        for source in sources {
            guard let sourceID = sourceIDs[source.name] else { continue }
            open[source.name] = OpenSource(
                source: source,
                admission: DeliveryAdmission(sourceID: sourceID, matchesAgentID: source.matchesAgentID, skew: skew),
                budget: DeliveryBudget(perSecond: source.limits.deliveriesPerSecond)
            )
        }
        self.sources = open
        self.queue = queue
        self.keeper = keeper
        self.clock = clock
        self.limits = limits
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
        guard let answer = open.source.reader.consent(to: delivery(request, context, body: [])) else {
            throw Problem(.methodNotAllowed)
        }
        return Response(answer)
    }

    private func take(_ request: Request, _ context: AppRequestContext) async throws(Problem) -> Response {
        let open = try source(context)
        guard open.budget.take() else { throw Problem(.rateLimited, retryAfter: 1) }
        var limits = limits
        limits.sizeLimit = min(limits.sizeLimit, open.source.limits.bodySize)
        let buffer = try await collectBody(request, context: context, limits: limits)
        let delivery = delivery(request, context, body: Array(buffer.readableBytesView))
        let reading = try read(delivery, open.source)
        let outcomes = try await commit(reading, delivery, open)
        // A sender that hears 2xx never comes again.
        for outcome in outcomes {
            if case .refused = outcome { _ = try outcome.receipt.get() }
        }
        return try answer(reading, outcomes, to: open.source)
    }

    private func source(_ context: AppRequestContext) throws(Problem) -> OpenSource {
        guard let open = sources[try context.pathParameter("source")] else { throw Problem(.notFound) }
        return open
    }

    private func delivery(_ request: Request, _ context: AppRequestContext, body: [UInt8]) -> Delivery {
        Delivery(
            method: request.method.rawValue,
            headers: request.headers.map { ($0.name.rawName, $0.value) },
            body: body,
            query: request.uri.query,
            token: context.parameters.get("token").flatMap { percentDecoded($0) },
            receivedAt: clock.now()
        )
    }

    private func read(_ delivery: Delivery, _ source: ConfiguredSource) throws(Problem) -> DeliveryReading {
        do throws(SourceRefusal) {
            return try source.reader.read(delivery)
        } catch {
            logger.warning(
                "delivery refused",
                metadata: ["source": "\(source.name)", "reason": "\(error.kind.rawValue)"]
            )
            switch error.kind {
            case .badProof: throw Problem(.unauthenticated, error.description)
            case .missingKey, .malformed: throw Problem(.malformedJSON, error.description)
            case .unsupportedFormat: throw Problem(.unsupportedMediaType, error.description)
            }
        }
    }

    /// Commits what a delivery says, or that it says nothing, with its raw body.
    private func commit(
        _ reading: DeliveryReading,
        _ delivery: Delivery,
        _ open: OpenSource
    ) async throws(Problem) -> [AppendOutcome] {
        let kept = KeptDelivery(delivery, reading, sourceID: open.admission.sourceID)
        let events = open.admission.admit(reading, receivedAt: delivery.receivedAt)
        guard !events.isEmpty, events.count <= DeliveryAdmission.eventLimit else {
            try await keeper.keep(kept, fetching: reading.fetch)
            return []
        }
        do {
            return try await queue.append(events, delivery: kept, isUrgent: true)
        } catch {
            throw Problem(error == .databaseUnavailable ? .databaseUnavailable : .overloaded, retryAfter: 1)
        }
    }

    /// The answer to a delivery that is committed: what its sender's rules prescribe, else what became of each event.
    ///
    /// 200 also when nothing could be made of it: senders retry for nothing, or switch the feed off, when they get
    /// anything else. Only who writes for us is told of an id used twice: 422, or 207 among several events.
    private func answer(
        _ reading: DeliveryReading,
        _ outcomes: [AppendOutcome],
        to source: ConfiguredSource
    ) throws(Problem) -> Response {
        if let answer = reading.answer { return Response(answer) }
        var hasConflict = false
        for case .conflict in outcomes { hasConflict = true }
        let isTold = hasConflict && source.refusesConflicts
        if isTold, outcomes.count == 1 { throw Problem(.idempotencyConflict) }
        var buffer = ByteBuffer()
        var object = JSONObjectWriter(&buffer)
        object.member("delivery_id", reading.deliveryID, into: &buffer)
        object.member("ignored", reading.ignored, into: &buffer)
        object.name("results", into: &buffer)
        buffer.writeJSONArray(outcomes) { outcome, buffer in
            switch outcome.receipt {
            case .success(let receipt): receipt.write(to: &buffer)
            case .failure(let problem): problem.write(to: &buffer)
            }
        }
        object.name("warnings", into: &buffer)
        buffer.writeJSONArray(reading.warnings) { $1.writeJSON($0) }
        object.end(&buffer)
        return Response(
            status: isTold ? .init(code: 207, reasonPhrase: "Multi-Status") : .ok,
            headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: buffer)
        )
    }
}

extension Response {
    /// The answer that a sender's own rules prescribe.
    fileprivate init(_ answer: DeliveryAnswer) {
        var headers = HTTPFields()
        for (name, value) in answer.headers {
            guard let name = HTTPField.Name(name) else { continue }
            headers[name] = value
        }
        if answer.body != nil, headers[.contentType] == nil { headers[.contentType] = "application/json" }
        self.init(
            status: HTTPResponse.Status(code: answer.status),
            headers: headers,
            body: answer.body.map { ResponseBody(byteBuffer: ByteBuffer(string: $0)) } ?? ResponseBody()
        )
    }
}
