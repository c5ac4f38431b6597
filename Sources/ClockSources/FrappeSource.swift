import Domain

extension SourceKind {
    package static let frappe = SourceKind("frappe", makeSource: FrappeSource.init)
}

/// Frappe HR's Employee Checkins, sent by a webhook that the administrator made.
///
/// Each checkin is a document of its own that says IN or OUT, so its punch is the whole record. The body is a template
/// of the administrator's: `name`, `employee`, `log_type`, `time`, a constant `event`, and `modified`, which orders
/// the changes of a checkin. Times are the site's local time without an offset.
/// Source: frappe/frappe, integrations/doctype/webhook/webhook.py; frappe/hrms, hr/doctype/employee_checkin.
package struct FrappeSource: ClockSource {
    private let zone: ZoneRules
    private let proof: Proof

    private enum Proof {
        case signature(keys: [[UInt8]])
        case secret(SharedSecret)
    }

    /// Takes the site's time zone and the webhook's secret; with `header` or `token`, for webhooks made without one, the
    /// secret in a header row of the webhook or at the end of its address.
    package init(_ settings: SourceSettings) throws(SourceSettingsError) {
        try settings.requireAuth(among: [.hmac, .header, .token])
        switch settings.auth {
        case .header, .token: proof = .secret(try SharedSecret(settings))
        default: proof = .signature(keys: try settings.usableSecrets())
        }
        zone = try settings.usableTimeZone()
    }

    package func read(_ delivery: Delivery) throws(SourceRefusal) -> DeliveryReading {
        guard isGenuine(delivery) else { throw SourceRefusal(.badProof) }
        guard let checkin = decodeJSON(FrappeCheckin.self, from: delivery.body) else {
            return DeliveryReading(ignored: DeliveryLabel.unusable)
        }
        return checkin.reading(zone: zone, receivedAt: delivery.receivedAt)
    }

    /// Checks base64(HMAC-SHA256(secret, body)); no time is signed.
    private func isGenuine(_ delivery: Delivery) -> Bool {
        switch proof {
        case .secret(let secret):
            secret.isShown(by: delivery)
        case .signature(let keys):
            delivery.header("x-frappe-webhook-signature").map { sent in
                keys.contains { key in
                    secretsMatch(sent.utf8, hmacSHA256(key: key, parts: [delivery.body]).base64Text.utf8)
                }
            } ?? false
        }
    }
}

/// One Employee Checkin, as the recommended template writes it.
private struct FrappeCheckin: Decodable {
    var doctype: Field<String>
    var event: Field<String>
    var name: Field<LooseIdentifier>
    var employee: Field<Identifier>
    var logType: Field<String>
    var time: Field<NaiveTime>
    var modified: Field<NaiveTime>

    enum CodingKeys: String, CodingKey {
        case doctype, event, name, employee, time, modified
        case logType = "log_type"
    }

    /// Reads the checkin; a template without `event` is taken for one of an insert or update.
    func reading(zone: ZoneRules, receivedAt: Timestamp) -> DeliveryReading {
        guard doctype.value == nil || doctype.value == "Employee Checkin" else {
            return DeliveryReading(ignored: DeliveryLabel.unknownType)
        }
        guard let record = name.value?.text else { return Self.unusable }
        switch event.value {
        case "after_insert", "on_update", "on_change", "on_submit", "on_update_after_submit", nil:
            return punch(of: record, zone: zone, receivedAt: receivedAt)
        case "on_trash", "after_delete", "on_cancel":
            return DeliveryReading(withdrawn: record, agent: employee.value?.text, at: receivedAt)
        default:
            return DeliveryReading(ignored: DeliveryLabel.unknownType)
        }
    }

    private func punch(of record: String, zone: ZoneRules, receivedAt: Timestamp) -> DeliveryReading {
        guard let agent = employee.value?.text, let local = time.value?.local else { return Self.unusable }
        let kind: PunchKind
        switch logType {
        case .present("IN"): kind = .clockIn
        case .present("OUT"): kind = .clockOut
        // Devices that do not know leave it empty.
        case .present(""), .absent: return DeliveryReading(ignored: DeliveryLabel.noDirection)
        case .present, .unusable: return Self.unusable
        }
        let read = zone.reading(of: local)
        guard read.instant.isPlausible(receivedAt: receivedAt) else { return Self.unusable }
        var warnings = read.isExact ? [] : [DeliveryLabel.ambiguousLocalTime]
        var changedAt = modified.value.map { zone.reading(of: $0.local).instant }
        if let stamp = changedAt, !stamp.isPlausible(receivedAt: receivedAt) {
            // One stamp from far ahead would stand for ever.
            changedAt = nil
            warnings.append(DeliveryLabel.noVersion)
        }
        return DeliveryReading(
            punches: [
                SourcePunch(
                    externalAgent: agent,
                    kind: kind,
                    occurredAt: read.instant,
                    record: record,
                    version: changedAt?.microseconds
                )
            ],
            warnings: warnings
        )
    }

    private static let unusable = DeliveryReading(ignored: DeliveryLabel.unusable)
}
