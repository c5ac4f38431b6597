import ClockSources
import Domain
import HTTPTypes
import Hummingbird
import NIOCore

/// How deliveries of one source are read and answered, without anything being done about them.
///
/// Pure: the route and `verify` share it, so that what is said of a delivery is what happens to it.
struct SourceDesk: Sendable {
    let source: ConfiguredSource
    let admission: DeliveryAdmission

    /// `sourceID`: the source's surrogate key.
    init(_ source: ConfiguredSource, sourceID: Int32, skew: Duration) {
        self.source = source
        admission = DeliveryAdmission(sourceID: sourceID, matchesAgentID: source.matchesAgentID, skew: skew)
    }

    var sourceID: Int32 { admission.sourceID }

    /// What a genuine delivery says, and the events that come of it.
    struct Reading: Sendable {
        var said: DeliveryReading
        /// Empty where there are none, and where there are more than ``DeliveryAdmission/eventLimit``.
        var events: [IncomingEvent]
        /// The delivery as it is kept.
        var kept: KeptDelivery

        /// Whether it says more than is taken from one delivery: its sender hears 200, and people are told of the loss.
        var isTooLong: Bool { kept.reading == DeliveryLabel.tooManyItems }
    }

    /// Proves and reads a delivery.
    ///
    /// - Throws: what its sender is answered instead.
    func read(_ delivery: Delivery) throws(SourceRefusal) -> Reading {
        let said = try source.reader.read(delivery)
        var events = admission.admit(said, receivedAt: delivery.receivedAt)
        if events.count > DeliveryAdmission.eventLimit { events = [] }
        var kept = KeptDelivery(delivery, said, sourceID: sourceID)
        kept.events = events.map(\.dedupe)
        return Reading(said: said, events: events, kept: kept)
    }

    /// What counts for the source once a delivery is committed.
    func outcome(of reading: Reading, _ outcomes: [AppendOutcome]) -> SourceOutcome {
        reading.said.fetch != nil ? .accepted : SourceOutcome(outcomes)
    }

    /// What is lost of a delivery that is committed, for whoever looks at the source; its sender could do nothing about it.
    func loss(of reading: Reading, _ outcomes: [AppendOutcome]) -> Problem? {
        if reading.isTooLong {
            return Problem(
                .tooManyItems,
                "It says more than is taken from one body: it is kept, and nothing of it counts."
            )
        }
        guard outcome(of: reading, outcomes) == .conflict else { return nil }
        return Problem(.idempotencyConflict, "Its id was used before with other content, and nothing in it is new.")
    }

    /// The answer to a delivery that is committed: what its sender's rules prescribe, else what became of each event.
    ///
    /// 200 also when nothing could be made of it: senders retry for nothing, or switch the feed off, when they get
    /// anything else. Only who writes for us is told of an id used twice: 422, or 207 among several events.
    func answer(_ reading: DeliveryReading, _ outcomes: [AppendOutcome]) throws(Problem) -> Response {
        // A sender that hears 2xx never comes again.
        for outcome in outcomes {
            if case .refused = outcome { _ = try outcome.receipt.get() }
        }
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

extension Problem {
    /// What the sender of a delivery is told that is turned away.
    init(_ refusal: SourceRefusal) {
        switch refusal.kind {
        case .badProof: self.init(.unauthenticated, refusal.description)
        case .missingKey, .malformed: self.init(.malformedJSON, refusal.description)
        case .unsupportedFormat: self.init(.unsupportedMediaType, refusal.description)
        case .tooManyItems: self.init(.tooManyItems, refusal.description)
        }
    }
}

extension Delivery {
    /// A request as a delivery.
    ///
    /// `path`: the part of the path behind `/events/`, as it came.
    init(_ request: Request, path: Substring?, body: [UInt8], receivedAt: Timestamp) {
        self.init(
            method: request.method.rawValue,
            headers: request.headers.map { ($0.name.rawName, $0.value) },
            body: body,
            query: request.uri.query,
            token: path.flatMap { percentDecoded($0) },
            receivedAt: receivedAt
        )
    }
}

extension Response {
    /// The answer that a sender's own rules prescribe.
    init(_ answer: DeliveryAnswer) {
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
