import Domain

extension SourceKind {
    package static let odoo = SourceKind("odoo", makeSource: OdooSource.init)
}

/// Odoo's attendances (`hr.attendance`), sent by automation rules with a webhook action.
///
/// Odoo signs nothing and can set no header, so the secret stands at the end of the address. It sends what the
/// administrator chose: `employee_id`, `check_in`, `check_out`, and `write_date`, which orders the changes of a record.
/// Times are UTC without an offset; `false` means no value. A deletion needs a rule of its own, whose action has a name
/// with `delete` or `unlink` in it, since nothing else of the body tells.
/// Source: odoo/odoo, addons/hr_attendance/models/hr_attendance.py and odoo/addons/base/models/ir_actions.py.
package struct OdooSource: ClockSource {
    private let secret: SharedSecret

    /// Takes the token at the end of the address.
    package init(_ settings: SourceSettings) throws(SourceSettingsError) {
        try settings.requireAuth(among: [.token])
        var settings = settings
        settings.auth = .token
        secret = try SharedSecret(settings)
    }

    package func read(_ delivery: Delivery) throws(SourceRefusal) -> DeliveryReading {
        guard secret.isShown(by: delivery) else { throw SourceRefusal(.badProof) }
        guard let attendance = decodeJSON(OdooAttendance.self, from: delivery.body), let model = attendance.model.value
        else { return DeliveryReading(ignored: DeliveryLabel.unusable) }
        guard model == "hr.attendance" else { return DeliveryReading(ignored: DeliveryLabel.unknownType) }
        return attendance.reading(receivedAt: delivery.receivedAt) ?? DeliveryReading(ignored: DeliveryLabel.unusable)
    }
}

/// The body of Odoo's webhook action for an attendance.
private struct OdooAttendance: Decodable {
    var model: Field<String>
    var action: Field<String>
    var recordID: Field<LooseIdentifier>
    var id: Field<LooseIdentifier>
    var employee: Field<Employee>
    var checkIn: Field<Filled<NaiveTime>>
    var checkOut: Field<Filled<NaiveTime>>
    var outMode: Field<Filled<String>>
    var writeDate: Field<Filled<NaiveTime>>

    enum CodingKeys: String, CodingKey {
        case id
        case model = "_model"
        case action = "_action"
        case recordID = "_id"
        case employee = "employee_id"
        case checkIn = "check_in"
        case checkOut = "check_out"
        case outMode = "out_mode"
        case writeDate = "write_date"
    }

    /// A value, or the `false` that Odoo writes for none.
    struct Filled<Value: Decodable & Sendable>: Decodable, Sendable {
        var value: Value?

        init(from decoder: any Decoder) throws {
            // What is no truth value must be the value, whose own error is then the one that counts.
            guard let flag = try? decoder.singleValueContainer().decode(Bool.self) else {
                value = try Value(from: decoder)
                return
            }
            guard !flag else {
                throw DecodingError.dataCorrupted(
                    .init(codingPath: decoder.codingPath, debugDescription: "true is no value")
                )
            }
        }
    }

    /// The employee's number; older versions write `[14, "Name"]`.
    struct Employee: Decodable, Sendable {
        var id: String

        init(from decoder: any Decoder) throws {
            if var pair = try? decoder.unkeyedContainer() {
                id = try pair.decode(LooseIdentifier.self).text
            } else {
                id = try LooseIdentifier(from: decoder).text
            }
        }
    }

    /// What the attendance says; `nil` when who, when or which record cannot be told.
    func reading(receivedAt: Timestamp) -> DeliveryReading? {
        guard let record = (recordID.value ?? id.value)?.text else { return nil }
        if isDeletion {
            return DeliveryReading(withdrawn: record, agent: employee.value?.id, at: receivedAt)
        }
        guard let agent = employee.value?.id,
            let work = Span(start: time(checkIn), end: time(checkOut), receivedAt: receivedAt)
        else { return nil }
        var card = WorkRecord(agent: agent, record: record, work: work)
        var warnings: [String] = []
        let changedAt = time(writeDate).timestamp
        if let changedAt, !changedAt.isPlausible(receivedAt: receivedAt) {
            // One stamp from far ahead would stand for ever.
            warnings.append(DeliveryLabel.noVersion)
        } else {
            card.orderByChange(at: changedAt)
        }
        if outMode.value?.value == "auto_check_out", work.end != nil { warnings.append(DeliveryLabel.autoClockOut) }
        if case .absent = checkOut { warnings.append(DeliveryLabel.endNotSent) }
        return DeliveryReading(card, warnings: warnings)
    }

    /// Whether the action's name, which stands before its `(#id)`, speaks of a deletion.
    private var isDeletion: Bool {
        let name = action.value?.lowercased() ?? ""
        return ["delete", "unlink"].contains { name.contains($0) }
    }

    private func time(_ field: Field<Filled<NaiveTime>>) -> SentTime {
        switch field {
        case .absent: .absent
        case .present(let filled): filled.value.map { .at($0.local.inUTC) } ?? .absent
        case .unusable: .unusable
        }
    }
}
