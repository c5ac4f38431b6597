public import FoundationEssentials

/// A value that can be bound to a statement, in PostgreSQL's binary format.
public protocol PQEncodable: PQArrayElement {
    /// The type that the server is told.
    static var pqType: PQType { get }

    /// Appends the value in the binary format of ``pqType``, without its length.
    func encode(into buffer: inout [UInt8])
}

extension Bool: PQEncodable {
    /// Sent as `boolean`.
    public static var pqType: PQType { .bool }

    /// Appends the binary format of `boolean`.
    public func encode(into buffer: inout [UInt8]) {
        buffer.append(self ? 1 : 0)
    }
}

extension Int16: PQEncodable {
    /// Sent as `smallint`.
    public static var pqType: PQType { .int2 }

    /// Appends the binary format of `smallint`.
    public func encode(into buffer: inout [UInt8]) {
        buffer.append(bigEndian: self)
    }
}

extension Int32: PQEncodable {
    /// Sent as `integer`.
    public static var pqType: PQType { .int4 }

    /// Appends the binary format of `integer`.
    public func encode(into buffer: inout [UInt8]) {
        buffer.append(bigEndian: self)
    }
}

extension Int64: PQEncodable {
    /// Sent as `bigint`.
    public static var pqType: PQType { .int8 }

    /// Appends the binary format of `bigint`.
    public func encode(into buffer: inout [UInt8]) {
        buffer.append(bigEndian: self)
    }
}

extension Int: PQEncodable {
    /// Sent as `bigint`.
    public static var pqType: PQType { .int8 }

    /// Appends the binary format of `bigint`.
    public func encode(into buffer: inout [UInt8]) {
        buffer.append(bigEndian: Int64(self))
    }
}

extension Double: PQEncodable {
    /// Sent as `double precision`.
    public static var pqType: PQType { .float8 }

    /// Appends the binary format of `double precision`.
    public func encode(into buffer: inout [UInt8]) {
        buffer.append(bigEndian: bitPattern)
    }
}

/// Text that contains U+0000 makes the statement fail with ``PQError/Kind/invalidInput``: PostgreSQL cannot store it.
extension String: PQEncodable {
    /// Sent as `text`.
    public static var pqType: PQType { .text }

    /// Appends the binary format of `text`.
    public func encode(into buffer: inout [UInt8]) {
        buffer.append(contentsOf: utf8)
    }
}

extension UUID: PQEncodable {
    /// Sent as `uuid`.
    public static var pqType: PQType { .uuid }

    /// Appends the binary format of `uuid`.
    public func encode(into buffer: inout [UInt8]) {
        unsafe withUnsafeBytes(of: uuid) { bytes in unsafe buffer.append(contentsOf: bytes) }
    }
}

/// Rounds to whole microseconds, the precision of `timestamptz`.
extension Date: PQEncodable {
    /// Sent as `timestamptz`.
    public static var pqType: PQType { .timestamptz }

    /// Appends the binary format of `timestamptz`.
    public func encode(into buffer: inout [UInt8]) {
        PQTimestamp(self).encode(into: &buffer)
    }
}

extension [UInt8] {
    /// Appends an integer in network byte order.
    mutating func append(bigEndian value: some FixedWidthInteger) {
        unsafe Swift.withUnsafeBytes(of: value.bigEndian) { bytes in unsafe append(contentsOf: bytes) }
    }

    /// Overwrites four bytes with an integer in network byte order.
    mutating func replace(at offset: Int, bigEndian value: Int32) {
        let bits = UInt32(bitPattern: value)
        self[offset] = UInt8(truncatingIfNeeded: bits >> 24)
        self[offset + 1] = UInt8(truncatingIfNeeded: bits >> 16)
        self[offset + 2] = UInt8(truncatingIfNeeded: bits >> 8)
        self[offset + 3] = UInt8(truncatingIfNeeded: bits)
    }
}
