import Domain

/// One CloudEvent that says who did what.
///
/// Who is named in the data (`agentId` or `agent_id`), or else by `subject`; what, by the end of `type`
/// (`com.example.clock.in`).
struct CloudEvent: Decodable, Sendable {
    private var source: String
    private var id: String
    private var type: String
    private var time: Field<OffsetTime>
    private var subject: Field<Identifier>
    private var contents: Contents?

    /// The members of the data that matter here.
    private struct Contents: Decodable, Sendable {
        var agentID: Field<Identifier>
        var camelAgentID: Field<Identifier>

        enum CodingKeys: String, CodingKey {
            case agentID = "agent_id"
            case camelAgentID = "agentId"
        }

        var agent: String? { (agentID.value ?? camelAgentID.value)?.text }
    }

    private enum CodingKeys: String, CodingKey {
        case specversion, source, id, type, time, subject, data
        case encodedData = "data_base64"
    }

    /// Reads the JSON event format.
    ///
    /// - Throws: when one of the four required attributes is missing or empty, or the version is not 1.
    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        source = try container.decode(String.self, forKey: .source)
        id = try container.decode(String.self, forKey: .id)
        type = try container.decode(String.self, forKey: .type)
        let version = try container.decode(String.self, forKey: .specversion)
        guard Self.reads(version: version), !source.isEmpty, !id.isEmpty, !type.isEmpty else {
            throw DecodingError.dataCorruptedError(
                forKey: .specversion,
                in: container,
                debugDescription: "no CloudEvent 1.0"
            )
        }
        time = try container.decode(Field<OffsetTime>.self, forKey: .time)
        subject = try container.decode(Field<Identifier>.self, forKey: .subject)
        contents = try container.decode(Field<Contents>.self, forKey: .data).value
        if contents == nil, let text = try container.decode(Field<String>.self, forKey: .encodedData).value {
            contents = [UInt8](base64Text: text).flatMap { decodeJSON(Contents.self, from: $0) }
        }
    }

    /// Reads the attributes from `ce-` headers and the data from the body.
    ///
    /// - Returns: `nil` when a required attribute is missing, sent twice or not UTF-8.
    init?(binary delivery: Delivery) {
        let attribute = { (name: String) in delivery.header("ce-\(name)").flatMap(Self.decodedAttribute) }
        guard let version = attribute("specversion"), Self.reads(version: version),
            let source = attribute("source"), !source.isEmpty,
            let id = attribute("id"), !id.isEmpty,
            let type = attribute("type"), !type.isEmpty
        else { return nil }
        self.source = source
        self.id = id
        self.type = type
        time = .absent
        subject = .absent
        if delivery.joinedHeader("ce-time") != nil {
            time = attribute("time").flatMap(OffsetTime.init).map(Field.present) ?? .unusable
        }
        if delivery.joinedHeader("ce-subject") != nil {
            subject = attribute("subject").flatMap(Identifier.init(_:)).map(Field.present) ?? .unusable
        }
        contents = decodeJSON(Contents.self, from: delivery.body)
    }

    private static func reads(version: String) -> Bool {
        version == "1" || version.hasPrefix("1.")
    }

    /// Undoes the quotes around a header's value, then percent-encoding once.
    ///
    /// Source: cloudevents/spec, http-protocol-binding.md, 3.1.3.2.
    private static func decodedAttribute(_ value: String) -> String? {
        guard value.first == "\"" else { return percentDecodedText(Array(value.utf8)) }
        guard value.count >= 2, value.last == "\"" else { return nil }
        var bytes: [UInt8] = []
        var isEscaped = false
        for byte in value.utf8.dropFirst().dropLast() {
            if !isEscaped, byte == UInt8(ascii: "\\") {
                isEscaped = true
                continue
            }
            isEscaped = false
            bytes.append(byte)
        }
        return percentDecodedText(bytes)
    }

    /// What names the event: its `source` and `id` together, hashed where that cannot be stored as it is.
    var identity: String {
        let text = "\(source) \(id)"
        return Identifier(text)?.text ?? hashText(Array(text.utf8))
    }

    /// Reads the event.
    ///
    /// - Parameters:
    ///   - map: whole `type` words of the operator; they win over our own.
    ///   - receivedAt: counts as the time of an event that names none.
    /// - Returns: the punch, or why there is none.
    func outcome(map: [String: PunchKind], receivedAt: Timestamp) -> PlainEvent.Outcome {
        guard let kind = map[type] ?? Self.kind(type: type) else { return .nothing(DeliveryLabel.unknownType) }
        guard let agent = contents?.agent ?? subject.value?.text else { return .nothing(DeliveryLabel.unusable) }
        var occurredAt = receivedAt
        var hasOwnTime = false
        switch time {
        case .absent:
            break
        case .present(let time) where time.timestamp.isPlausible(receivedAt: receivedAt):
            occurredAt = time.timestamp
            hasOwnTime = true
        case .present, .unusable:
            return .nothing(DeliveryLabel.unusable)
        }
        return .punch(
            SourcePunch(
                externalAgent: agent,
                kind: kind,
                occurredAt: occurredAt,
                eventID: identity,
                hasOwnTime: hasOwnTime
            )
        )
    }

    /// Types begin with the owner's domain in reverse, so only the last one to three parts are ours to know.
    private static func kind(type: String) -> PunchKind? {
        let parts = type.split(separator: ".", omittingEmptySubsequences: false)
        return (1...3).lazy.compactMap { PunchKind(plainWord: parts.suffix($0).joined(separator: ".")) }.first
    }
}
