import Domain

extension SourceKind {
    package static let rfc9421 = SourceKind("rfc9421", matchesAgentID: true, makeSource: RFC9421Source.init)
}

/// Senders that sign the HTTP request itself (RFC 9421), with a body in our own words.
///
/// The body counts only where a covered `content-digest` holds, so that is always demanded, and so is `created`.
/// Our address comes from the settings: what the signer saw may be rewritten on its way to us.
package struct RFC9421Source: ClockSource {
    /// What a signature must cover when the settings name nothing.
    static let usualCover = ["@method", "@path", "content-digest"]
    /// The most signatures of one request that are looked at.
    static let signatureLimit = 8

    private let keys: [VerificationKey]
    private let keyIDs: Set<String>
    private let mustCover: Set<String>
    private let address: PublicAddress
    private let map: [String: PunchKind]
    private let tolerance: Duration

    package init(_ settings: SourceSettings) throws(SourceSettingsError) {
        try settings.requireAuth(among: [.hmac])
        _ = try settings.usableSecrets()
        let keys = settings.secrets.compactMap(VerificationKey.init)
        guard keys.count == settings.secrets.count else {
            throw SourceSettingsError(.badSecret, source: settings.name)
        }
        self.keys = keys
        keyIDs = Set((settings.keyID ?? "").split(separator: ",").map(trimmedOfBlanks))
        let named = settings.mustCover.map { $0.hasPrefix("\"") ? $0 : $0.lowercased() }
        mustCover = Set(named.isEmpty ? Self.usualCover : named + ["content-digest"])
        address = PublicAddress(try settings.usablePublicURL())
        map = settings.map
        tolerance = settings.tolerance
    }

    package func read(_ delivery: Delivery) throws(SourceRefusal) -> DeliveryReading {
        let signatures = MessageSignature.all(of: delivery).prefix(Self.signatureLimit)
        guard contentDigestHolds(for: delivery),
            let signature = signatures.first(where: { isGenuine($0, delivery) })
        else { throw SourceRefusal(.badProof) }
        let key = signature.covers("idempotency-key") ? delivery.header("idempotency-key") : nil
        let keyID = key.flatMap(Identifier.init(idempotencyKey:))?.text
        var reading = try PlainBody(delivery.body).reading(
            map: map,
            receivedAt: delivery.receivedAt,
            undatedAt: signature.createdAt,
            deliveryID: keyID
        )
        // A nonce names an attempt, so it is no event's id, but it stops the same attempt from being played again.
        if keyID == nil, let nonce = signature.nonce.flatMap(Identifier.init(_:)) { reading.deliveryID = nonce.text }
        return reading
    }

    private func isGenuine(_ signature: MessageSignature, _ delivery: Delivery) -> Bool {
        guard mustCover.allSatisfy(signature.covers),
            keyIDs.isEmpty || signature.keyID.map(keyIDs.contains) == true,
            signature.createdAt.isFresh(receivedAt: delivery.receivedAt, tolerance: tolerance),
            signature.expiresAt.map({ $0 >= delivery.receivedAt }) ?? true,
            let base = signature.base(of: delivery, sentTo: address)
        else { return false }
        return keys.contains { key in
            (signature.algorithm == nil || signature.algorithm == key.algorithm)
                && key.isValid(signature.bytes, over: base)
        }
    }
}
