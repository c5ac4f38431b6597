import Dispatch
import Testing

@testable import Service

@Suite("PrometheusMetrics")
struct PrometheusMetricsTests {
    private func backend(help: [String: String] = [:], seriesLimit: Int = 100) -> PrometheusMetrics {
        PrometheusMetrics(help: help, collectors: [], seriesLimit: seriesLimit)
    }

    /// The lines about one metric, comments included.
    private func lines(_ metrics: PrometheusMetrics, about name: String) -> [String] {
        metrics.render().split(separator: "\n").filter { $0.contains(name) }.map(String.init)
    }

    private func counter(
        _ metrics: PrometheusMetrics,
        _ label: String,
        _ dimensions: [(String, String)] = []
    ) throws -> CounterSeries {
        try #require(metrics.makeCounter(label: label, dimensions: dimensions) as? CounterSeries)
    }

    @Test
    func `a counter is written with its help, type, labels by name and value`() throws {
        let metrics = backend(help: ["engine.calls": "Calls to engines."])
        try counter(metrics, "engine.calls", [("verdict", "ok"), ("account", "main")]).increment(by: 3)
        #expect(
            lines(metrics, about: "engine_calls") == [
                "# HELP rollcall_engine_calls_total Calls to engines.",
                "# TYPE rollcall_engine_calls_total counter",
                #"rollcall_engine_calls_total{account="main",verdict="ok"} 3"#,
            ]
        )
    }

    @Test
    func `the same label and dimensions are the same series, whatever their order`() throws {
        let metrics = backend()
        try counter(metrics, "a", [("x", "1"), ("y", "2")]).increment(by: 1)
        try counter(metrics, "a", [("y", "2"), ("x", "1")]).increment(by: 1)
        #expect(lines(metrics, about: "rollcall_a_total{") == [#"rollcall_a_total{x="1",y="2"} 2"#])
    }

    @Test
    func `output is ordered by name and labels`() throws {
        let metrics = backend()
        for label in ["b", "c", "a"] {
            for value in ["2", "1"] { _ = try counter(metrics, label, [("x", value)]) }
        }
        let series = metrics.render().split(separator: "\n").filter { $0.contains("{x=") }
        #expect(series == series.sorted())
        #expect(series.count == 6)
        #expect(metrics.render() == metrics.render())
    }

    @Test
    func `label values and help texts are escaped`() throws {
        let metrics = backend(help: ["a": "one\\two\nthree \"four\""])
        _ = try counter(metrics, "a", [("x", "q\"b\\n\nend")])
        let text = metrics.render()
        #expect(text.contains(#"# HELP rollcall_a_total one\\two\nthree "four""#))
        #expect(text.contains(#"rollcall_a_total{x="q\"b\\n\nend"} 0"#))
    }

    @Test(arguments: [
        ("append.batch-size", "", "rollcall_append_batch_size"),
        ("rollcall_ready", "", "rollcall_ready"),
        ("events_total", "_total", "rollcall_events_total"),
        ("wait", "_seconds", "rollcall_wait_seconds"),
        ("3xx é", "_total", "rollcall_3xx____total"),
    ])
    func `names become legal and carry prefix and unit once`(label: String, suffix: String, name: String) {
        #expect(MetricText.name(label, suffix: suffix) == name)
    }

    @Test
    func `labels that Prometheus keeps for itself get another name`() {
        #expect(
            MetricText.labels([("le", "1"), ("__name__", "2"), ("9", "3"), ("", "4")])
                == #"label_="4",label_9="3",label___name__="2",label_le="1""#
        )
        #expect(MetricText.labels([("a.b", "first"), ("a-b", "second")]) == #"a_b="first""#)
    }

    @Test
    func `a timer is a histogram in seconds whose bounds belong to their bucket`() throws {
        let metrics = backend()
        let timer = try #require(metrics.makeTimer(label: "call", dimensions: [("to", "x")]) as? HistogramSeries)
        for nanoseconds: Int64 in [1_000_000, 1_000_001, 60_000_000_000, 61_000_000_000, -5] {
            timer.recordNanoseconds(nanoseconds)
        }
        let text = lines(metrics, about: "rollcall_call_seconds")
        #expect(text.contains("# TYPE rollcall_call_seconds histogram"))
        #expect(text.contains(#"rollcall_call_seconds_bucket{to="x",le="0.001"} 2"#))
        #expect(text.contains(#"rollcall_call_seconds_bucket{to="x",le="0.0025"} 3"#))
        #expect(text.contains(#"rollcall_call_seconds_bucket{to="x",le="60"} 4"#))
        #expect(text.contains(#"rollcall_call_seconds_bucket{to="x",le="+Inf"} 5"#))
        #expect(text.contains(#"rollcall_call_seconds_count{to="x"} 5"#))
        #expect(text.contains { $0.hasPrefix(#"rollcall_call_seconds_sum{to="x"} 121.002"#) })
        #expect(text.count == 2 + 17 + 2)
    }

    @Test
    func `a recorder is a histogram when it aggregates and a gauge when not`() throws {
        let metrics = backend()
        let sizes = try #require(
            metrics.makeRecorder(label: "batch", dimensions: [], aggregate: true) as? HistogramSeries
        )
        sizes.record(Int64(512))
        sizes.record(Double.nan)
        let level = try #require(metrics.makeRecorder(label: "level", dimensions: [], aggregate: false) as? GaugeSeries)
        level.record(2.5)
        let text = metrics.render()
        #expect(text.contains(#"rollcall_batch_bucket{le="256"} 0"#))
        #expect(text.contains(#"rollcall_batch_bucket{le="512"} 1"#))
        #expect(text.contains("rollcall_batch_count 1\n"))
        #expect(text.contains("# TYPE rollcall_level gauge\nrollcall_level 2.5\n"))
    }

    @Test
    func `a meter goes up and down`() throws {
        let metrics = backend()
        let meter = try #require(metrics.makeMeter(label: "waiting", dimensions: []) as? GaugeSeries)
        meter.set(Int64(10))
        meter.increment(by: 2)
        meter.decrement(by: 4.5)
        #expect(metrics.render().contains("rollcall_waiting 7.5\n"))
    }

    @Test
    func `a metric takes no more label sets than its limit and counts the rest`() throws {
        let metrics = backend(seriesLimit: 3)
        for number in 0..<5 { _ = metrics.makeCounter(label: "a", dimensions: [("x", "\(number)")]) }
        try counter(metrics, "a", [("x", "2")]).increment(by: 1)
        #expect(lines(metrics, about: "rollcall_a_total{").count == 3)
        #expect(metrics.render().contains("rollcall_metrics_dropped_series_total 2\n"))
    }

    @Test
    func `a name never has two types`() throws {
        let metrics = backend()
        _ = metrics.makeMeter(label: "a_total", dimensions: [])
        #expect(metrics.makeCounter(label: "a", dimensions: []) as? CounterSeries == nil)
        #expect(lines(metrics, about: "TYPE rollcall_a_total") == ["# TYPE rollcall_a_total gauge"])
        #expect(metrics.render().contains("rollcall_metrics_dropped_series_total 1\n"))
    }

    @Test
    func `a destroyed series is gone and its place free`() throws {
        let metrics = backend(seriesLimit: 1)
        let first = metrics.makeCounter(label: "a", dimensions: [("x", "1")])
        metrics.destroyCounter(first)
        #expect(lines(metrics, about: "rollcall_a_total").isEmpty)
        try counter(metrics, "a", [("x", "2")]).increment(by: 1)
        metrics.destroyCounter(first)
        #expect(lines(metrics, about: "rollcall_a_total{") == [#"rollcall_a_total{x="2"} 1"#])
    }

    @Test
    func `no recording is lost between threads`() throws {
        let metrics = backend()
        let count = try counter(metrics, "c")
        let fraction = try #require(
            metrics.makeFloatingPointCounter(label: "f", dimensions: []) as? FloatingPointCounterSeries
        )
        let timer = try #require(metrics.makeTimer(label: "t", dimensions: []) as? HistogramSeries)
        DispatchQueue.concurrentPerform(iterations: 8) { _ in
            for _ in 0..<30_000 {
                count.increment(by: 1)
                fraction.increment(by: 0.5)
                timer.recordNanoseconds(500_000_000)
            }
        }
        let text = metrics.render()
        #expect(text.contains("rollcall_c_total 240000\n"))
        #expect(text.contains("rollcall_f_total 120000\n"))
        #expect(text.contains("rollcall_t_seconds_count 240000\n"))
        #expect(text.contains("rollcall_t_seconds_sum 120000\n"))
    }

    @Test(
        arguments: zip(
            [.infinity, -.infinity, .nan, 1e-7, 1e18, -0.5],
            ["+Inf", "-Inf", "NaN", "1e-07", "1000000000000000000", "-0.5"]
        )
    )
    func `numbers are written as Prometheus reads them`(value: Double, text: String) {
        #expect(MetricText.number(value) == text)
    }
}
