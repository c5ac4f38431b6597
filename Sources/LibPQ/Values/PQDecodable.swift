public import FoundationEssentials

/// A value that can be read from a column.
///
/// A conforming type usually reads one of the types below and converts it: `let text = try String(pq: value)`.
public protocol PQDecodable: PQDecodableElement {
    /// Reads the value.
    ///
    /// - Throws: ``PQError`` of kind `decoding`, made by ``PQValue/failure(_:)`` so that it names the column.
    init(pq value: PQValue) throws(PQError)
}

/// What an array read from a column may hold: any ``PQDecodable``, or `UInt8`.
///
/// Conform to ``PQDecodable`` instead.
public protocol PQDecodableElement {
    /// Reads a whole array.
    static func decodeArray(_ value: PQValue) throws(PQError) -> [Self]
}

extension Bool: PQDecodable {
    /// Reads `boolean`.
    public init(pq value: PQValue) throws(PQError) {
        guard value.type == .bool else { throw value.mismatch(Bool.self) }
        self = try value.integer(UInt8.self, of: .bool) != 0
    }
}

extension Int16: PQDecodable {
    /// Reads `smallint`.
    public init(pq value: PQValue) throws(PQError) {
        self = try value.integer(Int16.self, of: .int2)
    }
}

extension Int32: PQDecodable {
    /// Reads `integer` and `smallint`.
    public init(pq value: PQValue) throws(PQError) {
        switch value.type {
        case .int2: self = Int32(try value.integer(Int16.self, of: .int2))
        default: self = try value.integer(Int32.self, of: .int4)
        }
    }
}

extension Int64: PQDecodable {
    /// Reads `bigint`, `integer`, `smallint` and `oid`.
    public init(pq value: PQValue) throws(PQError) {
        switch value.type {
        case .int2: self = Int64(try value.integer(Int16.self, of: .int2))
        case .int4: self = Int64(try value.integer(Int32.self, of: .int4))
        case .objectID: self = Int64(try value.integer(UInt32.self, of: .objectID))
        default: self = try value.integer(Int64.self, of: .int8)
        }
    }
}

extension Int: PQDecodable {
    /// Reads `bigint`, `integer`, `smallint` and `oid`.
    public init(pq value: PQValue) throws(PQError) {
        self = Int(try Int64(pq: value))
    }
}

extension Double: PQDecodable {
    /// Reads `double precision` and `real`.
    public init(pq value: PQValue) throws(PQError) {
        switch value.type {
        case .float4: self = Double(Float(bitPattern: try value.integer(UInt32.self, of: .float4)))
        default: self = Double(bitPattern: try value.integer(UInt64.self, of: .float8))
        }
    }
}

extension String: PQDecodable {
    /// Reads every type whose binary format is text (enums among them), `jsonb`, and `void` as "".
    public init(pq value: PQValue) throws(PQError) {
        let type = value.type
        guard type.isText || type == .jsonb || type == .void else { throw value.mismatch(String.self) }
        guard !value.isNull else { throw value.failure("NULL") }
        self = value.text(skipping: type == .jsonb ? 1 : 0)
    }
}

extension UUID: PQDecodable {
    /// Reads `uuid`.
    public init(pq value: PQValue) throws(PQError) {
        guard value.type == .uuid else { throw value.mismatch(UUID.self) }
        var raw: uuid_t = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
        let isWhole = unsafe withUnsafeMutableBytes(of: &raw) { target in unsafe value.copy(into: target) }
        guard isWhole else { throw value.failure("not 16 bytes") }
        self.init(uuid: raw)
    }
}

extension Optional: PQDecodable, PQDecodableElement where Wrapped: PQDecodable {
    /// Reads what the wrapped type reads, and NULL as `nil`.
    @inlinable public init(pq value: PQValue) throws(PQError) {
        self = value.isNull ? nil : .some(try Wrapped(pq: value))
    }
}
