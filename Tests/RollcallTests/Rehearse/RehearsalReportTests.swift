import Testing

@testable import rollcall

@Suite("RehearsalReport")
struct RehearsalReportTests {
    private func histogram(_ milliseconds: Int...) -> LatencyHistogram {
        var histogram = LatencyHistogram()
        for value in milliseconds { histogram.record(.milliseconds(value)) }
        return histogram
    }

    @Test func `a line says its percentiles in milliseconds`() {
        let line = RehearsalReport.Line("x", latency: histogram(2, 2, 8), failures: 0)
        #expect(line.count == 3)
        #expect(line.max == 8)
        #expect(abs((line.p50 ?? 0) - 2) < 0.02)
    }

    @Test func `a rehearsal in which something failed or nothing happened is not complete`() {
        #expect(RehearsalReport(lines: [.init("x", latency: histogram(1), failures: 0)]).isComplete)
        #expect(!RehearsalReport(lines: [.init("x", latency: histogram(1), failures: 1)]).isComplete)
        #expect(!RehearsalReport(lines: [.init("x", latency: histogram(), failures: 0)]).isComplete)
    }

    @Test func `table and JSON name every line`() throws {
        let report = RehearsalReport(lines: [
            .init("event to answer", latency: histogram(1), failures: 0, rate: 12.34),
            .init("nothing", latency: histogram(), failures: 3),
        ])
        #expect(report.table.split(separator: "\n").count == 3)
        #expect(report.table.contains("12.3"))
        let json = try report.json()
        #expect(json.contains("\"failures\" : 3"))
        #expect(json.contains("\"buckets\" : {"))
    }
}
