import Domain

extension SourceKind {
    package static let twilio = SourceKind("twilio", makeSource: TwilioSource.init)
}

/// Twilio TaskRouter's (and Flex's) worker activities, in the form-encoded workspace callback.
///
/// Names of activities are free text of each workspace, so `map` says what they mean. Every task of the workspace
/// reports to the same address; all but changes of activity are ignored. Nothing signed dates the attempt, so the
/// event's `Sid` is what stops a replay.
/// Source: www.twilio.com/docs/taskrouter/api/event/reference.
package struct TwilioSource: ClockSource {
    /// The activities of a new workspace, for when the settings name none.
    static let usualMap: [String: PunchKind] = ["Available": .clockIn, "Break": .breakStart, "Offline": .clockOut]
    /// The most parameters that one body may hold; an event has about forty.
    ///
    /// The proof covers each of them, so they are taken apart before anything is proved.
    static let parameterLimit = 1000
    /// What Twilio expects to hear.
    private static let answer = DeliveryAnswer(status: 204)

    private let keys: [[UInt8]]
    private let signedURLs: [[UInt8]]
    private let map: [String: PunchKind]

    /// Takes the account's auth tokens and the address typed into the workspace (`publicURL`), its query included,
    /// since every signature covers it.
    package init(_ settings: SourceSettings) throws(SourceSettingsError) {
        try settings.requireAuth(among: [.hmac])
        keys = try settings.usableSecrets()
        signedURLs = Self.spellings(of: try settings.usablePublicURL()).map { Array($0.utf8) }
        map = settings.map.isEmpty ? Self.usualMap : settings.map
    }

    package func read(_ delivery: Delivery) throws(SourceRefusal) -> DeliveryReading {
        guard delivery.body.count(where: { $0 == UInt8(ascii: "&") }) < Self.parameterLimit,
            var form = FormFields(delivery.body), isGenuine(delivery, form)
        else { throw SourceRefusal(.badProof) }
        // The proof does not tell a parameter from the same one sent twice, so neither may the reading.
        form.dropRepetitions()
        var reading = reading(of: form, receivedAt: delivery.receivedAt)
        reading.deliveryID = form["Sid"].flatMap(Identifier.init(_:))?.text
        reading.answer = Self.answer
        return reading
    }

    /// Checks base64(HMAC-SHA1(token, URL + each parameter's name and decoded value, sorted by name)).
    ///
    /// Source: twilio/twilio-python, twilio/request_validator.py.
    private func isGenuine(_ delivery: Delivery, _ form: FormFields) -> Bool {
        guard let signature = delivery.header("x-twilio-signature") else { return false }
        let fields = Self.signedText(of: form)
        return keys.contains { key in
            signedURLs.contains { url in
                secretsMatch(signature.utf8, hmacSHA1(key: key, parts: [url, fields]).base64Text.utf8)
            }
        }
    }

    /// Every parameter's name and value by the bytes of the names; a value sent twice under one name counts once.
    private static func signedText(of form: FormFields) -> [UInt8] {
        let values = Dictionary(grouping: form.fields, by: \.name).mapValues { Set($0.map(\.value)) }
        return values.sorted { isBefore($0.key, $1.key) }.flatMap { name, values in
            values.sorted(by: isBefore).flatMap { Array(name.utf8) + Array($0.utf8) }
        }
    }

    private static func isBefore(_ left: String, _ right: String) -> Bool {
        left.utf8.lexicographicallyPrecedes(right.utf8)
    }

    /// The address as it stands, and with and without the port: Twilio signs one or the other.
    private static func spellings(of url: String) -> Set<String> {
        let isSecure = url.hasPrefix("https://")
        let start = isSecure ? "https://" : "http://"
        let rest = url.dropFirst(start.count)
        let authority = rest.prefix { !"/?#".contains($0) }
        let tail = rest.dropFirst(authority.count)
        let host = authority.last == "]" ? authority : authority.split(separator: ":").first ?? authority
        return [url, "\(start)\(host)\(tail)", "\(start)\(host):\(isSecure ? 443 : 80)\(tail)"]
    }

    private func reading(of form: FormFields, receivedAt: Timestamp) -> DeliveryReading {
        guard let event = form["EventType"] else { return DeliveryReading(ignored: DeliveryLabel.unusable) }
        guard event == "worker.activity.update" else { return DeliveryReading(ignored: DeliveryLabel.unknownType) }
        guard let agent = form["WorkerSid"].flatMap(Identifier.init(_:))?.text,
            let activity = form["WorkerActivityName"],
            let id = form["Sid"].flatMap(Identifier.init(_:))?.text,
            let occurredAt = Self.time(in: form), occurredAt.isPlausible(receivedAt: receivedAt)
        else { return DeliveryReading(ignored: DeliveryLabel.unusable) }
        guard let kinds = presenceKinds(to: activity, from: form["WorkerPreviousActivityName"], map: map) else {
            return DeliveryReading(ignored: DeliveryLabel.unmappedWord)
        }
        return DeliveryReading(punches: presencePunches(kinds, agent: agent, at: occurredAt, eventID: id))
    }

    /// `TimestampMs` where it can be read, else the whole seconds of `Timestamp`.
    private static func time(in form: FormFields) -> Timestamp? {
        let milliseconds = form["TimestampMs"].flatMap { Int64($0) }
        return milliseconds.flatMap { Timestamp(unixMilliseconds: $0) }
            ?? form["Timestamp"].flatMap { Timestamp(unixSeconds: $0) }
    }
}
