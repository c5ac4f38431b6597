package import Metrics
import Synchronization

/// Keeps every metric of the process and writes them in Prometheus' text format.
///
/// A backend for swift-metrics. Making a handler takes a lock and builds a name, so callers on a hot path
/// keep what they made; recording into one is lock-free. Names get the prefix `rollcall_`, counters end in
/// `_total`, timers in `_seconds`. A recorder that aggregates is a histogram, one that does not is a gauge.
package final class PrometheusMetrics: MetricsFactory {
    /// The most label sets one metric may have; more would make memory and scrapes grow with the fleet.
    package static let seriesLimit = 2000

    private let families = Mutex<[String: Family]>([:])
    private let dropped = CounterSeries(SeriesID(name: "rollcall_metrics_dropped_series_total", labels: ""))
    private let help: [String: String]
    private let collectors: [@Sendable () -> [MetricSample]]
    private let seriesLimit: Int

    /// All series under one name.
    private struct Family {
        var type: MetricType
        var help: String
        var series: [String: any MetricSeries] = [:]
    }

    /// A backend without any metric yet.
    ///
    /// - Parameters:
    ///   - help: one sentence by the label the code uses; a metric without one shows its label.
    ///   - collectors: what is measured at the moment of a scrape; ``ProcessMetrics`` is one.
    ///   - seriesLimit: the most label sets one metric may have.
    package init(
        help: [String: String] = [:],
        collectors: [@Sendable () -> [MetricSample]] = [ProcessMetrics.read],
        seriesLimit: Int = PrometheusMetrics.seriesLimit
    ) {
        self.help = help
        self.collectors = collectors
        self.seriesLimit = seriesLimit
    }

    /// Everything as text, ordered by name and labels; the content type is ``contentType``.
    package func render() -> String {
        let families = self.families.withLock { $0 }
        var blocks: [(name: String, text: String)] = families.map { name, family in
            let series = family.series.sorted { $0.key < $1.key }
            return (name, Self.header(name, family.type, family.help) + series.map { $0.value.lines() }.joined())
        }
        for sample in collectors.flatMap({ $0() }) {
            let line = SeriesID(name: sample.name, labels: "").line(value: MetricText.number(sample.value))
            blocks.append((sample.name, Self.header(sample.name, sample.type, sample.help) + line))
        }
        let why = "Label sets refused because their metric had too many or their name meant something else."
        blocks.append((dropped.id.name, Self.header(dropped.id.name, .counter, why) + dropped.lines()))
        return blocks.sorted { $0.name < $1.name }.map(\.text).joined()
    }

    /// The content type of ``render()``.
    package static var contentType: String { MetricText.contentType }

    private static func header(_ name: String, _ type: MetricType, _ help: String) -> String {
        "# HELP \(name) \(MetricText.escaped(help, quotes: false))\n# TYPE \(name) \(type.rawValue)\n"
    }

    /// Finds or makes the series; `nil`, and counted, when the metric is full or of another type.
    private func series<Series: MetricSeries>(
        _ label: String,
        _ dimensions: [(String, String)],
        _ type: MetricType,
        suffix: String = "",
        make: (SeriesID) -> Series
    ) -> Series? {
        let id = SeriesID(name: MetricText.name(label, suffix: suffix), labels: MetricText.labels(dimensions))
        let found: Series? = families.withLock { families in
            var family = families[id.name] ?? Family(type: type, help: help[label] ?? label)
            guard family.type == type else { return nil }
            if let known = family.series[id.labels] { return known as? Series }
            guard family.series.count < seriesLimit else { return nil }
            let made = make(id)
            family.series[id.labels] = made
            families[id.name] = family
            return made
        }
        if found == nil { dropped.increment(by: 1) }
        return found
    }

    private func remove(_ handler: AnyObject) {
        guard let series = handler as? any MetricSeries else { return }
        families.withLock { families in
            guard families[series.id.name]?.series[series.id.labels] === series else { return }
            families[series.id.name]?.series[series.id.labels] = nil
            if families[series.id.name]?.series.isEmpty == true { families[series.id.name] = nil }
        }
    }
}

extension PrometheusMetrics {
    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        series(label, dimensions, .counter, suffix: "_total", make: CounterSeries.init) ?? NOOPMetricsHandler.instance
    }

    package func makeFloatingPointCounter(
        label: String,
        dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        series(label, dimensions, .counter, suffix: "_total", make: FloatingPointCounterSeries.init)
            ?? NOOPMetricsHandler.instance
    }

    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        series(label, dimensions, .gauge, make: GaugeSeries.init) ?? NOOPMetricsHandler.instance
    }

    package func makeRecorder(
        label: String,
        dimensions: [(String, String)],
        aggregate: Bool
    ) -> any RecorderHandler {
        guard aggregate else {
            return series(label, dimensions, .gauge, make: GaugeSeries.init) ?? NOOPMetricsHandler.instance
        }
        return series(label, dimensions, .histogram) { HistogramSeries($0, bounds: HistogramSeries.sizes) }
            ?? NOOPMetricsHandler.instance
    }

    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        series(label, dimensions, .histogram, suffix: "_seconds") {
            HistogramSeries($0, bounds: HistogramSeries.seconds)
        } ?? NOOPMetricsHandler.instance
    }

    package func destroyCounter(_ handler: any CounterHandler) { remove(handler) }
    package func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) { remove(handler) }
    package func destroyMeter(_ handler: any MeterHandler) { remove(handler) }
    package func destroyRecorder(_ handler: any RecorderHandler) { remove(handler) }
    package func destroyTimer(_ handler: any TimerHandler) { remove(handler) }
}
