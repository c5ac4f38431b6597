extension PQDecodableElement where Self: PQDecodable {
    /// Reads a one-dimensional array.
    ///
    /// Source of the format: `array_send` in PostgreSQL's `arrayfuncs.c`.
    public static func decodeArray(_ value: PQValue) throws(PQError) -> [Self] {
        guard !value.isNull else { throw value.failure("NULL") }
        guard value.count >= 12 else { throw value.failure("no array") }
        let dimensions = value.integer(at: 0)
        let element = PQType(oid: UInt32(bitPattern: value.integer(at: 8)))
        guard value.type == element.array || value.type.oid >= PQType.firstUserDefined else {
            throw value.mismatch([Self].self)
        }
        guard dimensions != 0 else { return [] }
        guard dimensions == 1, value.count >= 20 else { throw value.failure("an array of \(dimensions) dimensions") }
        let count = Int(value.integer(at: 12))
        // Each element takes four bytes at least: a damaged count cannot make us reserve more than the value's size.
        guard count >= 0, count <= value.count / 4 else { throw value.failure("a damaged array") }
        return try decodeElements(value, count: count, type: element)
    }

    private static func decodeElements(_ value: PQValue, count: Int, type: PQType) throws(PQError) -> [Self] {
        var elements: [Self] = []
        elements.reserveCapacity(count)
        var position = 20
        for _ in 0..<count {
            guard position + 4 <= value.count else { throw value.failure("a damaged array") }
            let length = Int(value.integer(at: position))
            position += 4
            guard length >= -1, position + max(0, length) <= value.count else {
                throw value.failure("a damaged array")
            }
            elements.append(try Self(pq: value.element(type: type, offset: position, length: length)))
            position += max(0, length)
        }
        return elements
    }
}

/// Bytes: `bytea` is read as an array of these.
extension UInt8: PQDecodableElement {
    /// Reads `bytea`.
    public static func decodeArray(_ value: PQValue) throws(PQError) -> [UInt8] {
        guard value.type == .bytea else { throw value.mismatch([UInt8].self) }
        guard !value.isNull else { throw value.failure("NULL") }
        return value.bytes
    }
}

extension Array: PQDecodable, PQDecodableElement where Element: PQDecodableElement {
    /// Reads a one-dimensional array, or `bytea` as bytes.
    public init(pq value: PQValue) throws(PQError) {
        self = try Element.decodeArray(value)
    }
}
