package import ClockSources
package import Domain
import FoundationEssentials
import HTTPTypes
import HummingbirdCore
package import LibPQ

/// Says of a delivery what the real route would do with it, and does nothing.
///
/// Shares ``SourceDesk`` with the route, and what appends share with ``AppendPreview``. Nothing is kept, counted, queued or
/// locked.
package struct DeliveryCheck: Sendable {
    private let desk: SourceDesk
    private let preview: AppendPreview?

    /// A check of deliveries to one source.
    ///
    /// `sourceID`: the source's surrogate key; `nil` for one that no service has run with yet.
    /// `pool`: for reads; `nil` to judge proof and reading alone.
    package init(
        _ source: ConfiguredSource,
        sourceID: Int32?,
        skew: Duration,
        policy: ReconcilePolicy,
        pool: PQPool?
    ) {
        // No row has this number, so that nothing is taken for known.
        desk = SourceDesk(source, sourceID: sourceID ?? -1, skew: skew)
        preview = pool.map { AppendPreview(pool: $0, policy: policy) }
    }

    /// Judges a delivery as if it arrived when it says.
    ///
    /// - Throws: when the database fails; a delivery that is refused is a verdict.
    package func judge(_ delivery: Delivery) async throws -> DeliveryVerdict {
        try await judge(delivery) { delivery, desk in
            Result { () throws(SourceRefusal) in try desk.read(delivery) }
        }
    }

    /// Judges a delivery that is read as the caller says.
    func judge(
        _ delivery: Delivery,
        reading read: (Delivery, SourceDesk) async throws(Problem) -> Result<SourceDesk.Reading, SourceRefusal>
    ) async throws -> DeliveryVerdict {
        if delivery.body.count > desk.source.limits.bodySize {
            return DeliveryVerdict(refusedWith: Problem(.bodyTooLarge), isProved: false, at: delivery.receivedAt)
        }
        let reading: SourceDesk.Reading
        switch try await read(delivery, desk) {
        case .success(let said): reading = said
        case .failure(let error):
            return DeliveryVerdict(
                refusedWith: Problem(error),
                isProved: error.kind != .badProof,
                at: delivery.receivedAt
            )
        }
        guard let preview else { return verdict(reading, nil, at: delivery.receivedAt) }
        let foreseen = try await preview.foresee(reading.events, now: delivery.receivedAt)
        return verdict(reading, foreseen, at: delivery.receivedAt)
    }

    private func verdict(
        _ reading: SourceDesk.Reading,
        _ foreseen: [AppendPreview.Foresight]?,
        at instant: Timestamp
    ) -> DeliveryVerdict {
        var verdict = DeliveryVerdict(reading.said, receivedAt: instant)
        if reading.isTooLong { verdict.reading?.ignored = DeliveryLabel.tooManyItems }
        do throws(Problem) {
            verdict.status = try desk.answer(reading.said, foreseen?.map(\.outcome) ?? []).status.code
        } catch {
            verdict.status = error.status.code
            verdict.problem = error
        }
        verdict.events =
            foreseen?.map { DeliveryVerdict.Event($0) } ?? reading.events.map { DeliveryVerdict.Event($0) }
        return verdict
    }
}

/// What the real route would do with a delivery.
package struct DeliveryVerdict: Sendable {
    /// What would come of an event.
    package enum Fate: String, Sendable {
        case new
        /// It is in the ledger already.
        case replayed
        /// Its id was used before with other content.
        case conflict
        /// It would be kept until somebody maps its agent.
        case unmatched
        /// Nobody looked into the ledger.
        case unknown
    }

    /// One event of the delivery.
    package struct Event: Sendable {
        var event: IncomingEvent
        package var fate: Fate
        var agentID: String?
        var effect: EventEffect?
        var agent: AgentFacts?
    }

    /// Whether the delivery proves that it comes from the source.
    package var isProved: Bool
    /// The HTTP status of the answer.
    package var status: Int
    /// What its sender would be answered instead of a success.
    package var problem: Problem?
    /// When it counts as received.
    package var receivedAt: Timestamp
    /// What it says; `nil` where it was not read.
    package var reading: DeliveryReading?
    package var events: [Event] = []

    /// Whether it would be taken, nothing that it says would be lost, and all of it would be known to be about somebody.
    package var isFine: Bool {
        (200..<300).contains(status) && !(reading?.ignored.map { Self.losses.contains($0) } ?? false)
            && events.allSatisfy { $0.fate != .unmatched && $0.fate != .conflict }
    }

    /// Why there are no events of a delivery that has, or may have, something to say.
    private static let losses: Set<String> = [
        DeliveryLabel.unusable, DeliveryLabel.unmappedWord, DeliveryLabel.noTimeZone, DeliveryLabel.tooManyItems,
    ]

    fileprivate init(refusedWith problem: Problem, isProved: Bool, at receivedAt: Timestamp) {
        self.isProved = isProved
        status = problem.status.code
        self.problem = problem
        self.receivedAt = receivedAt
    }

    fileprivate init(_ reading: DeliveryReading, receivedAt: Timestamp) {
        isProved = true
        status = 200
        self.reading = reading
        self.receivedAt = receivedAt
    }
}

extension DeliveryVerdict.Event {
    fileprivate init(_ foresight: AppendPreview.Foresight) {
        event = foresight.event
        agentID = foresight.agentID
        switch foresight.outcome {
        case .conflict, .outsideTeam, .refused:
            fate = .conflict
        case .receipt(let receipt):
            fate = foresight.isKnown ? .replayed : foresight.agent == nil ? .unmatched : .new
            effect = receipt.effect
            agent = receipt.agent
        }
    }

    fileprivate init(_ event: IncomingEvent) {
        self.event = event
        fate = .unknown
    }
}
