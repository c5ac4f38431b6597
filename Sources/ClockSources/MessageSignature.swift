import Domain
import RawStructuredFieldValues

/// One signature of a request, as `Signature-Input` describes it and `Signature` holds it (RFC 9421, section 4).
struct MessageSignature {
    /// The signature itself.
    var bytes: [UInt8]
    var createdAt: Timestamp
    /// From when on it counts no more.
    var expiresAt: Timestamp?
    var keyID: String?
    /// The signer's word for the algorithm; says which keys it cannot be from, never which are trusted.
    var algorithm: String?
    var nonce: String?
    private var components: [SignedComponent]
    private var parameters: String

    /// The signatures that can be read and say when they were made, in the order of `Signature-Input`.
    static func all(of delivery: Delivery) -> [MessageSignature] {
        guard let inputs = delivery.dictionaryField("signature-input"),
            let signatures = delivery.dictionaryField("signature")
        else { return [] }
        return inputs.compactMap { label, input in
            guard case .innerList(let list) = input, case .item(let item) = signatures[label],
                case .undecodedByteSequence(let text) = item.rfc9651BareItem,
                let bytes = [UInt8](base64Text: text)
            else { return nil }
            return MessageSignature(bytes: bytes, input: list)
        }
    }

    /// `nil` without `created`, or with a component that is covered twice or cannot be one.
    private init?(bytes: [UInt8], input: InnerList) {
        let components = input.bareInnerList.compactMap(SignedComponent.init)
        let parameters = input.rfc9651Parameters
        guard components.count == input.bareInnerList.count,
            Set(components.map(\.identifier)).count == components.count,
            case .integer(let created) = parameters["created"],
            let createdAt = Timestamp(unixSeconds: created),
            let text = input.serialized
        else { return nil }
        self.bytes = bytes
        self.components = components
        self.parameters = text
        self.createdAt = createdAt
        switch parameters["expires"] {
        case nil: expiresAt = nil
        case .integer(let expires):
            guard let instant = Timestamp(unixSeconds: expires) else { return nil }
            expiresAt = instant
        case .some: return nil
        }
        keyID = parameters["keyid"]?.text
        algorithm = parameters["alg"]?.text
        nonce = parameters["nonce"]?.text
    }

    /// Whether it covers a component, named alone (`content-digest`) or with parameters as in `Signature-Input`
    /// (`"@query-param";name="id"`).
    func covers(_ name: String) -> Bool {
        components.contains { $0.identifier == name || $0.identifier == "\"\(name)\"" }
    }

    /// The bytes that were signed (RFC 9421, section 2.5).
    ///
    /// - Returns: `nil` when the request has no such component, or none that can stand in one line.
    func base(of delivery: Delivery, sentTo address: PublicAddress) -> [UInt8]? {
        var base = ""
        for component in components {
            guard let value = component.value(in: delivery, sentTo: address),
                !value.utf8.contains(where: { $0 == 0x0A || $0 == 0x0D })
            else { return nil }
            base += "\(component.identifier): \(value)\n"
        }
        base += "\"@signature-params\": \(parameters)"
        return Array(base.utf8)
    }
}

extension Delivery {
    /// The most bytes of a header that is taken apart before anything is proved.
    private static let dictionaryLengthLimit = 16_384

    /// A header that is a structured dictionary (RFC 9651); `nil` when it is absent, malformed or too long.
    func dictionaryField(_ name: String) -> OrderedMap<String, ItemOrInnerList>? {
        guard let text = joinedHeader(name), text.utf8.count <= Self.dictionaryLengthLimit else { return nil }
        var parser = StructuredFieldValueParser(Array(text.utf8))
        // Which rule it breaks changes nothing: a header that cannot be read proves nothing.
        return try? parser.parseDictionaryFieldValue()
    }
}

extension InnerList {
    /// The list with its parameters in the one form the RFC prescribes, whatever blanks the sender put in.
    fileprivate var serialized: String? {
        var serializer = StructuredFieldValueSerializer()
        // What was parsed can always be written; if not, the signature counts for nothing.
        let bytes = try? serializer.writeListFieldValue([.innerList(self)])
        return bytes.map { String(decoding: $0, as: UTF8.self) }
    }
}

extension RFC9651BareItem {
    /// The text of a string item.
    var text: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }
}
