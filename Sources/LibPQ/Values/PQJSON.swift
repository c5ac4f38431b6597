/// A JSON document as text, stored as `jsonb`.
///
/// `jsonb` does not keep spaces, key order or repeated keys, so what comes back may be written differently. The
/// server checks the text; what is no JSON fails with SQLSTATE 22P02.
public struct PQJSON: Hashable, Sendable {
    /// The document, UTF-8.
    public var text: String

    /// A document from its text, which is not checked here.
    public init(_ text: String) {
        self.text = text
    }

    /// The number in front of the text in the binary format.
    ///
    /// Source: `jsonb_recv` in PostgreSQL's `jsonb.c`.
    static let binaryVersion: UInt8 = 1
}

extension PQJSON: PQEncodable, PQDecodable {
    /// Sent as `jsonb`.
    public static var pqType: PQType { .jsonb }

    /// Appends the binary format of `jsonb`.
    public func encode(into buffer: inout [UInt8]) {
        buffer.append(Self.binaryVersion)
        buffer.append(contentsOf: text.utf8)
    }

    /// Reads `jsonb`.
    public init(pq value: PQValue) throws(PQError) {
        self.init(try String(pq: value))
    }
}
