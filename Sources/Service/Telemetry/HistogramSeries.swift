import Metrics
import Synchronization

/// How often a value fell below each of sixteen bounds.
///
/// A recording is two atomic additions. Buckets and sum are read one after the other, so a scrape in the
/// middle of a recording may see one without the other; the count is the buckets' own total, so a page
/// never contradicts itself.
final class HistogramSeries: TimerHandler, RecorderHandler, MetricSeries {
    /// Upper bounds, each included in its bucket, ascending.
    typealias Bounds = [16 of Double]

    /// Seconds, from a fast statement to a request at its longest.
    static let seconds: Bounds = [
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60,
    ]

    /// Sizes of batches, queues and bodies.
    static let sizes: Bounds = [
        1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 16_384, 65_536, 1_048_576,
    ]

    let id: SeriesID
    private let bounds: Bounds
    /// How many values fell into each bucket alone; the last one has no bound.
    private let buckets: [17 of Atomic<Int64>]
    private let sum = AtomicDouble()

    init(_ id: SeriesID, bounds: Bounds) {
        self.id = id
        self.bounds = bounds
        buckets = .init { _ in Atomic<Int64>(0) }
    }

    func recordNanoseconds(_ duration: Int64) {
        record(Double(max(0, duration)) / 1_000_000_000)
    }

    func record(_ value: Int64) {
        record(Double(value))
    }

    /// Takes one value; what is not a number has no bucket and is left out.
    func record(_ value: Double) {
        guard !value.isNaN else { return }
        var place = 0
        while place < bounds.count, value > bounds[place] { place += 1 }
        buckets[place].wrappingAdd(1, ordering: .relaxed)
        sum.add(value)
    }

    func lines() -> String {
        var out = ""
        var count: Int64 = 0
        for place in buckets.indices {
            count += buckets[place].load(ordering: .relaxed)
            let bound = place < bounds.count ? MetricText.number(bounds[place]) : "+Inf"
            out += id.line(suffix: "_bucket", label: "le=\"\(bound)\"", value: String(count))
        }
        out += id.line(suffix: "_sum", value: MetricText.number(sum.value))
        out += id.line(suffix: "_count", value: String(count))
        return out
    }
}
