import FoundationEssentials

/// The figures of a rehearsal, for people and for machines.
struct RehearsalReport: Sendable, Hashable {
    /// One thing that was measured.
    struct Line: Sendable, Hashable, Codable {
        var what: String
        var count: Int
        var failures: Int
        /// A second; absent where a rate says nothing.
        var rate: Double?
        /// Milliseconds; absent when nothing succeeded.
        var p50: Double?
        var p90: Double?
        var p99: Double?
        var p999: Double?
        var max: Double?
        /// How many latencies there are in each bucket, by its end in microseconds: for percentiles of several runs together.
        var buckets: [String: Int]

        init(_ what: String, latency: LatencyHistogram, failures: Int, rate: Double? = nil) {
            self.what = what
            count = latency.count
            self.failures = failures
            self.rate = rate.map { ($0 * 10).rounded() / 10 }
            p50 = latency.percentile(0.5).map(Self.milliseconds)
            p90 = latency.percentile(0.9).map(Self.milliseconds)
            p99 = latency.percentile(0.99).map(Self.milliseconds)
            p999 = latency.percentile(0.999).map(Self.milliseconds)
            max = latency.percentile(1).map(Self.milliseconds)
            buckets = Dictionary(uniqueKeysWithValues: latency.buckets.map { ("\($0)", $1) })
        }

        init(_ what: String, _ outcome: OpenLoop.Outcome) {
            self.init(what, latency: outcome.latency, failures: outcome.failures, rate: outcome.rate)
        }

        private static func milliseconds(_ latency: Duration) -> Double {
            let microseconds =
                latency.components.seconds * 1_000_000 + latency.components.attoseconds / 1_000_000_000_000
            return Double(microseconds) / 1_000
        }
    }

    var lines: [Line] = []
    /// Whether everything that was asked for happened.
    var isComplete: Bool { lines.allSatisfy { $0.failures == 0 && $0.count > 0 } }

    /// Aligned columns; times in milliseconds.
    var table: String {
        let header = ["what", "count", "failed", "per second", "p50 ms", "p90 ms", "p99 ms", "p99.9 ms", "max ms"]
        let rows = lines.map { line in
            [line.what, "\(line.count)", "\(line.failures)"]
                + [line.rate, line.p50, line.p90, line.p99, line.p999, line.max].map { $0.map { "\($0)" } ?? "-" }
        }
        let widths = header.indices.map { column in ([header] + rows).map { $0[column].count }.max() ?? 0 }
        return ([header] + rows).map { row in
            zip(row, widths).enumerated().map { column, cell in
                let blanks = String(repeating: " ", count: cell.1 - cell.0.count)
                return column == 0 ? cell.0 + blanks : blanks + cell.0
            }
            .joined(separator: "  ")
        }
        .joined(separator: "\n")
    }

    /// A JSON array, one object a line of the table.
    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        return String(decoding: try encoder.encode(lines), as: UTF8.self)
    }
}
