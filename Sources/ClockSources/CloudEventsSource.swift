import Domain

extension SourceKind {
    package static let cloudEvents = SourceKind("cloudevents", matchesAgentID: true, makeSource: CloudEventsSource.init)
}

/// Senders of CloudEvents 1.0 over HTTP, in all three content modes, with a secret of ours.
///
/// The secret is in `Authorization: Bearer`, in the query as `access_token`, in a header of its own or at the end
/// of the path. It proves the sender, not the body, and nothing dates the attempt: `source` and `id` are what
/// stops a replay.
/// Source: cloudevents/spec, bindings/http-protocol-binding.md and http-webhook.md.
package struct CloudEventsSource: ClockSource {
    /// The most events one batch may hold.
    static let itemLimit = 1000

    private let secret: SharedSecret
    private let takesQueryToken: Bool
    private let map: [String: PunchKind]

    package init(_ settings: SourceSettings) throws(SourceSettingsError) {
        secret = try SharedSecret(settings)
        takesQueryToken = settings.auth == nil && settings.headerName == nil
        map = settings.map
    }

    package func read(_ delivery: Delivery) throws(SourceRefusal) -> DeliveryReading {
        guard isGenuine(delivery) else { throw SourceRefusal(.badProof) }
        switch Mode(delivery) {
        case .batch:
            return try batch(delivery)
        case .structured:
            guard let event = decodeJSON(CloudEvent.self, from: delivery.body) else {
                throw SourceRefusal(.malformed)
            }
            return reading(of: event, receivedAt: delivery.receivedAt)
        case .binary:
            guard let event = CloudEvent(binary: delivery) else { throw SourceRefusal(.malformed) }
            return reading(of: event, receivedAt: delivery.receivedAt)
        case nil:
            throw SourceRefusal(.unsupportedFormat)
        }
    }

    /// Agrees to be sent events, to whoever asks: what they send must still prove itself.
    package func consent(to request: Delivery) -> DeliveryAnswer? {
        guard let origin = request.header("webhook-request-origin"), !origin.isEmpty else { return nil }
        var headers = ["WebHook-Allowed-Origin": origin, "Allow": "POST"]
        if let rate = request.header("webhook-request-rate") { headers["WebHook-Allowed-Rate"] = rate }
        return DeliveryAnswer(status: 200, headers: headers)
    }

    /// A token in the query counts only where there is no `Authorization`, since two proofs could disagree.
    private func isGenuine(_ delivery: Delivery) -> Bool {
        guard takesQueryToken, delivery.joinedHeader("authorization") == nil else {
            return secret.isShown(by: delivery)
        }
        return secret.accepts(delivery.query.flatMap { FormFields($0.utf8) }?["access_token"])
    }

    /// How a request carries its events.
    private enum Mode {
        case binary, structured, batch

        /// The batch's content type begins like the structured one's, so it is asked for first.
        ///
        /// `nil` for an event format other than JSON, and when there is no event at all.
        init?(_ delivery: Delivery) {
            let type = delivery.mediaType
            if type == "application/cloudevents-batch+json" {
                self = .batch
            } else if type == "application/cloudevents+json" {
                self = .structured
            } else if !type.hasPrefix("application/cloudevents"),
                delivery.headers.contains(where: { $0.name.lowercased().hasPrefix("ce-") })
            {
                self = .binary
            } else {
                return nil
            }
        }
    }

    private func reading(of event: CloudEvent, receivedAt: Timestamp) -> DeliveryReading {
        var reading = DeliveryReading(deliveryID: event.identity)
        switch event.outcome(map: map, receivedAt: receivedAt) {
        case .punch(let punch): reading.punches = [punch]
        case .nothing(let why): reading.ignored = why
        }
        return reading
    }

    /// Reads a batch, in which one bad event spoils no other.
    ///
    /// Each event is known by its own id, the batch by nothing.
    private func batch(_ delivery: Delivery) throws(SourceRefusal) -> DeliveryReading {
        guard let entries = decodeJSON(ItemList<CloudEvent>.self, from: delivery.body)?.items else {
            throw SourceRefusal(.malformed)
        }
        guard !entries.isEmpty else { return DeliveryReading(ignored: DeliveryLabel.empty) }
        guard entries.count <= Self.itemLimit else { throw SourceRefusal(.tooManyItems) }
        let events = entries.compactMap(\.value)
        guard !events.isEmpty else { throw SourceRefusal(.malformed) }
        let readings = events.map { reading(of: $0, receivedAt: delivery.receivedAt) }
        var whole = DeliveryReading(punches: readings.flatMap(\.punches))
        if events.count < entries.count { whole.warnings = [DeliveryLabel.unusableItem] }
        if whole.punches.isEmpty { whole.ignored = readings.compactMap(\.ignored).first }
        return whole
    }
}

extension Delivery {
    /// The content type in lower case, without its parameters; empty when there is none.
    var mediaType: String {
        trimmedOfBlanks(header("content-type")?.prefix { $0 != ";" } ?? "").lowercased()
    }
}
