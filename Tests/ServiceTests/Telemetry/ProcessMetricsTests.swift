import Testing

@testable import Service

@Suite("ProcessMetrics")
struct ProcessMetricsTests {
    /// Shortened from a real one; the program's name tries to look like fields.
    static let stat =
        "4711 (a) R 9 (b) S 1 4711 4711 0 -1 4194304 2000 0 0 0 250 50 0 0 20 0 8 0 123456 300000000 9000 1844"

    @Test
    func `this process is measured under the usual names`() {
        let samples = Dictionary(ProcessMetrics.read().map { ($0.name, $0.value) }) { first, _ in first }
        #expect(samples["process_resident_memory_bytes"] ?? 0 > 1_000_000)
        #expect(samples["process_open_fds"] ?? 0 >= 3)
        #expect(samples["process_max_fds"] ?? 0 > samples["process_open_fds"] ?? 0)
        #expect(samples["process_threads"] ?? 0 >= 1)
        #expect(samples["process_cpu_seconds_total"] ?? -1 >= 0)
        #expect(samples["process_start_time_seconds"] ?? 0 > 1_600_000_000)
    }

    @Test
    func `a program's name with parentheses misleads nobody`() {
        #expect(ProcessMetrics.cpuSeconds(Self.stat) == 3)
        #expect(ProcessMetrics.startSeconds(Self.stat, "cpu 1\nbtime 1700000000\n") == 1_700_001_234.56)
    }

    @Test
    func `memory is told in bytes`() {
        #expect(ProcessMetrics.residentBytes(status: "VmPeak:\t 9 kB\nVmRSS:\t  2048 kB\n") == 2_097_152)
    }

    @Test(arguments: ["", "no such thing", "1 (a)"])
    func `what cannot be read is left out`(text: String) {
        #expect(ProcessMetrics.cpuSeconds(text) == nil)
        #expect(ProcessMetrics.startSeconds(text, text) == nil)
        #expect(ProcessMetrics.residentBytes(status: text) == nil)
    }

    @Test
    func `they are part of the page`() {
        let text = PrometheusMetrics().render()
        #expect(text.contains("# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total "))
        #expect(text.contains("# TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes "))
    }
}
