/// What an array that is bound to a statement may hold: any ``PQEncodable``, an `Optional` of one, or `UInt8`.
///
/// Conform to ``PQEncodable`` instead; it brings this with it. `[UInt8]` is `bytea`, every other array is a
/// one-dimensional PostgreSQL array; an array of arrays makes the statement fail with ``PQError/Kind/invalidInput``.
public protocol PQArrayElement {
    /// The type of an array of these; `nil` where PostgreSQL has none that this library knows.
    static var pqArrayType: PQType? { get }

    /// Appends the whole array in its binary format.
    static func encodeArray(_ elements: [Self], into buffer: inout [UInt8])
}

extension PQArrayElement where Self: PQEncodable {
    /// The array type of ``PQEncodable/pqType``.
    public static var pqArrayType: PQType? { pqType.array }

    /// Appends a one-dimensional array.
    public static func encodeArray(_ elements: [Self], into buffer: inout [UInt8]) {
        buffer.appendArrayHeader(count: elements.count, hasNull: false, element: pqType)
        for element in elements {
            buffer.appendElement(element)
        }
    }
}

extension Optional: PQArrayElement where Wrapped: PQEncodable {
    /// The array type of the wrapped type.
    public static var pqArrayType: PQType? { Wrapped.pqArrayType }

    /// Appends a one-dimensional array, `nil` as NULL.
    public static func encodeArray(_ elements: [Wrapped?], into buffer: inout [UInt8]) {
        let hasNull = elements.contains { $0 == nil }
        buffer.appendArrayHeader(count: elements.count, hasNull: hasNull, element: Wrapped.pqType)
        for element in elements {
            if let element {
                buffer.appendElement(element)
            } else {
                buffer.append(bigEndian: Int32(-1))
            }
        }
    }
}

/// Bytes: an array of these is one `bytea`.
extension UInt8: PQArrayElement {
    /// Sent as `bytea`.
    public static var pqArrayType: PQType? { .bytea }

    /// Appends the bytes as they are.
    public static func encodeArray(_ elements: [UInt8], into buffer: inout [UInt8]) {
        buffer.append(contentsOf: elements)
    }
}

extension Array: PQEncodable, PQArrayElement where Element: PQArrayElement {
    /// The array's type; the type 0 marks an array of arrays, which is refused when it is bound.
    public static var pqType: PQType { Element.pqArrayType ?? PQType(oid: 0) }

    /// Appends the binary format of the array.
    public func encode(into buffer: inout [UInt8]) {
        Element.encodeArray(self, into: &buffer)
    }
}

extension [UInt8] {
    /// Appends what precedes the elements of an array.
    ///
    /// Source: `array_recv` in PostgreSQL's `arrayfuncs.c`.
    fileprivate mutating func appendArrayHeader(count: Int, hasNull: Bool, element: PQType) {
        append(bigEndian: Int32(count == 0 ? 0 : 1))
        append(bigEndian: Int32(hasNull ? 1 : 0))
        append(bigEndian: element.oid)
        guard count > 0 else { return }
        append(bigEndian: Int32(clamping: count))
        append(bigEndian: Int32(1))
    }

    /// Appends one element with its length in front.
    fileprivate mutating func appendElement(_ element: some PQEncodable) {
        let start = count
        append(bigEndian: Int32(0))
        element.encode(into: &self)
        replace(at: start, bigEndian: Int32(clamping: count - start - 4))
    }
}
