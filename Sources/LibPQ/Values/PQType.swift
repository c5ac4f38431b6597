/// A PostgreSQL data type, named by its object identifier.
///
/// Source: `pg_type.dat` of PostgreSQL 15; the identifiers of built-in types never change.
public struct PQType: Hashable, Sendable {
    /// The `oid` of the type's row in `pg_type`; 0 lets the server infer the type.
    public var oid: UInt32

    /// Names a type by its object identifier.
    public init(oid: UInt32) {
        self.oid = oid
    }

    /// The type `boolean`.
    public static let bool = PQType(oid: 16)
    /// The type `bytea`.
    public static let bytea = PQType(oid: 17)
    /// The type `name`, of identifiers in system tables.
    public static let name = PQType(oid: 19)
    /// The type `bigint`.
    public static let int8 = PQType(oid: 20)
    /// The type `smallint`.
    public static let int2 = PQType(oid: 21)
    /// The type `integer`.
    public static let int4 = PQType(oid: 23)
    /// The type `text`.
    public static let text = PQType(oid: 25)
    /// The type `oid`.
    public static let objectID = PQType(oid: 26)
    /// The type `json`.
    public static let json = PQType(oid: 114)
    /// The type `xml`.
    public static let xml = PQType(oid: 142)
    /// The type `real`.
    public static let float4 = PQType(oid: 700)
    /// The type `double precision`.
    public static let float8 = PQType(oid: 701)
    /// The type `unknown`, of a literal whose type was never decided.
    public static let unknown = PQType(oid: 705)
    /// The type `character(n)`.
    public static let bpchar = PQType(oid: 1042)
    /// The type `character varying(n)`.
    public static let varchar = PQType(oid: 1043)
    /// The type `timestamp with time zone`.
    public static let timestamptz = PQType(oid: 1184)
    /// The type `uuid`.
    public static let uuid = PQType(oid: 2950)
    /// The type `void`, which a function without a result returns.
    public static let void = PQType(oid: 2278)
    /// The type `jsonb`.
    public static let jsonb = PQType(oid: 3802)

    /// The first identifier that a database gives to types of its own, such as enums.
    static let firstUserDefined: UInt32 = 16_384

    /// The array type with elements of this type, or `nil` for types without one here (arrays among them).
    public var array: PQType? {
        switch self {
        case .bool: PQType(oid: 1000)
        case .bytea: PQType(oid: 1001)
        case .name: PQType(oid: 1003)
        case .int2: PQType(oid: 1005)
        case .int4: PQType(oid: 1007)
        case .text: PQType(oid: 1009)
        case .bpchar: PQType(oid: 1014)
        case .varchar: PQType(oid: 1015)
        case .int8: PQType(oid: 1016)
        case .float4: PQType(oid: 1021)
        case .float8: PQType(oid: 1022)
        case .objectID: PQType(oid: 1028)
        case .timestamptz: PQType(oid: 1185)
        case .json: PQType(oid: 199)
        case .xml: PQType(oid: 143)
        case .uuid: PQType(oid: 2951)
        case .jsonb: PQType(oid: 3807)
        default: nil
        }
    }

    /// Whether values travel as plain UTF-8 text even in the binary format.
    var isText: Bool {
        switch self {
        case .text, .varchar, .bpchar, .name, .json, .xml, .unknown: true
        default: oid >= Self.firstUserDefined
        }
    }
}
