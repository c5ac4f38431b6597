import Testing

@testable import rollcall

@Suite("LatencyHistogram")
struct LatencyHistogramTests {
    @Test(arguments: [0.01, 0.5, 0.9, 0.99, 0.999, 1])
    func `a percentile is within a hundredth of what sorting gives`(share: Double) throws {
        // Three powers of ten, unevenly filled.
        let values = (1...5_000).map { Int64($0 * $0 % 999_983 + $0) }
        var histogram = LatencyHistogram()
        for value in values { histogram.record(.microseconds(value)) }
        let sorted = values.sorted()
        let exact = Double(sorted[max(0, Int((share * Double(sorted.count)).rounded(.up)) - 1)])
        let found = try #require(histogram.percentile(share))
        let microseconds = Double(found.components.seconds) * 1e6 + Double(found.components.attoseconds) / 1e12
        #expect(abs(microseconds - exact) <= exact / 100 + 1)
    }

    @Test func `two halves added up give the same as the whole`() {
        var whole = LatencyHistogram()
        var halves = [LatencyHistogram(), LatencyHistogram()]
        for value in 0..<2_000 {
            let latency = Duration.microseconds(value * value)
            whole.record(latency)
            halves[value % 2].record(latency)
        }
        halves[0].add(halves[1])
        #expect(halves[0] == whole)
    }

    @Test func `nothing counted has no percentile, and a clock that runs back counts as zero`() {
        var histogram = LatencyHistogram()
        #expect(histogram.percentile(0.5) == nil)
        #expect(histogram.mean == nil)
        histogram.record(.microseconds(-5))
        #expect(histogram.percentile(1) == .zero)
    }

    @Test func `its buckets hold all that was counted, each at its end`() {
        var histogram = LatencyHistogram()
        for value in [0, 3, 3, 20_000] { histogram.record(.microseconds(value)) }
        let buckets = histogram.buckets.sorted { $0.key < $1.key }
        #expect(buckets.map(\.value) == [1, 2, 1])
        #expect(buckets.prefix(2).map(\.key) == [0, 3])
        #expect((20_000...20_400).contains(buckets.last?.key ?? 0))
    }

    @Test func `an hour of latency needs no more than a few thousand buckets`() throws {
        var histogram = LatencyHistogram()
        histogram.record(.seconds(3_600))
        #expect(histogram.percentile(0.5) == .seconds(3_600))
    }
}
