import Domain

/// A running mean of what was measured lately.
///
/// As TCP estimates its round trips (RFC 6298): a new value counts for an eighth.
struct Estimate: Sendable, Hashable {
    private(set) var mean: Double?

    mutating func take(_ value: Double) {
        guard let mean else {
            self.mean = value
            return
        }
        self.mean = mean + (value - mean) / 8
    }
}
