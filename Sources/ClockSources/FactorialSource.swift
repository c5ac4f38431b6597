import Domain

extension SourceKind {
    // Its challenges are shorter than all others' secrets.
    package static let factorial = SourceKind("factorial", secretLengthLimit: 8, makeSource: FactorialSource.init)
}

/// Factorial's clock-ins and clock-outs.
///
/// The body says who and when, but not which of the two it is, and has no id: each subscription gets an address of its
/// own, ending in `?type=clock-in` or `?type=clock-out`. Every delivery repeats the challenge set when subscribing; the
/// stored vendor pages do not name its header, so the settings can.
/// Source: apidoc.factorialhr.com/v2025-01-01/docs/webhook-attendance-clock-in, /docs/webhooks-policies.
package struct FactorialSource: ClockSource {
    /// The header that carries the challenge, unless the settings name another.
    static let usualHeader = "x-factorial-wh-challenge"

    private let challenge: SharedSecret

    /// Takes the subscription's challenge.
    package init(_ settings: SourceSettings) throws(SourceSettingsError) {
        challenge = try SharedSecret(settings, usualHeader: Self.usualHeader)
    }

    package func read(_ delivery: Delivery) throws(SourceRefusal) -> DeliveryReading {
        guard challenge.isShown(by: delivery) else { throw SourceRefusal(.badProof) }
        let kind: PunchKind
        switch delivery.queryValue("type") {
        case "clock-in": kind = .clockIn
        case "clock-out": kind = .clockOut
        default: return DeliveryReading(ignored: DeliveryLabel.unknownType)
        }
        guard let notice = decodeJSON(FactorialNotice.self, from: delivery.body),
            let agent = notice.employee.value?.text, let occurredAt = notice.now.value?.timestamp,
            occurredAt.isPlausible(receivedAt: delivery.receivedAt)
        else { return DeliveryReading(ignored: DeliveryLabel.unusable) }
        return DeliveryReading(punches: [SourcePunch(externalAgent: agent, kind: kind, occurredAt: occurredAt)])
    }
}

/// Who clocked, and when.
private struct FactorialNotice: Decodable {
    var employee: Field<LooseIdentifier>
    var now: Field<OffsetTime>

    enum CodingKeys: String, CodingKey {
        case now
        case employee = "employee_id"
    }
}

extension Delivery {
    /// The value of a query parameter that must stand alone; `nil` when it is absent or given twice.
    ///
    /// Values with percent signs or plus signs are none that we ask for, so nothing is decoded.
    func queryValue(_ name: String) -> String? {
        var found: String?
        for pair in (query ?? "").split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, parts[0] == name else { continue }
            guard found == nil else { return nil }
            found = String(parts[1])
        }
        return found
    }
}
