import Domain

/// A time in a sender's record, in whichever of the sender's spellings.
///
/// Absent and unusable differ: a record without an end is open, one whose end we cannot read is not.
enum SentTime: Sendable {
    case absent
    case at(Timestamp)
    case unusable

    init(_ field: Field<OffsetTime>) {
        switch field {
        case .absent: self = .absent
        case .present(let time): self = .at(time.timestamp)
        case .unusable: self = .unusable
        }
    }

    /// A date and time of day that the sender means in UTC without saying so.
    init(inUTC field: Field<NaiveTime>) {
        switch field {
        case .absent: self = .absent
        case .present(let time): self = .at(time.local.inUTC)
        case .unusable: self = .unusable
        }
    }

    /// Unix seconds, where 0 stands for no time.
    init(unixSeconds field: Field<Int64>) {
        switch field {
        case .absent, .present(0): self = .absent
        case .present(let seconds): self = Timestamp(unixSeconds: seconds).map { .at($0) } ?? .unusable
        case .unusable: self = .unusable
        }
    }

    /// This time, or another spelling of it where this one is missing or malformed.
    func or(_ other: SentTime) -> SentTime {
        switch (self, other) {
        case (.at, _), (.unusable, .absent): self
        case (.absent, _), (.unusable, _): other
        }
    }

    /// The instant, where telling absent from unusable makes no difference.
    var timestamp: Timestamp? {
        guard case .at(let timestamp) = self else { return nil }
        return timestamp
    }
}

/// A date and a time of day without an offset, as a JSON string.
struct NaiveTime: Decodable, Sendable {
    var local: LocalTime

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let local = LocalTime(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a time without an offset")
        }
        self.local = local
    }
}
