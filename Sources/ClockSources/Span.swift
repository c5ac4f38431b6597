import Domain

/// A stretch of time that may still be open.
struct Span: Sendable {
    var start: Timestamp
    var end: Timestamp?

    /// `nil` without a plausible start, or when an end is given that cannot be used: leaving it out would say that
    /// the person still works.
    init?(start: SentTime, end: SentTime, receivedAt: Timestamp) {
        guard let start = start.timestamp, start.isPlausible(receivedAt: receivedAt) else { return nil }
        self.start = start
        switch end {
        case .absent:
            self.end = nil
        case .at(let end):
            guard end.isPlausible(receivedAt: receivedAt) else { return nil }
            self.end = end
        case .unusable:
            return nil
        }
    }

    /// The same from times with an offset.
    init?(start: Field<OffsetTime>, end: Field<OffsetTime>, receivedAt: Timestamp) {
        self.init(start: SentTime(start), end: SentTime(end), receivedAt: receivedAt)
    }
}
