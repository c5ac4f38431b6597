public import FoundationEssentials

/// An instant with the precision of `timestamptz`.
public struct PQTimestamp: Hashable, Comparable, Sendable {
    /// Microseconds since 1970-01-01 00:00:00 UTC; negative before.
    ///
    /// `Int64.max` and `Int64.min` are PostgreSQL's `infinity` and `-infinity`.
    public var microseconds: Int64

    /// An instant from microseconds since the UNIX epoch.
    public init(microseconds: Int64) {
        self.microseconds = microseconds
    }

    /// The instant nearest to a date, at most half a microsecond away.
    public init(_ date: Date) {
        let exact = (date.timeIntervalSince1970 * 1_000_000).rounded()
        self.microseconds = Int64(exactly: exact) ?? (exact > 0 ? .max : .min)
    }

    /// The same instant as a date; a double keeps microseconds exact until the year 2255.
    public var date: Date {
        Date(timeIntervalSince1970: Double(microseconds) / 1_000_000)
    }

    /// Whether one instant is before another.
    public static func < (left: PQTimestamp, right: PQTimestamp) -> Bool {
        left.microseconds < right.microseconds
    }

    /// Microseconds from the UNIX epoch to 2000-01-01 00:00:00 UTC, where PostgreSQL's clock starts.
    private static let postgresEpoch: Int64 = 946_684_800_000_000

    /// Microseconds since PostgreSQL's epoch, its binary format.
    fileprivate var postgresMicroseconds: Int64 {
        guard microseconds != .max else { return .max }
        let (value, overflow) = microseconds.subtractingReportingOverflow(Self.postgresEpoch)
        return overflow ? .min : value
    }

    fileprivate init(postgresMicroseconds value: Int64) {
        guard value != .min else {
            self.microseconds = .min
            return
        }
        let (sum, overflow) = value.addingReportingOverflow(Self.postgresEpoch)
        self.microseconds = overflow ? .max : sum
    }
}

extension PQTimestamp: PQEncodable, PQDecodable {
    /// Sent as `timestamptz`.
    public static var pqType: PQType { .timestamptz }

    /// Appends the binary format of `timestamptz`.
    public func encode(into buffer: inout [UInt8]) {
        buffer.append(bigEndian: postgresMicroseconds)
    }

    /// Reads `timestamptz`.
    public init(pq value: PQValue) throws(PQError) {
        self.init(postgresMicroseconds: try value.integer(Int64.self, of: .timestamptz))
    }
}

/// Refuses `infinity`, which a date cannot express.
extension Date: PQDecodable {
    /// Reads `timestamptz`.
    public init(pq value: PQValue) throws(PQError) {
        let timestamp = try PQTimestamp(pq: value)
        guard timestamp.microseconds != .max, timestamp.microseconds != .min else {
            throw value.failure("an infinite timestamp")
        }
        self = timestamp.date
    }
}
