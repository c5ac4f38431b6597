/// The last values of something that is measured, a few hundred of them.
struct RecentValues: Sendable, Hashable {
    static let limit = 256

    private var values: [Double] = []
    private var next = 0

    mutating func take(_ value: Double) {
        if values.count < Self.limit { values.append(value) } else { values[next] = value }
        next = (next + 1) % Self.limit
    }

    /// The largest of so many values, as the recent ones let expect; of one the median, of more than a few hundred the largest.
    ///
    /// Returns `nil` while nothing was measured.
    func largest(of count: Int) -> Double? {
        guard !values.isEmpty else { return nil }
        let share = Double(max(1, count)) / Double(max(1, count) + 1)
        let place = Int((Double(values.count) * share).rounded(.up)) - 1
        return values.sorted()[min(max(0, place), values.count - 1)]
    }
}
