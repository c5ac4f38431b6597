import Domain

/// Where and how `session.status` events are delivered; `PUT /_sim/webhooks`, in these words with
/// underscores.
package struct WebhookSettings: Sendable, Codable, Equatable {
    package enum Form: String, Sendable, Codable {
        /// The envelope with `id`, `timestamp` in ms, `session`, `payload`.
        case current
        /// The flat older form with `instance_id`, `status`, `ts` in seconds.
        case older
        /// Both, one after the other.
        case both
        /// WAHA's, signed as WAHA signs.
        case waha
    }

    /// Receivers of every session's events; a query (`?secret=…`) is kept as it is.
    package var urls: [String] = []
    package var form = Form.current
    /// Key of `X-Webhook-Signature` (HMAC-SHA256 of the body, hex), or in WAHA's form of `X-Webhook-Hmac` (HMAC-SHA512);
    /// `nil` for no signature.
    package var secret: String?
    /// Every so many events is sent twice with the same id; 0 for never.
    package var duplicateEvery = 0
    /// Every so many events is lost; 0 for never.
    package var dropEvery = 0
    /// Each event waits up to so many real milliseconds on its own, so that they overtake each other.
    package var disorderMs: Int64 = 0
    /// How often one event is tried, and the real milliseconds before the second try (then doubling).
    package var attempts = 3
    package var retryMs: Int64 = 500

    package init() {}
}

/// One change of one session's status.
struct StatusEvent: Sendable {
    /// Counts from 1.
    var number: Int
    var instanceID: String
    var sessionName: String
    var status: SessionStatus
    /// When it happened, on the simulator's clock.
    var at: Timestamp
    /// The last three statuses, this one included.
    var recent: [SimulatedSession.Step]
    var telephone: String
    var pushName: String
    /// Receivers that Wawp's route gave the session, besides those for all.
    var urls: [String]
    /// Receivers that WAHA's configuration of the session names.
    var ownReceivers: [EventReceiver]
}
