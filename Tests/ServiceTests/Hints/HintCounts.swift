import Metrics

@testable import Service

/// What came of the hints that a test's service took: `engine_hints`, by effect.
struct HintCounts: Sendable {
    private let metrics = PrometheusMetrics(collectors: [])

    /// Runs the body with what it counts kept here.
    func count(_ body: () async throws -> Void) async throws {
        try await withMetricsFactory(metrics, body)
    }

    /// How many hints had each effect; effects that none had are left out.
    var all: [String: Int] {
        let start = #"rollcall_engine_hints_total{effect=""#
        var counts: [String: Int] = [:]
        for line in metrics.render().split(separator: "\n") where line.hasPrefix(start) {
            let parts = line.dropFirst(start.count).split(separator: "\"")
            guard let effect = parts.first, let number = line.split(separator: " ").last else { continue }
            counts[String(effect)] = Int(number)
        }
        return counts
    }
}
