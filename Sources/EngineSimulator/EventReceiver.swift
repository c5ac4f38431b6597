import Domain

/// Somebody whom events are delivered to, and how.
struct EventReceiver: Sendable {
    /// How the waits between the tries of one event grow.
    enum Growth: String, Sendable {
        case constant, linear, exponential
    }

    var url: String
    var form: WebhookSettings.Form
    /// Key of the signature; `nil` for none.
    var secret: String?
    /// Header fields that go along.
    var headers: [(name: String, value: String)] = []
    /// How often one event is tried.
    var attempts: Int
    /// Before the second try; real.
    var firstWait: Duration
    var growth: Growth

    /// One that gets events as the settings for all say.
    init(url: String, _ settings: WebhookSettings) {
        self.url = url
        form = settings.form
        secret = settings.secret
        attempts = max(settings.attempts, 1)
        firstWait = .milliseconds(settings.retryMs)
        growth = .exponential
    }

    /// One that WAHA's configuration of a session names in `webhooks`, which says all about it.
    ///
    /// Source: WAHA's docs, "Events"; its dashboard for retries that are left out: 15 times, every 2 s.
    ///
    /// - Returns: `nil` for an entry without a URL.
    init?(waha entry: JSONValue) {
        guard let url = entry["url"]?.text else { return nil }
        let retries = entry["retries"]
        self.url = url
        form = .waha
        if let key = entry["hmac"]?["key"]?.text, !key.isEmpty { secret = key }
        for header in entry["customHeaders"]?.elements ?? [] {
            guard let name = header["name"]?.text, let value = header["value"]?.text else { continue }
            headers.append((name, value))
        }
        attempts = max(Int(Self.number(retries?["attempts"], default: 15, most: 1_000)), 1)
        firstWait = .seconds(Self.number(retries?["delaySeconds"], default: 2, most: 86_400))
        growth = retries?["policy"]?.text.flatMap { Growth(rawValue: $0) } ?? .constant
    }

    /// Real time between a try and the next; `tries` counts from 1.
    func wait(after tries: Int) -> Duration {
        switch growth {
        case .constant: firstWait
        case .linear: firstWait * tries
        case .exponential: firstWait * (1 << min(tries - 1, 16))
        }
    }

    private static func number(_ value: JSONValue?, default standard: Double, most: Double) -> Double {
        guard case .number(let number)? = value else { return standard }
        return min(max(number, 0), most)
    }
}

extension StatusEvent {
    /// Everybody who gets it: once each whom the settings and Wawp's list of the session name, and beside them whom its WAHA
    /// configuration names.
    ///
    /// Source: WAHA issue 1384: a URL that is named for all sessions and for this one is called twice.
    func receivers(_ settings: WebhookSettings) -> [EventReceiver] {
        Set(settings.urls + urls).sorted().map { EventReceiver(url: $0, settings) } + ownReceivers
    }
}

extension SimulatedSession {
    /// Whom Wawp's list of this session names; they get events as the settings for all say.
    var urls: [String] {
        webhookContract == .wawp ? wantedWebhooks.compactMap { $0["url"]?.text } : []
    }

    /// Whom WAHA's configuration of this session names.
    var ownReceivers: [EventReceiver] {
        webhookContract == .waha ? wantedWebhooks.compactMap { EventReceiver(waha: $0) } : []
    }

    /// The entries that want these events.
    private var wantedWebhooks: [JSONValue] {
        webhooks.filter { entry in
            let isActive = entry["is_active"] != .bool(false) && entry["is_active"] != .number(0)
            let wanted = entry["events"]?.elements?.contains { $0 == .string("session.status") || $0 == .string("*") }
            return isActive && wanted != false
        }
    }
}
