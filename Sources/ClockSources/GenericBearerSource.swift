import Domain

extension SourceKind {
    package static let genericBearer = SourceKind(
        "generic-bearer",
        matchesAgentID: true,
        refusesConflicts: true,
        makeSource: GenericBearerSource.init
    )
}

/// Any system that can be told to send our clock events with a secret: in `Authorization: Bearer`, in a
/// header of its own, or at the end of the path.
///
/// The body is one event or a list of them (``PlainEvent``). The secret proves the sender, not the body,
/// and nothing dates the attempt; an `Idempotency-Key` makes a retry safe.
package struct GenericBearerSource: ClockSource {
    private let secret: SharedSecret
    private let map: [String: PunchKind]
    private let requireKey: Bool

    package init(_ settings: SourceSettings) throws(SourceSettingsError) {
        secret = try SharedSecret(settings)
        map = settings.map
        requireKey = settings.requireKey
    }

    package func read(_ delivery: Delivery) throws(SourceRefusal) -> DeliveryReading {
        guard secret.isShown(by: delivery) else { throw SourceRefusal(.badProof) }
        let key = delivery.header("idempotency-key").flatMap(Identifier.init(idempotencyKey:))?.text
        let body = try PlainBody(delivery.body)
        if requireKey, key == nil, body.lacksAnID { throw SourceRefusal(.missingKey) }
        return body.reading(
            map: map,
            receivedAt: delivery.receivedAt,
            undatedAt: delivery.receivedAt,
            deliveryID: key
        )
    }
}
