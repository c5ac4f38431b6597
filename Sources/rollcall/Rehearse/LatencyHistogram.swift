/// Counts latencies in buckets whose width grows with their value, so that any percentile is at most 1.6 % too high.
///
/// Values up to 127 µs have a bucket each; above, each power of two is split into 64. Memory does not depend
/// on how many are counted.
struct LatencyHistogram: Sendable, Hashable {
    private static let precisionBits = 7
    private static let bucketsPerPower = 1 << precisionBits

    private var counts: [Int] = []
    private(set) var count = 0
    private(set) var longest = Duration.zero
    private var sum = Duration.zero

    /// Negative latencies, which clocks of two processes can give, count as zero.
    mutating func record(_ latency: Duration) {
        let latency = max(latency, .zero)
        let bucket = Self.bucket(of: Self.microseconds(latency))
        if bucket >= counts.count { counts += Array(repeating: 0, count: bucket + 1 - counts.count) }
        counts[bucket] += 1
        count += 1
        sum += latency
        longest = max(longest, latency)
    }

    mutating func add(_ other: LatencyHistogram) {
        if other.counts.count > counts.count {
            counts += Array(repeating: 0, count: other.counts.count - counts.count)
        }
        for (bucket, number) in other.counts.enumerated() { counts[bucket] += number }
        count += other.count
        sum += other.sum
        longest = max(longest, other.longest)
    }

    /// The latency that this share of all does not exceed; `nil` when none was counted.
    ///
    /// 0.5 gives the median, 1 exactly the longest.
    func percentile(_ share: Double) -> Duration? {
        guard count > 0 else { return nil }
        guard share < 1 else { return longest }
        let rank = max(1, Int((share * Double(count)).rounded(.up)))
        var seen = 0
        for (bucket, number) in counts.enumerated() {
            seen += number
            if seen >= rank { return min(.microseconds(Self.upperEnd(of: bucket)), longest) }
        }
        return longest
    }

    var mean: Duration? { count > 0 ? sum / count : nil }

    /// How many latencies there are in each bucket that is not empty, by its end in microseconds.
    var buckets: [Int64: Int] {
        var buckets: [Int64: Int] = [:]
        for (bucket, number) in counts.enumerated() where number > 0 { buckets[Self.upperEnd(of: bucket)] = number }
        return buckets
    }

    private static func microseconds(_ latency: Duration) -> Int64 {
        latency.components.seconds * 1_000_000 + latency.components.attoseconds / 1_000_000_000_000
    }

    private static func bucket(of value: Int64) -> Int {
        let power = max(0, (Int64.bitWidth - 1 - value.leadingZeroBitCount) - precisionBits + 1)
        guard power > 0 else { return Int(value) }
        // The top bits, of which the first is always set: half of the buckets of each power.
        let top = Int(value >> Int64(power))
        return bucketsPerPower + (power - 1) * (bucketsPerPower / 2) + (top - bucketsPerPower / 2)
    }

    private static func upperEnd(of bucket: Int) -> Int64 {
        guard bucket >= bucketsPerPower else { return Int64(bucket) }
        let (steps, offset) = (bucket - bucketsPerPower).quotientAndRemainder(dividingBy: bucketsPerPower / 2)
        let power = Int64(steps + 1)
        return ((Int64(offset + bucketsPerPower / 2) + 1) << power) - 1
    }
}
