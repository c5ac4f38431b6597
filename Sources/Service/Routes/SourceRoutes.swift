package import ClockSources
import Crypto
import Domain
import FoundationEssentials
import HTTPTypes
import Hummingbird
import LibPQ
import Logging
import NIOCore

/// One configured sender and how its deliveries are read.
package struct ConfiguredSource: Sendable {
    package var name: String
    package var reader: any ClockSource
    /// Whether an external id that equals an agent id matches without an alias.
    package var matchesAgentID: Bool

    package init(name: String, reader: any ClockSource, matchesAgentID: Bool) {
        self.name = name
        self.reader = reader
        self.matchesAgentID = matchesAgentID
    }
}

/// `POST /v1/sources/{source}/events`: a vendor's webhook in the vendor's format, proved by the vendor's own proof.
struct SourceRoutes: Sendable {
    let sources: [String: ConfiguredSource]
    /// The surrogate key of each source's name.
    let sourceIDs: [String: Int32]
    let queue: AppendQueue
    let pool: PQPool
    let clock: DatabaseClock
    let skew: Duration
    let limits: BodyLimits
    let logger: Logger

    func add(to router: some RouterMethods<AppRequestContext>) {
        router.post("/v1/sources/:source/events") { request, context in try await self.take(request, context) }
        router.post("/v1/sources/:source/events/:token") { request, context in try await self.take(request, context) }
    }

    private func take(_ request: Request, _ context: AppRequestContext) async throws -> Response {
        let name = try context.pathParameter("source")
        guard let source = sources[name], let sourceID = sourceIDs[name] else { throw Problem(.notFound) }
        let buffer = try await collectBody(request, context: context, limits: limits)
        let delivery = Delivery(
            headers: request.headers.map { ($0.name.rawName, $0.value) },
            body: Array(buffer.readableBytesView),
            query: request.uri.query,
            token: context.parameters.get("token").flatMap { percentDecoded($0) },
            receivedAt: clock.now()
        )
        let reading: DeliveryReading
        do {
            reading = try source.reader.read(delivery)
        } catch {
            logger.warning("delivery refused", metadata: ["source": "\(name)", "reason": "\(error.kind.rawValue)"])
            throw Problem(error.status == 401 ? .unauthenticated : .malformedJSON, error.description)
        }
        let kept = kept(delivery, reading, sourceID: sourceID)
        let events = reading.punches.enumerated().map { index, punch in
            event(punch, at: index, of: reading, delivery, source, sourceID)
        }
        let outcomes = try await events.isEmpty ? keep(kept) : append(events, kept)
        // A sender that hears 2xx never comes again.
        for outcome in outcomes {
            if case .refused = outcome { _ = try outcome.receipt.get() }
        }
        return answer(reading, outcomes)
    }

    /// What is kept of a delivery: credentials in headers are not.
    private func kept(_ delivery: Delivery, _ reading: DeliveryReading, sourceID: Int32) -> KeptDelivery {
        var headers = ByteBuffer()
        var separator = "{"
        for name in Self.keptHeaders.sorted() {
            guard let value = delivery.header(name) else { continue }
            headers.writeString(separator)
            headers.writeJSON(name)
            headers.writeString(":")
            headers.writeJSON(value)
            separator = ","
        }
        headers.writeString(separator == "{" ? "{}" : "}")
        return KeptDelivery(
            sourceID: sourceID,
            receivedAt: delivery.receivedAt,
            deliveryID: reading.deliveryID,
            headers: String(buffer: headers),
            body: delivery.body,
            reading: reading.ignored ?? "\(reading.punches.count) punches"
        )
    }

    /// Keeps a delivery that no event comes of.
    private func keep(_ delivery: KeptDelivery) async throws(Problem) -> [AppendOutcome] {
        do {
            _ = try await pool.execute(LedgerStatements.keep([delivery]))
            return []
        } catch {
            throw Problem(error)
        }
    }

    /// Headers worth keeping; none of them proves anything.
    private static let keptHeaders: Set<String> = ["content-type", "user-agent", "square-environment", "webhook-id"]

    private func event(
        _ punch: SourcePunch,
        at index: Int,
        of reading: DeliveryReading,
        _ delivery: Delivery,
        _ source: ConfiguredSource,
        _ sourceID: Int32
    ) -> IncomingEvent {
        let identity: UUID
        if let record = punch.record {
            identity = EventIdentity.ofRecord(
                record,
                version: punch.version,
                kind: punch.kind,
                ordinal: punch.ordinal,
                sourceID: sourceID
            )
        } else if let eventID = punch.eventID {
            identity = EventIdentity.named(eventID, sourceID: sourceID)
        } else {
            identity = EventIdentity.unnamed(
                agentID: punch.externalAgent ?? "",
                kind: punch.kind,
                occurredAt: punch.occurredAt,
                sourceID: sourceID
            )
        }
        return IncomingEvent(
            dedupe: identity,
            sourceID: sourceID,
            externalID: punch.externalAgent,
            matchesAgentID: source.matchesAgentID,
            kind: punch.kind,
            ordinal: punch.ordinal,
            occurredAt: punch.occurredAt,
            hasOwnTime: punch.record == nil,
            receivedAt: delivery.receivedAt,
            effectiveAt: IncomingEvent.effectiveAt(
                occurredAt: punch.occurredAt,
                receivedAt: delivery.receivedAt,
                skew: skew
            ),
            eventID: punch.eventID ?? reading.deliveryID ?? identity.uuidString.lowercased(),
            record: punch.record,
            version: punch.version,
            warnings: reading.warnings
        )
    }

    private func append(
        _ events: [IncomingEvent],
        _ delivery: KeptDelivery
    ) async throws(Problem) -> [AppendOutcome] {
        do {
            return try await queue.append(events, delivery: delivery)
        } catch {
            throw Problem(error == .databaseUnavailable ? .databaseUnavailable : .overloaded, retryAfter: 1)
        }
    }

    /// Genuine deliveries always get 200, also when nothing could be made of them: senders retry for nothing, or switch
    /// the feed off, when they get anything else.
    private func answer(_ reading: DeliveryReading, _ outcomes: [AppendOutcome]) -> Response {
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
            status: .ok,
            headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: buffer)
        )
    }
}
